"""The column that a table's rows are split by: a group that stays together, or a time."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from tuner.domain.errors import ConfigurationError, nearest
from tuner.objectives.datasets._dataset import Array, SplitBy, SplitKind
from tuner.objectives.user_data.cell_formats import MISSING_TEXT, as_text, gaps_in
from tuner.objectives.user_data.columns import Column, Date, Ignored, place
from tuner.objectives.user_data.options import DataOptions
from tuner.objectives.user_data.table_notation import Conventions
from tuner.objectives.user_data.type_inference import time_of

REASONS = {
    SplitKind.GROUP: "rows with the same one are in the same split",
    SplitKind.TIME: "rows are split in its order",
}
"""Why nothing is learnt from the column."""


def asked_for(options: DataOptions) -> tuple[SplitKind, str] | None:
    """Return how rows are to be split and by which column; None where at random."""
    if options.group is not None:
        return SplitKind.GROUP, options.group
    return None if options.time is None else (SplitKind.TIME, options.time)


def split_column_problems(options: DataOptions, names: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the column that rows are to be split by, in a table that has the columns `names`."""
    asked = asked_for(options)
    if asked is None:
        return
    kind, name = asked
    if name == options.target:
        yield f"{kind.value}: {name!r} is the target, which is not known of new rows; name another column"
    elif name not in names:
        yield f"{kind.value}: there is no column {name!r}{nearest(name, names)}"


def split_by(frame: Any, options: DataOptions, conventions: Conventions) -> SplitBy | None:
    """Return what the rows of a DataFrame are split by; raises `ConfigurationError` for the first without a value."""
    asked = asked_for(options)
    if asked is None:
        return None
    kind, name = asked
    if kind is SplitKind.GROUP:
        return SplitBy(kind=kind, column=name, values=_groups(frame[name], conventions))
    column, moments = _times(frame[name], conventions)
    return SplitBy(kind=kind, column=name, values=moments, are_dates=isinstance(column, Date))


def without_split_column(columns: Sequence[Column], options: DataOptions) -> tuple[Column, ...]:
    """Return the columns, in which that which rows are split by is ignored unless the settings give it a type."""
    asked = asked_for(options)
    if asked is None or asked[1] in dict(options.columns):
        return tuple(columns)
    kind, name = asked
    return tuple(
        replace(column, reason=REASONS[kind]) if isinstance(column, Ignored) and column.name == name else column
        for column in columns
    )


def _groups(values: Any, conventions: Conventions) -> Array:
    text = as_text(values)
    gaps = values.isna().to_numpy(dtype=bool) | gaps_in(text, conventions.gaps_among(MISSING_TEXT))
    _refuse_gap(values, gaps, "group", "which rows belong together is not known without it")
    codes, _ = pd.factorize(text)
    return np.asarray(codes, dtype=np.int64)


def _times(values: Any, conventions: Conventions) -> tuple[Column, Array]:
    why = "rows are split in the order of this column"
    try:
        column = time_of(values, conventions)
        moments = column.features(values)[:, 0]
    except ConfigurationError as error:
        hint = f"{why}: correct the cell, or name a column of dates or of numbers"
        raise ConfigurationError(error.problems, hint) from None
    _refuse_gap(values, np.isnan(moments), "time", why)
    return column, moments


def _refuse_gap(values: Any, gaps: Array, key: str, why: str) -> None:
    if gaps.any():
        first = place(values, int(gaps.argmax()))
        raise ConfigurationError(
            f"{first}, column {values.name!r}: is empty, and settings.{key} names it",
            hint=f"{why}: give it, or leave the row out",
        )
