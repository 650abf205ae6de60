"""Durations and sizes with units, as study files have them: "1h30m", "8GiB"."""

import math
import re

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_WHOLE_SIZES = ("GiB", "MiB", "KiB")
_LONGEST = 100 * 366 * 86_400.0
_MOST = 2**63 - 1

NONE = "none"
"""The word for no limit, and for no value where one was given."""

DURATION_PATTERN = r"(?:\d+(?:\.\d+)?[smhd])+"
SIZE_PATTERN = r"(\d+(?:\.\d+)?) ?([KMG]i?B|B)?"


def parse_duration(value: object) -> object:
    """Return the seconds that "90s", "10m" or "1h30m" means; plain numbers are seconds already.

    >>> parse_duration("1h30m")
    5400.0
    """
    if isinstance(value, str):
        if not re.fullmatch(DURATION_PATTERN, value.strip()):
            raise ValueError("is not a duration; write it as 90s, 10m, 1h30m or 2d")
        value = sum(float(number) * _SECONDS[unit] for number, unit in re.findall(r"([\d.]+)([smhd])", value))
    if isinstance(value, int | float) and value > _LONGEST:
        raise ValueError("is longer than a hundred years")
    return value


def parse_size(value: object) -> object:
    """Return the bytes that "200MB" or "8 GiB" means; whole numbers are bytes already.

    Not pydantic's `ByteSize`, which reads "8GiB/2" as 8 GiB and true as one byte.

    >>> parse_size("8 GiB")
    8589934592
    """
    if not isinstance(value, str):
        return value
    match = re.fullmatch(SIZE_PATTERN, value.strip())
    if match is None:
        raise ValueError("is not a size; write it as 200MB, 8GiB or a number of bytes")
    size = float(match[1]) * _BYTES[match[2] or ""]
    if size > _MOST:
        raise ValueError("is more than any machine has")
    return int(size)


def duration_text(seconds: float) -> str | float:
    """Return a duration as a study file says it; a number of seconds where units would round it.

    >>> duration_text(5400.0), duration_text(0.5)
    ('1h30m', 0.5)
    """
    if seconds != math.floor(seconds):
        return seconds
    text, left = "", int(seconds)
    for unit, length in _SECONDS.items():
        count, left = divmod(left, length)
        text += f"{count}{unit}" if count else ""
    return text


def size_text(count: int) -> str | int:
    """Return a number of bytes as a study file says it.

    >>> size_text(200 * 2**20), size_text(1000)
    ('200MiB', 1000)
    """
    whole = ((unit, count // _BYTES[unit]) for unit in _WHOLE_SIZES if count % _BYTES[unit] == 0)
    return next((f"{number}{unit}" for unit, number in whole), count)
