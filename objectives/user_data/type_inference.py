"""Inference of column types from values, where the settings do not name them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tuner.domain.errors import ConfigurationError
from tuner.objectives.user_data.cell_formats import (
    ISO,
    MISSING_NUMBERS,
    MISSING_TEXT,
    as_text,
    gaps_in,
    is_text,
    nearest_format,
    plain_numbers,
)
from tuner.objectives.user_data.columns import Category, Column, Date, Ignored, Number, place
from tuner.objectives.user_data.number_formats import (
    Writing,
    all_match,
    has_leading_zeros,
    looks_numeric,
    nearest_writing,
)
from tuner.objectives.user_data.table_notation import Conventions

_FEWEST_ROWS = 20
"""In fewer rows all values of a column can be different by chance."""

_MOST_LEVELS_PER_ROW = 0.9
"""A text that is another one in more of the rows than this names a row, and says nothing about others."""

_NEARLY_ALL = 0.9
"""Where so many of a column's values are numbers the others are taken for mistakes."""

_MOST = 0.5
_FEW_LEVELS = 20
"""Of no more different values numbers can be the names of levels."""

_LISTED = 3


def columns_of(frame: Any, types: Mapping[str, str], conventions: Conventions) -> tuple[Column, ...]:
    """Return the columns of a DataFrame, each as `types` says by its name or else as it looks.

    Raises `ConfigurationError` with everything that cannot be.
    """
    problems: list[str] = []
    hint = ""
    columns: list[Column] = []
    for name in frame.columns:
        try:
            asked = types.get(name)
            values = frame[name]
            found = _inferred(values, conventions) if asked is None else _asked(values, asked, conventions)
            columns.append(found)
        except ConfigurationError as error:
            problems += error.problems
            hint = hint or error.hint
    if problems:
        raise ConfigurationError(problems, hint)
    return tuple(columns)


def target_of(values: Any, asked: str | None, conventions: Conventions) -> Column:
    """Return the column that is to be predicted: a number where it looks like one, else a category."""
    if asked not in {None, Number.type, Category.type}:
        raise ConfigurationError(
            f"column {values.name!r}, the target: cannot be of the type {asked!r}",
            hint="what is predicted is a number or a category",
        )
    if asked is None:
        asked = Number.type if _looks_like_a_number(values, conventions) else Category.type
    return _asked(values, asked, conventions)


def time_of(values: Any, conventions: Conventions) -> Column:
    """Return the column of points in time: dates, or numbers that grow with it, such as years.

    Raises `ConfigurationError` with the first value that is neither.
    """
    are_numbers = _is_numeric(values)
    if is_text(values):
        words = _words(as_text(values), conventions.gaps_among(MISSING_NUMBERS))
        are_numbers = nearest_writing(words)[1].sum() > nearest_format(words)[1].sum()
    return _asked(values, Number.type if are_numbers else Date.type, conventions)


def _looks_like_a_number(values: Any, conventions: Conventions) -> bool:
    if not is_text(values):
        return _is_numeric(values)
    text = as_text(values)
    if _is_plain(text, conventions) and conventions.has_writing(text):
        return True
    words = _words(text, conventions.gaps_among(MISSING_NUMBERS))
    if not len(words) or has_leading_zeros(words):
        return False
    if conventions.has_writing(words):
        return True
    _refuse_mistakes(values, text, words, conventions)
    return False


def _inferred(values: Any, conventions: Conventions) -> Column:
    name = str(values.name)
    if not is_text(values):
        return _typed(values, name, conventions)
    text = as_text(values)
    if _is_plain(text, conventions) and (writing := conventions.writing_of(text, name)) is not None:
        return _number(_numbers(name, writing, conventions), values, text, conventions)
    words = _words(text, conventions.gaps_among(MISSING_NUMBERS))
    if not len(words):
        return Ignored(name=name, reason="nothing in it")
    is_code = has_leading_zeros(words)
    if not is_code and (writing := conventions.writing_of(words, name)) is not None:
        return _number(_numbers(name, writing, conventions), values, text, conventions)
    if (form := conventions.format_of(words, name)) is not None:
        return _date(Date(name=name, format=form, **_given(conventions)), values, text, conventions)
    if is_code:
        _note_codes(name, words, conventions)
    _refuse_mistakes(values, text, words, conventions, are_codes=is_code)
    return _words_column(name, text, conventions)


def _is_plain(text: Any, conventions: Conventions) -> bool:
    """Whether all texts are plain numbers, which are cheaper to read than to compare."""
    numbers = plain_numbers(text, conventions.gaps_among(MISSING_NUMBERS)) if len(text) else None
    return numbers is not None and not has_leading_zeros(text)


def _words_column(name: str, text: Any, conventions: Conventions) -> Column:
    words = _words(text, missing := conventions.gaps_among(MISSING_TEXT))
    if len(text) >= _FEWEST_ROWS and len(words) > _MOST_LEVELS_PER_ROW * len(text):
        return Ignored(name=name, reason="another text in almost every row")
    gaps = gaps_in(text, missing)
    conventions.note_gaps(name, text, gaps)
    conventions.note_words(name, words)
    if len(words) > max(_FEW_LEVELS, _MOST * len(text)):
        conventions.note(
            f"column {name!r} is a category of {len(words)} levels in {len(text)} rows, most of which are there once; "
            f'[settings.columns] {name} = "ignore" leaves it out'
        )
    return _category(words, name, conventions, has_gaps=bool(gaps.any()))


def _refuse_mistakes(values: Any, text: Any, words: Any, conventions: Conventions, *, are_codes: bool = False) -> None:
    """Raise the error for the few values that are no numbers (or dates) among many that are; note where there are more.

    `words` are the different ones of `text`, the values as texts, that are no gaps; codes are no numbers.
    """
    none = ("", np.zeros(len(words), dtype=bool))
    numbers = none if are_codes else _nearest_writing(words)
    for what, (how, fits) in (("numbers", numbers), ("dates written as", nearest_format(words))):
        if not fits.any():
            continue
        good = text.isin(words[fits]).to_numpy(dtype=bool)
        bad = text.isin(words[~fits]).to_numpy(dtype=bool)
        share = good.sum() / (good.sum() + bad.sum())
        if share < _MOST:
            continue
        sentence = _mistakes(values, good, bad, f"{what} {how}".strip())
        if share >= _NEARLY_ALL and fits.sum() > _FEW_LEVELS:
            raise ConfigurationError(
                sentence,
                hint=f"correct it, or say in [settings] what it is: missing = {_toml(words[~fits])} takes it for a "
                f'gap, and columns.{values.name} = "category" all for words',
            )
        conventions.note(f"{sentence}: so it is taken for words")
        return
    if not are_codes and len(words) > _FEW_LEVELS and looks_numeric(words):
        first, second = words.iloc[0], words.iloc[1]
        conventions.note(
            f"column {values.name!r} is taken for words: its values begin like numbers, and are not written alike: "
            f"{first[:40]!r} and {second[:40]!r}"
        )


def _nearest_writing(words: Any) -> tuple[str, Any]:
    if not looks_numeric(words.head(_FEW_LEVELS)) and not words.str.fullmatch(r"[^A-Za-z]*[0-9].*").mean() >= _MOST:
        return "", np.zeros(len(words), dtype=bool)
    writing, fits = nearest_writing(words)
    return str(writing), fits


def _mistakes(values: Any, good: Any, bad: Any, what: str) -> str:
    """Return a sentence that names the values that are not like the others, and where they are."""
    places = np.flatnonzero(bad)
    shown = ", ".join(f"{place(values, int(each))} is not: {str(values.iloc[each])[:40]!r}" for each in places[:1])
    others = [place(values, int(each)) for each in places[1:_LISTED]]
    more = f" (nor are {', '.join(others)}{', ...' if len(places) > _LISTED else ''})" if others else ""
    return f"column {values.name!r}: {good.sum()} of {good.sum() + bad.sum()} values are {what}, {shown}{more}"


def _toml(words: Any) -> str:
    shown = ", ".join(f"'{word[:40]}'" for word in words.head(_LISTED))
    return f"[{shown}{', ...' if len(words) > _LISTED else ''}]"


def _note_codes(name: str, words: Any, conventions: Conventions) -> None:
    """Note that zeros first make words of what else would be numbers, where not all have the same length."""
    if words.str.fullmatch(r"[0-9]+").all() and words.str.len().min() < words.str.len().max():
        code = words[words.str.startswith("0") & (words.str.len() > 1)].iloc[0]
        conventions.note(
            f"column {name!r} is taken for words, since {code!r} begins with a zero; "
            f'[settings.columns] {name} = "number" reads numbers'
        )


def _typed(values: Any, name: str, conventions: Conventions) -> Column:
    """Return a column whose type in the file says what it is."""
    present = values.dropna()
    if not len(present):
        return Ignored(name=name, reason="nothing in it")
    if pd.api.types.is_bool_dtype(values):
        return _category(as_text(present), name, conventions, has_gaps=len(present) < len(values))
    if _is_numeric(values):
        return _number(Number(name=name, **_given(conventions)), values, None, conventions)
    return _date(Date(name=name, **_given(conventions)), values, None, conventions)


def _is_numeric(values: Any) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values))


def _numbers(name: str, writing: Writing, conventions: Conventions) -> Number:
    return Number(
        name=name,
        notation=writing.notation,
        unit=writing.unit,
        parentheses=writing.parentheses,
        **_given(conventions),
    )


def _number(column: Number, values: Any, text: Any, conventions: Conventions) -> Column:
    found = pd.Series(column.features(values)[:, 0])
    if text is not None:
        words = text
        if found.isna().any():
            gaps = gaps_in(text, column.missing)
            conventions.note_gaps(column.name, text, gaps)
            words = text[~gaps]
        _note_names(column.name, words, conventions)
    distinct = found.nunique()
    if distinct == 1 and found.notna().all():
        return Ignored(name=column.name, reason="the same in every row")
    _note_rounding(column, found, conventions)
    counts = len(found) >= _FEWEST_ROWS and distinct == len(found) == found.max() - found.min() + 1
    return Ignored(name=column.name, reason="counts the rows") if counts and (found % 1 == 0).all() else column


def _note_names(name: str, words: Any, conventions: Conventions) -> None:
    """Note that every value is a number, and written as codes or telephone numbers are."""
    for pattern, what in _CODES.items():
        if len(words) and all_match(words, pattern):
            conventions.note(
                f"column {name!r} is read as numbers, and each is {what}, such as {words.iloc[0]!r}; "
                f'if they are names, [settings.columns] {name} = "category"'
            )
            return


_CODES = {
    r"\s*\+\d+([ ()./-]+\d+)+\s*": "written with a + and in groups, as telephone numbers are",
    r"\s*\d+[eE]\d+\s*": "two whole numbers with an E between them",
}


def _note_rounding(column: Number, found: Any, conventions: Conventions) -> None:
    if found.abs().max() > _LARGEST_WHOLE:
        conventions.note(
            f"column {column.name!r} has whole numbers of more than 15 digits, which are rounded; if they are names, "
            f'[settings.columns] {column.name} = "category"'
        )


_LARGEST_WHOLE = 2**53


def _date(column: Date, values: Any, text: Any, conventions: Conventions) -> Column:
    if text is not None:
        conventions.note_gaps(column.name, text, gaps_in(text, column.missing))
    moments = column.moments(values).dropna()
    if len(moments) == len(values) and (moments == moments.iloc[0]).all():
        return Ignored(name=column.name, reason="the same in every row")
    return replace(column, has_time=bool((moments != moments.dt.normalize()).any()))


def _category(words: Any, name: str, conventions: Conventions, *, has_gaps: bool) -> Column:
    levels = tuple(sorted(words.unique()))
    if len(levels) == 1 and not has_gaps:
        return Ignored(name=name, reason="the same in every row")
    return Category(name=name, levels=levels, **_given(conventions))


def _asked(values: Any, kind: str, conventions: Conventions) -> Column:
    """Return a column of the type that the study file names."""
    name = str(values.name)
    if kind == Ignored.type:
        return Ignored(name=name)
    text = as_text(values)
    if kind == Category.type:
        words = _words(text, missing := conventions.gaps_among(MISSING_TEXT))
        conventions.note_gaps(name, text, gaps_in(text, missing))
        conventions.note_words(name, words)
        return Category(name=name, levels=tuple(sorted(words)), **_given(conventions))
    words = _words(text, missing := conventions.gaps_among(MISSING_NUMBERS))
    is_written = is_text(values) and len(words) > 0
    if is_text(values):
        conventions.note_gaps(name, text, gaps_in(text, missing))
    if kind == Number.type:
        writing = Writing()
        if is_written:
            writing = conventions.writing_of(words, name) or nearest_writing(words)[0]
        number = _numbers(name, writing, conventions)
        number.features(values)  # which refuses what is not a number
        return number
    form = (conventions.format_of(words, name) or nearest_format(words)[0]) if is_written else ISO
    date = Date(name=name, format=form, **_given(conventions))
    date.features(values)
    moments = date.moments(values).dropna()
    return replace(date, has_time=bool((moments != moments.dt.normalize()).any()))


def _words(text: Any, missing: Sequence[str]) -> Any:
    """Return the distinct texts that are no gaps."""
    distinct = pd.Series(text.unique(), dtype="str")
    return distinct[~gaps_in(distinct, missing)].reset_index(drop=True)


def _given(conventions: Conventions) -> dict[str, Any]:
    return {} if conventions.missing is None else {"missing": conventions.missing}
