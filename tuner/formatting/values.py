"""How values are written for people, on a terminal and elsewhere."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_COUNTED = 10
_COUNTLESS = 1e12
"""Whole numbers in between were counted, and all their digits say something."""


def safe(text: object) -> str:
    """Return the text without the control characters that could steer a terminal; line ends stay."""
    return "".join(letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1] for letter in str(text))


_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(?:\d[\d.,]*|\.\d+|inf|nan)(?:[eE][+-]?\d+)?%?")


def cell(value: Any) -> Any:
    """Return a value for a cell of a CSV file; text that a spreadsheet would take for a formula gets a quote in front.

    >>> cell("=cmd|'/C calc'!A1"), cell("-2.5"), cell("@x"), cell(3)
    ("'=cmd|'/C calc'!A1", '-2.5', "'@x", 3)
    """
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def number(value: float | None) -> str:
    """Return a metric's value as people read it; a dash for none.

    >>> number(0.98765), number(1234567.8), number(1234567.0), number(None)
    ('0.9877', '1.235e+06', '1234567', '-')
    """
    if value is None:
        return "-"
    if float(value).is_integer() and _COUNTED <= abs(value) < _COUNTLESS:
        return f"{value:.0f}"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.4g}"  # noqa: PLR2004


def signed(value: float) -> str:
    """Return a difference of two values of a metric as people read it, with its sign.

    >>> signed(0.0123), signed(-2.5e-09), signed(0.0)
    ('+0.0123', '-2.5e-09', '+0.0000')
    """
    return f"{'+' if value >= 0 else '-'}{number(abs(value))}"


def amount(count: int, thing: str, things: str = "") -> str:
    """Return how many there are of something, in words; `things` is its plural where that is not formed with an s.

    >>> amount(1, "trial"), amount(4, "trial"), amount(0, "study", "studies")
    ('1 trial', '4 trials', '0 studies')
    """
    return f"{count} {thing if count == 1 else things or f'{thing}s'}"


def duration(seconds: float | None) -> str:
    """Return a duration as people say it.

    >>> duration(4.25), duration(75), duration(3700), duration(None)
    ('4.2 s', '1 m 15 s', '1 h 01 m', '-')
    """
    if seconds is None:
        return "-"
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m" if hours else f"{minutes} m {rest:02d} s"


def size(count: int) -> str:
    """Return a number of bytes as people say it.

    >>> size(0), size(2048), size(5 * 2**30 + 2**28)
    ('0 bytes', '2.0 KiB', '5.2 GiB')
    """
    amount, unit = float(count), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:  # noqa: PLR2004
            break
        amount, unit = amount / 1024, larger
    return f"{count} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"


def config_lines(config: Mapping[str, Any], indent: str = "") -> Iterator[tuple[str, str]]:
    """Yield (parameter, value) for each line of a configuration, a branch's parameters indented under it."""
    for key, value in config.items():
        if not isinstance(value, Mapping):
            yield f"{indent}{key}", _shown(value)
            continue
        yield f"{indent}{key}", safe(value.get("name", ""))
        inside = {name: each for name, each in value.items() if name != "name"}
        yield from config_lines(inside, f"{indent}  ")


def short_config(config: Mapping[str, Any]) -> str:
    """Return a configuration on one line, such as `mlp(width=64, depth=2) adamw(lr=0.001) batch_size=64`."""
    return " ".join(_short(key, value) for key, value in config.items())


def _short(key: str, value: Any) -> str:
    if not isinstance(value, Mapping):
        return f"{key}={_shown(value)}"
    inside = ", ".join(f"{name}={_shown(each)}" for name, each in value.items() if name != "name")
    name = value.get("name")
    # What is no word does not say by itself what it is a value of.
    chosen = name if isinstance(name, str) or not key else f"{key}={name}"
    return f"{chosen}({inside})" if inside else str(chosen)


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return _short("", value)
    if value == "":
        return "''"
    return f"{value:.4g}" if isinstance(value, float) else safe(value)
