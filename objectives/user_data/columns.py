"""The columns of a table from a file: how each one's raw values become numbers.

A column is what was understood of it when the study began, and nothing is fitted on its values: a category's levels are
numbered, and which of them the training split knows is found out by what encodes them. A description of it is JSON.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from numbers import Number as NumberType
from typing import Any, ClassVar, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.domain.errors import ConfigurationError, nearest
from tuner.objectives.user_data.cell_formats import (
    ISO,
    MISSING_NUMBERS,
    MISSING_TEXT,
    as_text,
    gaps_in,
    is_text,
    moments,
    plain_numbers,
)
from tuner.objectives.user_data.number_formats import PLAIN, Writing

UNSEEN = -1.0
"""Stands for a level that a category did not have."""

_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(ABC):
    """A column by its name, and the words in it, in lower case, that say that nothing is there."""

    type: ClassVar[str]
    """What it is called in study files and on terminals."""

    name: str
    missing: tuple[str, ...]

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The names of the features that it becomes."""

    @abstractmethod
    def features(self, values: Any) -> NDArray[np.float64]:
        """Return a pandas Series of raw values as features, a column each; what is missing is NaN.

        Raises `ConfigurationError` with the first value that cannot be read.
        """

    def present(self, values: Any) -> NDArray[np.bool_]:
        """Return of each value whether it says anything."""
        gaps: NDArray[np.bool_] = values.isna().to_numpy(dtype=bool)
        if is_text(values):
            gaps = self._gaps(as_text(values))
        return ~gaps

    def describe(self) -> dict[str, Any]:
        """Return the column as JSON."""
        return {"type": self.type, **asdict(self)}

    def _gaps(self, text: Any) -> NDArray[np.bool_]:
        return gaps_in(text, self.missing)

    def _refuse(self, values: Any, wrong: NDArray[np.bool_], problem: str) -> None:
        """Raise the error for the first wrong value, where there is one."""
        if not wrong.any():
            return
        first = int(wrong.argmax())
        raise ConfigurationError(
            f"{place(values, first)}, column {self.name!r}: {str(values.iloc[first])[:40]!r} {problem}",
            hint="correct it, or leave the column out: "
            f'[settings.columns] {self.name} = "ignore"; `missing = [...]` in [settings] names the words for a gap',
        )


def place(values: Any, position: int) -> str:
    """Return where a value of a Series or DataFrame is: its line in the file it was read from, or its row."""
    if values.index.name == "line":
        return f"line {values.index[position]}"
    return f"row {position + 1}"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Column):
    """Numbers that are all written alike, as `numbers.Writing` says; what is written otherwise is refused."""

    type = "number"

    missing: tuple[str, ...] = MISSING_NUMBERS
    notation: str = PLAIN
    unit: str = ""
    parentheses: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def features(self, values: Any) -> NDArray[np.float64]:
        found, present = self._read(values)
        how = f" {self.writing}, as the others of its column are" if str(self.writing) else ""
        self._refuse(values, np.isnan(found) & present, f"is not a number{how}")
        self._refuse(values, np.abs(found) > _LARGEST, "is not a finite number of 32 bits")
        return found[:, None]

    @property
    def writing(self) -> Writing:
        """How its numbers are written where they are text."""
        return Writing(notation=self.notation, unit=self.unit, parentheses=self.parentheses)

    def _read(self, values: Any) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the numbers, and of each value whether it says anything."""
        if not is_text(values):
            present = values.notna().to_numpy(dtype=bool)
            if pd.api.types.is_datetime64_any_dtype(values):
                return np.full(len(values), np.nan), present
            if pd.api.types.is_timedelta64_dtype(values):
                values = values.dt.total_seconds()
            return pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan), present
        text = as_text(values)
        if self.writing == Writing() and (plain := plain_numbers(text, self.missing)) is not None:
            return plain, np.ones(len(plain), dtype=bool)
        present = ~self._gaps(text)
        found = np.array(self.writing.numbers(text.where(present)))
        if pd.api.types.is_object_dtype(values):
            # A number beside words is a number already, whatever the notation of the words.
            numbers = values.map(lambda value: isinstance(value, NumberType) and not isinstance(value, bool))
            which = numbers.to_numpy(dtype=bool) & present
            found[which] = values[which].astype(np.float64)
        return found, present


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Category(Column):
    """One of several levels. A level's number is its place in `levels`; others are `UNSEEN`."""

    type = "category"

    missing: tuple[str, ...] = MISSING_TEXT
    levels: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def features(self, values: Any) -> NDArray[np.float64]:
        codes, words = pd.factorize(as_text(values))
        levels = pd.Index(self.levels, dtype=object).get_indexer(words.astype(object)).astype(np.float64)
        levels = np.where(levels < 0, UNSEEN, levels)
        levels[self._gaps(pd.Series(words, dtype="str"))] = np.nan
        return np.append(levels, np.nan)[codes, None]

    def unseen(self, values: Any) -> tuple[str, ...]:
        """Return the words among the values that are no level."""
        text = as_text(values)
        present = text[~self._gaps(text)]
        return tuple(sorted(set(present.unique()) - set(self.levels)))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Date(Column):
    """Days, or points in time, written in one `format` of `strptime`, or "ISO8601".

    They become days since 1970 and where in the year and the week they lie, with `has_time` where in the day too; each
    of these as a point on a circle, so that December is beside January.
    """

    type = "date"

    missing: tuple[str, ...] = MISSING_NUMBERS
    format: str = ISO
    has_time: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        circles = ("year", "week", "day") if self.has_time else ("year", "week")
        return self.name, *(f"{self.name} ({part} of {circle})" for circle in circles for part in ("sine", "cosine"))

    def features(self, values: Any) -> NDArray[np.float64]:
        moments = self.moments(values)
        wrong = moments.isna().to_numpy(dtype=bool) & self.present(values)
        self._refuse(values, wrong, f"is not a date like the others ({self.format})")
        # In microseconds the years 1 to 9999 fit into 64 bits.
        instants = moments.dt.tz_localize(None).to_numpy().astype("datetime64[us]")
        days = (instants - np.datetime64(0, "us")) / np.timedelta64(1, "D")
        shares = [moments.dt.day_of_year.to_numpy(dtype=np.float64, na_value=np.nan) / 365.25, days / 7]
        shares += [days] if self.has_time else []
        circles = [turn(2 * np.pi * share) for share in shares for turn in (np.sin, np.cos)]
        return np.column_stack([days, *circles])

    def moments(self, values: Any) -> Any:
        """Return the values as a Series of points in time, in UTC; what is missing or cannot be read is NaT."""
        if not is_text(values):
            # A number says nothing of what it counts, nor from when.
            known = values if pd.api.types.is_datetime64_any_dtype(values) else pd.Series(pd.NaT, values.index)
            return pd.to_datetime(known, utc=True, errors="coerce")
        text = as_text(values)
        found = moments(text.where(~self._gaps(text)), self.format)
        if pd.api.types.is_object_dtype(values):
            # A date beside words is a date already, whatever the format of the words.
            which = values.map(lambda value: isinstance(value, date) and value is not pd.NaT).to_numpy(dtype=bool)
            found = found.where(~which, pd.to_datetime(values.where(which), utc=True, errors="coerce"))
        return found


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored(Column):
    """A column that nothing is learnt from, and why."""

    type = "ignore"

    missing: tuple[str, ...] = ()
    reason: str = "by the study's settings"

    @property
    def names(self) -> tuple[str, ...]:
        return ()

    def features(self, values: Any) -> NDArray[np.float64]:
        return np.empty((len(values), 0))


TYPES: Mapping[str, type[Column]] = {kind.type: kind for kind in (Number, Category, Date, Ignored)}
"""The types of columns by what they are called."""


def type_problems(types: object, names: Sequence[str]) -> list[str]:
    """Return what is wrong with the types that a study file gives to columns."""
    if not isinstance(types, Mapping):
        return ["columns: is not a section of column = type"]
    known = ", ".join(TYPES)
    return [
        *(
            f"columns.{name}: {kind!r} is not a type{nearest(str(kind), TYPES)} (types: {known})"
            for name, kind in types.items()
            if kind not in TYPES
        ),
        *(f"columns.{name}: there is no such column{nearest(name, names)}" for name in types if name not in names),
    ]


def from_description(description: Mapping[str, Any]) -> Column:
    """Return the column that `describe` described."""
    fields = {key: _tuple(value) for key, value in description.items() if key != "type"}
    return TYPES[description["type"]](**fields)


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
