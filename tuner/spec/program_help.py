"""What a program's `--help` says of its options, as argparse prints it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

_ENTRY = re.compile(r" {1,4}(?P<invocation>\S.*?)(?: {2,}(?P<help>\S.*))?")
_CHOICES = re.compile(r"\{([^{}]+)\}")
_DEFAULT = re.compile(r"\bdefaults?(?: is| to|:|=| value:)?\s*['\"`]?(?P<value>[^\s,;()\]'\"`]+)", re.IGNORECASE)
_BRACKETED = re.compile(r"\[[^\[\]]*\]")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramOption:
    """An option of a program, or an argument that has no flag.

    `value` is what the help calls its value, empty for a flag that takes none; `off` is the flag that turns it off,
    such as `--no-amp`. `default` is None where the help does not say it.
    """

    flag: str
    value: str = ""
    off: str = ""
    choices: tuple[str, ...] = ()
    default: str | None = None
    is_list: bool = False
    is_required: bool = False

    @property
    def name(self) -> str:
        """Its name as a parameter: `batch_size` of `--batch-size`."""
        return re.sub(r"\W", "_", self.flag.lstrip("-"))

    @property
    def is_positional(self) -> bool:
        """Whether it has no flag."""
        return not self.flag.startswith("-")

    def __str__(self) -> str:
        return self.flag if self.is_positional else " ".join(filter(None, (self.flag, self.value)))


def options_of(text: str) -> tuple[ProgramOption, ...]:
    """Return the options that a help text lists, `--help` and `--version` left out, in its order."""
    required = _required(text)
    found = []
    for is_positional, invocation, about in _entries(text):
        option = _option(invocation, about, required, is_positional=is_positional)
        if option is not None and option.name not in ("help", "version", "h"):
            found.append(option)
    return tuple(found)


def _entries(text: str) -> Iterator[tuple[bool, str, str]]:
    """Yield of each entry whether it is positional, how it is written, and what is said about it."""
    section, entry = "", None
    for line in text.splitlines():
        if line and not line.startswith(" "):
            section = line
        if section.startswith("usage:"):
            continue
        match = _ENTRY.fullmatch(line)
        is_positional = section.lower().startswith("positional")
        if match is not None and (match["invocation"].startswith("-") or is_positional):
            if entry is not None:
                yield entry
            entry = (is_positional, match["invocation"], match["help"] or "")
        elif entry is not None and line.startswith("     "):
            entry = (*entry[:2], f"{entry[2]} {line.strip()}")
    if entry is not None:
        yield entry


def _option(invocation: str, about: str, required: frozenset[str], *, is_positional: bool) -> ProgramOption | None:
    forms = [form.split(maxsplit=1) for form in re.split(r", (?=-)", invocation)]
    flags = [form[0] for form in forms]
    value = next((form[1] for form in forms if len(form) > 1), "")
    default = _DEFAULT.search(about)
    long = [flag for flag in flags if flag.startswith("--") and not flag.startswith("--no-")]
    flag = (long or flags)[0]
    choices = _CHOICES.search(invocation)
    return ProgramOption(
        flag=flag,
        value=value or (invocation if is_positional else ""),
        off=next((each for each in flags if each == f"--no-{flag.lstrip('-')}"), ""),
        choices=tuple(choices[1].split(",")) if choices is not None else (),
        default=default["value"].rstrip(".") if default is not None else None,
        is_list="..." in value,
        is_required=bool(required.intersection(flags)),
    )


def _required(text: str) -> frozenset[str]:
    """Return the flags and arguments that stand outside of brackets in the usage."""
    usage = text[text.find("usage:") :].partition("\n\n")[0] if "usage:" in text else ""
    before = ""
    while before != usage:
        before, usage = usage, _BRACKETED.sub(" ", usage)
    return frozenset(usage.split()[2:])
