"""Formats of text cells: words for a gap, formats of dates, and words."""

import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.objectives.user_data.number_formats import cast, like_ascii

MISSING_TEXT = ("", "n/a", "#n/a", "<na>", "nan", "nat", "null", "?")
"""Among words these say that nothing is there, in whatever case; NA is a country, None an answer, - a sign."""

MISSING_NUMBERS = (*MISSING_TEXT, "na", "none", "nil", "missing", "-", "--", ".")
"""Among numbers and dates these do."""

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_MONTHS = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_DAYS = {
    "%Y/%m/%d": r"[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}",
    "%Y.%m.%d": r"[0-9]{4}\.[0-9]{1,2}\.[0-9]{1,2}",
    **{
        form.replace("/", mark): pattern.replace("/", "\\" + mark)
        for year, digits in (("%Y", "[0-9]{4}"), ("%y", "[0-9]{2}"))
        for mark in "./-"
        for form, pattern in (
            (f"%m/%d/{year}", f"[0-9]{{1,2}}/[0-9]{{1,2}}/{digits}"),
            (f"%d/%m/{year}", f"[0-9]{{1,2}}/[0-9]{{1,2}}/{digits}"),
        )
        # Between points the day is the first, wherever they are used.
        if mark != "." or form.startswith("%d")
    },
    "%d %b %Y": rf"[0-9]{{1,2}} {_MONTH} [0-9]{{4}}",
    "%d %B %Y": rf"[0-9]{{1,2}} {_MONTHS} [0-9]{{4}}",
    "%d-%b-%Y": rf"[0-9]{{1,2}}-{_MONTH}-[0-9]{{4}}",
    "%d-%b-%y": rf"[0-9]{{1,2}}-{_MONTH}-[0-9]{{2}}",
    "%b %d, %Y": rf"{_MONTH} [0-9]{{1,2}}, [0-9]{{4}}",
    "%B %d, %Y": rf"{_MONTHS} [0-9]{{1,2}}, [0-9]{{4}}",
}
_CLOCKS = {
    "": "",
    " %H:%M": r" [0-9]{1,2}:[0-9]{2}",
    " %H:%M:%S": r" [0-9]{1,2}:[0-9]{2}:[0-9]{2}",
    " %I:%M %p": r" [0-9]{1,2}:[0-9]{2} [AaPp][Mm]",
    " %I:%M:%S %p": r" [0-9]{1,2}:[0-9]{2}:[0-9]{2} [AaPp][Mm]",
}
ISO = "ISO8601"
_ISO_CLOCK = r"[T ][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        ISO: rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:{_ISO_CLOCK}(?:\s?(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}}))?)?",
        "%Y-%m": r"[0-9]{4}-[0-9]{2}",
        **{day + clock: shape + time for clock, time in _CLOCKS.items() for day, shape in _DAYS.items()},
    }
)
"""How dates are written: the format, and the pattern that a text has to have before it is tried."""

_SHAPES = {form: re.compile(pattern) for form, pattern in FORMATS.items()}
_FEW = 20
_MORE = 200


def is_text(values: Any) -> bool:
    """Whether a Series has to be read as text: its own type does not say what its values are."""
    return bool(pd.api.types.is_object_dtype(values) or isinstance(values.dtype, pd.StringDtype | pd.CategoricalDtype))


def as_text(values: Any) -> Any:
    """Return a Series as text without spaces around it; whole numbers have no decimal point, nothing is missing."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_object_dtype(values):
        values = values.map(_word, na_action="ignore")
    return values.astype("str").str.strip()


def gaps_in(text: Any, missing: Sequence[str]) -> NDArray[np.bool_]:
    """Return of each of a Series of texts whether it is missing, or one of these words in whatever case."""
    gaps: NDArray[np.bool_] = (text.isna() | text.str.lower().isin(missing)).to_numpy(dtype=bool)
    return gaps


def plain_numbers(text: Any, missing: Sequence[str]) -> NDArray[np.float64] | None:
    """Return texts as numbers in one pass where all are plain and none is a gap; None otherwise."""
    if any(map(_is_number, missing)):
        return None
    found = cast(text)
    return None if found is None or np.isnan(found).any() else found


def _is_number(word: str) -> bool:
    try:
        return not math.isnan(float(word))
    except ValueError:
        return False


def _word(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def formats_of(words: Any) -> tuple[str, ...]:
    """Return the formats in which all of these texts (a Series) are dates.

    There are none where one is not a date, and two where day and month could be either; the month first comes first.
    """
    words = like_ascii(words)
    few = words.head(_FEW).tolist()
    fitting = [form for form, shape in _SHAPES.items() if all(map(shape.fullmatch, few)) and _fits(words, form)]
    if not fitting:
        return ()
    other = twin(fitting[0])
    return (fitting[0], other) if other in fitting else (fitting[0],)


def twin(form: str) -> str:
    """Return the format with day and month the other way round."""
    mark = form[2:3]
    if form.startswith(f"%m{mark}%d"):
        return f"%d{mark}%m{form[5:]}"
    return f"%m{mark}%d{form[5:]}" if form.startswith(f"%d{mark}%m") else ""


def _fits(words: Any, form: str) -> bool:
    return bool(words.str.fullmatch(FORMATS[form]).all() and moments(words, form).notna().all())


def moments(text: Any, form: str) -> Any:
    """Return a Series of texts as points in time, in UTC; NaT for what is missing or written otherwise."""
    codes, distinct = pd.factorize(text)
    words = like_ascii(pd.Series(distinct, dtype="str"))
    known = words.str.fullmatch(FORMATS[form]).astype(bool)
    found = pd.to_datetime(words.where(known), format=form, utc=True, errors="coerce")
    return found.reindex(codes).set_axis(text.index)


def nearest_format(words: Any) -> tuple[str, Any]:
    """Return the format in which most of these texts are dates, and which are."""
    words = like_ascii(words)
    few = words.head(_MORE).tolist()
    form = max(_SHAPES, key=lambda each: sum(map(bool, map(_SHAPES[each].fullmatch, few))))
    if not any(map(_SHAPES[form].fullmatch, few)):
        return form, np.zeros(len(words), dtype=bool)
    return form, moments(words, form).notna().to_numpy(dtype=bool)
