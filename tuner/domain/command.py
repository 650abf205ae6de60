"""A command as an objective: a program of any language, started once for each trial.

Its words have placeholders, which are filled in from the trial's configuration and from what else a trial knows. One
word is always one argument: no shell splits or expands it.
"""

import json
import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

from tuner.domain.config import Scalar
from tuner.domain.config_path import paths_of
from tuner.domain.errors import nearest
from tuner.domain.fidelity import EPOCHS, FidelityUnit

FACTS = (
    *("trial.number", "trial.seed", "trial.folder", "trial.device", "trial.epoch", "trial.max_epochs", "trial.unit"),
    *("trial.checkpoint", "config", "python"),
)
"""The placeholders that are not parameters."""

NUMBERS = ("epoch", "step")
"""The keys, or groups of a pattern, that number a report."""

CHECKPOINT = "checkpoint"
"""The key, or group of a pattern, that names the files from which a program can continue after a report."""

_PLACEHOLDER = re.compile(r"\{\{(?P<literal>[^{}]*)\}\}|\{(?P<name>[A-Za-z_][\w.]*)\}")
_SWITCH = re.compile(r"\{(?P<name>[A-Za-z_][\w.]*)\?(?P<yes>[^{}:]*)(?::(?P<no>[^{}]*))?\}")
_FLAG = re.compile(r"--?[A-Za-z][^{}=]*")
_LEFT_OVER = re.compile(r"\{[^{}]*\}?|\}")
_JOINED = re.compile(r"--?[A-Za-z][^{}=]*=\{[A-Za-z_][\w.]*\}")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A program with its arguments, and the pattern of the lines in which it prints its metrics.

    Without a `pattern`, metrics are lines of JSON. `{lr}` and `{optimizer.lr}` stand for a parameter by its path in the
    configuration, or the last part of it; `{amp?--amp}` and `{amp?--amp:--no-amp}` for a flag that a true or false
    parameter turns on; `{{lr}}` for `{lr}` itself. The other placeholders are `FACTS`. Other braces are a mistake,
    except in a word with quotes in it, such as JSON.
    """

    words: tuple[str, ...]
    pattern: str = ""

    @staticmethod
    def split(text: str) -> tuple[str, ...]:
        """Return the words of a command line, as a shell would split it.

        Raises `ValueError` with the rest of a sentence for an open quote.
        """
        try:
            return tuple(shlex.split(text))
        except ValueError as error:
            raise ValueError(f"cannot be split into words: {error}") from None

    @property
    def name(self) -> str:
        """The program that it runs, as a study is called by it: `train` of `python train.py --lr {lr}`."""
        script = next((word for word in self.words if Path(word).suffix in _SCRIPTS), self.words[0])
        return Path(script).stem

    @property
    def placeholders(self) -> tuple[str, ...]:
        """The names in its placeholders, in order."""
        return tuple(dict.fromkeys(name for word in self.words for name in _names(word)))

    def arguments(self, values: Mapping[str, Scalar], facts: Mapping[str, str]) -> list[str]:
        """Return the words with parameters' `values`, by path, and `facts` filled in.

        What a parameter that is not active stands in is left out: `--flag={x}`, or `{x}` with the flag in front of it.
        """
        filled: list[str] = []
        for index, word in enumerate(self.words):
            if (switch := _SWITCH.fullmatch(word)) is not None:
                filled += _switched(switch, values)
                continue
            if any(_text(name, values, facts) is None for name in _names(word)):
                if _is_alone(word) and index and _FLAG.fullmatch(self.words[index - 1]):
                    filled.pop()
                continue
            filled.append(_filled(word, values, facts))
        return filled

    def problems(self, paths: Mapping[str, bool], wanted: Collection[str]) -> Iterator[str]:
        """Yield what is wrong with it, whatever machine it runs on.

        `paths` are those of the search space's configurations, and whether all of them have it; `wanted` the metrics.
        """
        for index, word in enumerate(self.words):
            yield from self._problems_of(word, self.words[index - 1] if index else "", paths)
        yield from self._problems_of_pattern(wanted)

    def _problems_of(self, word: str, before: str, paths: Mapping[str, bool]) -> Iterator[str]:
        for name in _names(word):
            shown = f"{{{name}}}"
            if name in FACTS:
                if name in paths:
                    yield f"command: {shown} is a parameter of the search space too; call that one differently"
                continue
            meant = paths_of(name, paths)
            if len(meant) != 1:
                unknown = f"is unknown{nearest(name, (*FACTS, *paths))}"
                reason = f"is ambiguous: {' or '.join(meant)}" if meant else unknown
                yield f"command: {shown} {reason} (braces themselves are written as {{{shown}}})"
                continue
            can_be_left_out = _JOINED.fullmatch(word) or _SWITCH.fullmatch(word)
            if not paths[meant[0]] and not can_be_left_out and not (_is_alone(word) and _FLAG.fullmatch(before)):
                yield (
                    f"command: {shown} in {word!r} exists in some configurations only; write it behind a flag, as "
                    f"'--flag', '{shown}' or '--flag={shown}': both are left out where it does not"
                )
        if (left_over := _left_over(word)) is not None:
            yield (
                f"command: {left_over} in {word!r} is not a placeholder; one is {{lr}}, without a format, or "
                "{amp?--amp} as a word of its own (braces themselves are written as {{...}})"
            )

    def _problems_of_pattern(self, wanted: Collection[str]) -> Iterator[str]:
        if not self.pattern:
            return
        try:
            groups = re.compile(self.pattern).groupindex
        except (re.error, RecursionError, OverflowError) as error:
            yield f"metrics.pattern: {self.pattern!r} is not a regular expression: {error}"
            return
        for name in wanted:
            if name not in groups:
                known = ", ".join(groups) or "none"
                yield (
                    f"metrics.pattern: has no group for the metric {name!r}, such as (?P<{name}>[-+.\\deE]+)"
                    f"{nearest(name, groups)} (groups: {known})"
                )

    def expected(self, wanted: Collection[str], unit: FidelityUnit) -> str:
        """Return in words the lines that it is to print, in a study of this unit."""
        if self.pattern:
            return f"lines that match {self.pattern!r}"
        number = "epoch" if unit == EPOCHS else "step"
        return f"lines such as {json.dumps({number: 1, **dict.fromkeys(wanted, 0.5)})}"

    def __str__(self) -> str:
        return shlex.join(self.words)


_SCRIPTS = frozenset({".py", ".sh", ".R", ".jl", ".js", ".rb", ".pl", ".lua", ".m"})
"""What files end in that an interpreter in front of them runs."""


def _names(word: str) -> list[str]:
    if (switch := _SWITCH.fullmatch(word)) is not None:
        return [switch["name"]]
    return [found["name"] for found in _PLACEHOLDER.finditer(word) if found["name"] is not None]


def _left_over(word: str) -> str | None:
    """Return the braces in a word that are no placeholder and are not meant as they are; None: there are none."""
    if _SWITCH.fullmatch(word) is not None or '"' in word or "'" in word:
        return None
    found = _LEFT_OVER.search(_PLACEHOLDER.sub("", word))
    return found and found.group()


def _is_alone(word: str) -> bool:
    """Whether a word is a placeholder and nothing else."""
    found = _PLACEHOLDER.fullmatch(word)
    return found is not None and found["name"] is not None


def _filled(word: str, values: Mapping[str, Scalar], facts: Mapping[str, str]) -> str:
    def text(found: re.Match[str]) -> str:
        literal = found["literal"]
        return f"{{{literal}}}" if literal is not None else _text(found["name"], values, facts) or ""

    return _PLACEHOLDER.sub(text, word)


def _text(name: str, values: Mapping[str, Scalar], facts: Mapping[str, str]) -> str | None:
    """Return what a placeholder stands for; None for a parameter that is not active."""
    if name in facts:
        return facts[name]
    active = paths_of(name, values)
    return as_argument(values[active[0]]) if len(active) == 1 else None


def _switched(switch: re.Match[str], values: Mapping[str, Scalar]) -> list[str]:
    active = paths_of(switch["name"], values)
    if len(active) != 1:
        return []
    word = switch["yes"] if values[active[0]] else switch["no"]
    return [word] if word else []


def as_argument(value: Scalar) -> str:
    """Return a parameter's value as a program's argument.

    >>> [as_argument(each) for each in (True, None, 0.001, "adam")]
    ['true', 'none', '0.001', 'adam']
    """
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
