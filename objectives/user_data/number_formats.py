"""Notations of numbers: decimal marks, grouped digits, units; one notation per column, converted to floats."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_EXPONENT = r"(?:[eE][+-]?[0-9]+)?"
_INFINITE = r"[iI][nN][fF](?:[iI][nN][iI][tT][yY])?"
_INDIAN = r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"
PLAIN = "1234.5"


def _grouped(group: str, point: str, more: str = "") -> tuple[str, str, str]:
    mark, end = re.escape(group), re.escape(point)
    return rf"(?:[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+{more}|[0-9]+)(?:{end}[0-9]+)?", group, point


NOTATIONS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        PLAIN: (r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)", "", "."),
        "1,234.5": _grouped(",", ".", rf"|{_INDIAN}"),
        "1234,5": (r"(?:[0-9]+,?[0-9]*|,[0-9]+)", "", ","),
        "1.234,5": _grouped(".", ","),
        "1 234.5": _grouped(" ", "."),
        "1 234,5": _grouped(" ", ","),
        "1'234.5": _grouped("'", "."),
        "1'234,5": _grouped("'", ","),
    }
)
"""How numbers without a sign are written: by an example, the pattern, what groups digits, and the decimal mark."""

_CODES = "USD|EUR|GBP|JPY|CHF|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RUB|TRY|BRL|ZAR|KRW|MXN|SGD|HKD|ILS|THB"
_CURRENCY = rf"(?:{_CODES}|[A-Z]{{0,3}}[$¢£¤¥฿₠-⃀﷼﹩]|R|Rs\.?|Fr\.?|kr\.?)"
_UNIT = r"(?:[%‰°µμ]|[^\W\d_])[^\s\d()\[\],;:!?+-]{0,11}[23²³]?"
_AFFIXED = re.compile(
    rf"[+-]?(?P<before>{_CURRENCY})? ?\(?[+-]?[0-9.,][0-9.,' ]*\)? ?(?P<after>{_CURRENCY}|{_UNIT})?\)?"
)
_SAMPLED = 200
_FEW = 20

_ZERO_FIRST = r"[+-]?0[0-9]"
_LEADING_ZERO = r"[+-]?0[0-9]+(?:[^0-9.,].*)?"
_UNGROUPED = r"\D*[0-9]{4,}.*"

_LIKE_ASCII = {
    **{code: unicodedata.decimal(chr(code)) for code in range(0x80, 0x10000) if chr(code).isdecimal()},
    **dict.fromkeys([0x2212, 0x2013, 0xFF0D, 0xFE63], "-"),
    **dict.fromkeys([0xA0, 0x2007, 0x2008, 0x2009, 0x200A, 0x202F, 0x3000], " "),
    **dict.fromkeys([0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF], ""),
    0xFF0B: "+",
    0xFF0E: ".",
    0xFF0C: ",",
    0xFF05: "%",
    0x2019: "'",
    0x066B: ".",
    0x066C: ",",
}
"""Digits, signs and spaces of other scripts and of typesetters."""
_TRANSLATION = str.maketrans({code: str(sign) for code, sign in _LIKE_ASCII.items()})


@final
@dataclass(frozen=True, kw_only=True)
class Writing:
    """How all numbers of a column are written: a notation, a `unit` before or after each, and (1) for -1."""

    notation: str = PLAIN
    unit: str = ""
    parentheses: bool = False

    def numbers(self, text: Any) -> NDArray[np.float64]:
        """Return a Series of texts as numbers: NaN for what is missing, and for what is written in another way."""
        if self == Writing() and (found := cast(text)) is not None:
            return found
        text = like_ascii(text)
        matched = text.str.fullmatch(self._pattern).to_numpy(dtype=bool, na_value=False)
        _, group, point = NOTATIONS[self.notation]
        plain = text.where(matched)
        for sign in (self.unit, " ", group):
            plain = plain.str.replace(sign, "", regex=False) if sign else plain
        if self.parentheses:
            plain = plain.str.replace("(", "-", regex=False).str.replace(")", "", regex=False)
        plain = plain.str.replace(point, ".", regex=False) if point != "." else plain
        if (found := cast(plain)) is not None:
            return found
        numbers: NDArray[np.float64] = pd.to_numeric(plain, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        return numbers

    @cached_property
    def _pattern(self) -> str:
        digits = NOTATIONS[self.notation][0]
        sign = "[+-]?"
        if not self.unit:
            plain = f"(?:{digits}{_EXPONENT if self.notation in {PLAIN, '1234,5'} else ''})"
            plain = f"(?:{plain}|{_INFINITE})" if self.notation == PLAIN else plain
            return f"{sign}{plain}" + (rf"|\({digits}\)" if self.parentheses else "")
        unit = re.escape(self.unit)
        signed = rf"{sign}{unit} ?{sign}{digits}|{sign}{digits} ?{unit}"
        negative = rf"\({unit} ?{digits}\)|\({digits} ?{unit}\)|{unit} ?\({digits}\)|\({digits}\) ?{unit}"
        return f"{signed}|{negative}" if self.parentheses else signed

    def __str__(self) -> str:
        words = [f"written like {self.notation}"] if self.notation != PLAIN else []
        words += [f"in {self.unit}"] if self.unit else []
        words += ["with (1) for -1"] if self.parentheses else []
        return ", ".join(words)


def like_ascii(text: Any) -> Any:
    """Return a Series of texts with the digits, signs and spaces that ASCII has in place of others that look so."""
    if _arrow(text) is not None and (pc.all(pc.string_is_ascii(_arrow(text))).as_py() is not False):
        return text
    return text.str.translate(_TRANSLATION).str.strip()


def all_match(words: Any, pattern: str) -> bool:
    """Whether all of these texts (a Series) match a pattern; what most others have is found out from the first."""
    return all(bool(each.str.fullmatch(pattern).all()) for each in (words.head(_FEW), words))


def has_leading_zeros(words: Any) -> bool:
    """Whether one of these texts is a code and no number, since it begins with a zero that a number would not have."""
    begun = words[words.str.match(_ZERO_FIRST).to_numpy(dtype=bool, na_value=False)]
    return bool(begun.str.fullmatch(_LEADING_ZERO).any())


def writings_of(words: Any) -> tuple[Writing, ...]:
    """Return in how many ways all of these texts (a Series) are numbers, the plainest first.

    Those that differ in no number are one. There are none where a text is not a number, and two where a mark may group
    digits or be the decimal mark.
    """
    if cast(words) is not None and not (words.head(_FEW).str.fullmatch(_POINTED).all() and _has(words, ".")):
        return (Writing(),)
    words = like_ascii(words)
    fitting = [writing for writing in _candidates(words) if _all_match(words, writing)]
    if not fitting:
        return ()
    first, *others = fitting
    marked = bool(words.str.contains(r"[0-9]*[.,][0-9]").any())
    mark = NOTATIONS[first.notation][2]
    other = next((each for each in others if NOTATIONS[each.notation][2] != mark), None)
    return (first,) if other is None or not marked else (first, other)


_POINTED = r"[+-]?(?:[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+)"
"""A number whose points, where it has any, may group digits."""


def nearest_writing(words: Any) -> tuple[Writing, NDArray[np.bool_]]:
    """Return how most of these texts are written as numbers, and which are."""
    words = like_ascii(words)
    found = [(writing, ~np.isnan(writing.numbers(words))) for writing in _candidates(words)]
    return max(found, key=lambda each: int(each[1].sum()))


def looks_numeric(words: Any) -> bool:
    """Whether nearly all of a sample of these texts begin as numbers do."""
    sample = like_ascii(words.head(_SAMPLED))
    return bool(sample.str.match(r"[+-]?\(?[^\w\s]{0,2}[0-9]").mean() >= _NEARLY_ALL)


_NEARLY_ALL = 0.9


def groups_nothing(words: Any) -> bool:
    """Whether a text has four digits or more that nothing groups."""
    return bool(like_ascii(words).str.fullmatch(_UNGROUPED).any())


def _candidates(words: Any) -> Sequence[Writing]:
    """Return the writings that the signs in the texts could be of."""
    unit = _unit_of(words)
    parentheses = bool(words.str.fullmatch(r".*\([^()]*[0-9][^()]*\).*").any())
    marks = {mark for mark in ".,' " if _has(words, mark)}
    return [
        Writing(notation=notation, unit=unit, parentheses=parentheses)
        for notation, (_, group, point) in NOTATIONS.items()
        if notation == PLAIN or ((group == "" or group in marks) and (group != "" or point in marks))
    ]


def _has(words: Any, mark: str) -> bool:
    return bool(words.str.contains(mark, regex=False).any())


def _unit_of(words: Any) -> str:
    """Return the unit that most of the texts have."""
    found: Counter[str] = Counter()
    for word in words.head(_SAMPLED):
        if (match := _AFFIXED.fullmatch(word)) is not None:
            before, after = match["before"] or "", match["after"] or ""
            if not (before and after):
                found[before or after] += 1
    (unit, _), *_ = found.most_common(1) or [("", 0)]
    return unit


def _all_match(words: Any, writing: Writing) -> bool:
    few = words.head(_FEW)
    return not np.isnan(writing.numbers(few)).any() and (
        len(few) == len(words) or not np.isnan(writing.numbers(words)).any()
    )


def _arrow(text: Any) -> Any:
    """Return a Series as an array of Arrow's; None where it holds something else than text."""
    try:
        found = pa.array(text, from_pandas=True)
    except (pa.ArrowException, UnicodeEncodeError):
        return None
    return found if pa.types.is_string(found.type) or pa.types.is_large_string(found.type) else None


def cast(text: Any) -> NDArray[np.float64] | None:
    """Return texts that are plain numbers, or missing, as numbers; None where one is not."""
    if (found := _arrow(text)) is None:
        return None
    try:
        numbers: NDArray[np.float64] = pc.cast(found, pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    return numbers
