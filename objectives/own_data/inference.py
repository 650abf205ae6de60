"""What the columns of a table are, found out from their values where nobody said."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from tuner.domain.errors import ConfigurationError, nearest
from tuner.objectives.own_data.columns import TYPES, Category, Column, Date, Ignored, Number
from tuner.objectives.own_data.text import MISSING_NUMBERS, MISSING_TEXT, as_text, format_of, is_text, notation_of

_FEWEST_ROWS = 20
"""In fewer rows all values of a column can be different by chance."""

_MOST_LEVELS_PER_ROW = 0.9
"""A text that is another one in more of the rows than this names a row, and says nothing about others."""


def columns_of(frame: Any, types: Mapping[str, str], missing: Sequence[str] | None) -> tuple[Column, ...]:
    """Return the columns of a DataFrame, each as `types` says by its name or else as it looks.

    `missing`, words in lower case, replaces the words for a gap in all columns. Raises `ConfigurationError` with
    everything that cannot be.
    """
    problems: list[str] = []
    hint = ""
    columns: list[Column] = []
    for name in frame.columns:
        try:
            asked = types.get(name)
            found = _inferred(frame[name], missing) if asked is None else _asked(frame[name], asked, missing)
            columns.append(found)
        except ConfigurationError as error:
            problems += error.problems
            hint = hint or error.hint
    if problems:
        raise ConfigurationError(problems, hint)
    return tuple(columns)


def target_of(values: Any, asked: str | None, missing: Sequence[str] | None) -> Column:
    """Return the column that is to be predicted: a number where it looks like one, else a category."""
    if asked not in {None, Number.type, Category.type}:
        raise ConfigurationError(
            f"column {values.name!r}, the target: cannot be of the type {asked!r}",
            hint="what is predicted is a number or a category",
        )
    if asked is None:
        text = is_text(values)
        words = _words(as_text(values), missing or MISSING_NUMBERS) if text else values
        is_number = notation_of(words) is not None if text else _is_numeric(values)
        asked = Number.type if is_number and len(words) else Category.type
    return _asked(values, asked, missing)


def type_problems(types: object, names: Sequence[str]) -> list[str]:
    """Return what is wrong with the types that a study file gives to columns."""
    if not isinstance(types, Mapping):
        return ["columns: is not a section of column = type"]
    known = ", ".join(TYPES)
    return [
        *(
            f"columns.{name}: {kind!r} is no type{nearest(str(kind), TYPES)} (types: {known})"
            for name, kind in types.items()
            if kind not in TYPES
        ),
        *(f"columns.{name}: there is no such column{nearest(name, names)}" for name in types if name not in names),
    ]


def _inferred(values: Any, missing: Sequence[str] | None) -> Column:
    name = str(values.name)
    if not is_text(values):
        return _typed(values, name, missing)
    text = as_text(values)
    words = _words(text, missing or MISSING_NUMBERS)
    if not len(words):
        return Ignored(name=name, reason="nothing in it")
    if (notation := notation_of(words)) is not None:
        return _number(Number(name=name, notation=notation, **_given(missing)), values)
    if (form := format_of(words)) is not None:
        return _date(Date(name=name, format=form, **_given(missing)), values)
    words = _words(text, missing or MISSING_TEXT)
    if len(text) >= _FEWEST_ROWS and len(words) > _MOST_LEVELS_PER_ROW * len(text):
        return Ignored(name=name, reason="another text in almost every row")
    return _category(words, name, missing, has_gaps=_gaps(text, missing or MISSING_TEXT).any())


def _typed(values: Any, name: str, missing: Sequence[str] | None) -> Column:
    """Return a column whose type in the file says what it is."""
    present = values.dropna()
    if not len(present):
        return Ignored(name=name, reason="nothing in it")
    if pd.api.types.is_bool_dtype(values):
        return _category(as_text(present), name, missing, has_gaps=len(present) < len(values))
    if _is_numeric(values):
        return _number(Number(name=name, **_given(missing)), values)
    return _date(Date(name=name, **_given(missing)), values)


def _is_numeric(values: Any) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values))


def _number(column: Number, values: Any) -> Column:
    found = pd.Series(column.features(values)[:, 0])
    distinct = found.nunique()
    if distinct == 1 and found.notna().all():
        return Ignored(name=column.name, reason="the same in every row")
    counts = len(found) >= _FEWEST_ROWS and distinct == len(found) == found.max() - found.min() + 1
    return Ignored(name=column.name, reason="counts the rows") if counts and (found % 1 == 0).all() else column


def _date(column: Date, values: Any) -> Column:
    moments = column.moments(values).dropna()
    if len(moments) == len(values) and (moments == moments.iloc[0]).all():
        return Ignored(name=column.name, reason="the same in every row")
    return replace(column, has_time=bool((moments != moments.dt.normalize()).any()))


def _category(words: Any, name: str, missing: Sequence[str] | None, *, has_gaps: bool) -> Column:
    levels = tuple(sorted(words.unique()))
    if len(levels) == 1 and not has_gaps:
        return Ignored(name=name, reason="the same in every row")
    return Category(name=name, levels=levels, **_given(missing))


def _asked(values: Any, kind: str, missing: Sequence[str] | None) -> Column:
    """Return a column of the type that the study file names."""
    name = str(values.name)
    if kind == Ignored.type:
        return Ignored(name=name)
    text = as_text(values)
    if kind == Category.type:
        return Category(name=name, levels=tuple(sorted(_words(text, missing or MISSING_TEXT))), **_given(missing))
    words = _words(text, missing or MISSING_NUMBERS)
    if kind == Number.type:
        number = Number(name=name, notation=(is_text(values) and notation_of(words)) or "1234.5", **_given(missing))
        number.features(values)  # which refuses what is no number
        return number
    date = Date(name=name, format=(is_text(values) and format_of(words)) or "ISO8601", **_given(missing))
    date.features(values)
    moments = date.moments(values).dropna()
    return replace(date, has_time=bool((moments != moments.dt.normalize()).any()))


def _words(text: Any, missing: Sequence[str]) -> Any:
    """Return the different texts that mean something."""
    return pd.Series(text[~_gaps(text, missing)].unique(), dtype="str")


def _gaps(text: Any, missing: Sequence[str]) -> Any:
    return text.isna() | text.str.lower().isin(missing)


def _given(missing: Sequence[str] | None) -> dict[str, Any]:
    return {} if missing is None else {"missing": tuple(missing)}
