"""A study that is proposed for a program from its `--help`: a study file, and a search space around its defaults."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from tuner.domain.choice import Choice
from tuner.domain.errors import ConfigurationError
from tuner.domain.number import Float, Int
from tuner.domain.parameter import Parameter
from tuner.domain.search_space import SearchSpace
from tuner.spec.program_help import ProgramOption
from tuner.spec.space_file import space_text

_EPOCHS = frozenset({"epochs", "num_epochs", "n_epochs", "max_epochs", "nb_epochs", "num_train_epochs"})
_FIXED = frozenset(
    {
        *("path", "dir", "folder", "file", "data", "dataset", "root", "url", "out", "output", "save", "load", "resume"),
        *("checkpoint", "ckpt", "log", "logging", "logger", "project", "run", "name", "tag", "config", "token", "key"),
        *("device", "gpu", "gpus", "cuda", "cpu", "mps", "accel", "worker", "workers", "thread", "threads", "jobs"),
        *("port", "host", "rank", "world", "node", "nodes", "backend", "seed", "verbose", "debug", "quiet", "dry"),
        *("interval", "freq", "frequency", "every", "print", "progress", "test", "eval", "val", "download", "version"),
        *("wandb", "tensorboard", "mlflow", "pretrained", "only", "steps", "max_steps", "epoch"),
    }
)
"""Words in the names of options that are no hyperparameters."""

_LOG = frozenset({"lr", "learning", "decay", "wd", "l1", "l2", "eps", "epsilon", "alpha", "lambda", "reg"})
"""Words in the names of numbers that are searched on a logarithmic scale."""

_FROM_NOTHING = {"dropout": 0.5, "drop": 0.5, "smoothing": 0.2, "momentum": 0.99, "decay": 0.1}
"""How far numbers are searched whose default is 0, by a word of their names."""

_SOME_EPOCHS = 10
"""How many a trial has of a program whose help names no default."""

_SMALL = 0.01
_FEW = 8

TO_FILL_IN = "FILL-IN"
"""What stands in a command for an argument that the program needs and its help gives no value for."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedStudy:
    """The texts of a study file and of its search space, and what a person has to fill in."""

    study: str
    space: str
    to_fill_in: tuple[str, ...]


def proposed(program: Sequence[str], options: Sequence[ProgramOption], space_file: str) -> ProposedStudy:
    """Return a study of a program with these options, which searches around the defaults of those it can.

    Raises `ConfigurationError` where there are none.
    """
    command = _command(options)
    if not command.searched:
        raise ConfigurationError(
            "the program's help lists no option with a default that could be searched",
            hint="argparse shows defaults with formatter_class=argparse.ArgumentDefaultsHelpFormatter",
        )
    text = _STUDY.format(
        program=_line(*program),
        words="\n".join(f"    {word}" for word in command.words),
        space=json.dumps(space_file),
        epochs=command.epochs or 1,
        how="{trial.max_epochs} of the command" if command.epochs else "the program takes no number of epochs",
        fixed="\n".join(["", "# Left as they are:", *command.fixed, ""]) if command.fixed else "",
    )
    required = [str(option) for option in options if option.is_required and option.name not in command.searched]
    return ProposedStudy(
        study=text,
        space=_SPACE + space_text(SearchSpace(**command.searched)),
        to_fill_in=tuple(required) if TO_FILL_IN in text else (),
    )


@final
@dataclass(frozen=True, slots=True)
class _Command:
    """What becomes of a program's options."""

    searched: Mapping[str, Parameter]
    words: Sequence[str]
    """Lines of the command, in TOML."""
    fixed: Sequence[str]
    """Comments on the options that stay as they are."""
    epochs: int | None
    """How many epochs the program trains for; None where it takes no number of them."""


def _command(options: Sequence[ProgramOption]) -> _Command:
    """Return which options are searched, which are given, and which stay as they are."""
    searched: dict[str, Parameter] = {}
    words: list[str] = []
    fixed: list[str] = []
    epochs: int | None = None
    for option in options:
        parameter, reason = _parameter(option)
        if option.name in _EPOCHS and option.value:
            said = option.default or ""
            epochs = int(said) if said.isdecimal() and int(said) else _SOME_EPOCHS
            words.append(_line(option.flag, "{trial.max_epochs}"))
        elif parameter is not None:
            searched[option.name] = parameter
            words.append(_placeholders(option))
        elif option.is_required:
            given = option.choices[0] if option.choices else TO_FILL_IN
            words.append(_line(*([given] if option.is_positional else [option.flag, given])))
        else:
            fixed.append(f"#   {option}: {reason}")
    return _Command(searched, words, fixed, epochs)


_STUDY = """\
# A program as an objective, as its --help proposes it. `tuner check` tries it, `tuner run` searches.

command = [
    {program}
{words}
]
search_space = {space}
metric = "loss"             # what the program prints on lines such as {{"epoch": 1, "loss": 0.5}}
direction = "minimize"      # or "maximize"
{fixed}
# [metrics]                 # where it prints something else
# pattern = 'epoch (?P<epoch>\\d+).*loss=(?P<loss>[-+.\\deE]+)'

[budget]
trials = 32
epochs = {epochs}                 # {how}
"""

_SPACE = "# What may vary: ranges around the defaults that the program's --help names. Narrow or widen them.\n"


def _line(*words: str) -> str:
    return " ".join(f"{json.dumps(word, ensure_ascii=False)}," for word in words)


def _placeholders(option: ProgramOption) -> str:
    if not option.value:
        off = f":{option.off}" if option.off else ""
        return _line(f"{{{option.name}?{option.flag}{off}}}")
    return _line(*([] if option.is_positional else [option.flag]), f"{{{option.name}}}")


def _parameter(option: ProgramOption) -> tuple[Parameter | None, str]:
    """Return what is searched for an option, or None and why it is not."""
    words = set(option.name.lower().split("_"))
    if option.name in _EPOCHS or _FIXED.intersection({*words, option.name.lower()}):
        return None, "not a hyperparameter"
    if not option.name.isidentifier() or option.is_list:
        return None, "takes a list" if option.is_list else "has no name that a parameter can have"
    if not option.value:
        return Choice(False, True, default=option.default == "True"), ""
    if len(option.choices) > 1:
        default = option.default if option.default in option.choices else option.choices[0]
        return Choice(*dict.fromkeys(option.choices), default=default), ""
    return _number(option, words)


def _number(option: ProgramOption, words: set[str]) -> tuple[Parameter | None, str]:
    if option.default is None:
        return None, "its help names no default"
    if re.fullmatch(r"\d{1,15}", option.default):
        return _whole(int(option.default), words)
    try:
        return _real(float(option.default), words)
    except ValueError:
        return None, f"its default {option.default} is not a number"


def _whole(default: int, words: set[str]) -> tuple[Parameter | None, str]:
    if default == 0:
        return _real(0.0, words) if words.intersection(_FROM_NOTHING) else (None, "no range is clear around 0")
    if default < _FEW:
        return Int(1, max(3, 2 * default), default=default), ""
    return Int(default // 4, default * 4, log=True, default=default), ""


def _real(default: float, words: set[str]) -> tuple[Parameter | None, str]:
    if default == 0:
        most = next((_FROM_NOTHING[word] for word in _FROM_NOTHING if word in words), None)
        return (None, "no range is clear around 0") if most is None else (Float(0.0, most, default=0.0), "")
    if not 0 < default < float("inf"):
        return None, "no range is clear around its default"
    if default < _SMALL or words.intersection(_LOG):
        return Float(_short(default / 10), _short(default * 10), log=True, default=default), ""
    high = min(2 * default, (1 + default) / 2) if default < 1 else 2 * default
    return Float(_short(default / 2), _short(high), default=default), ""


def _short(number: float) -> float:
    return float(f"{number:.3g}")
