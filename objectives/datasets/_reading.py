"""What a person has, an array or a DataFrame, as the features that a model was trained on."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from objectives.datasets._dataset import Array
from tuner.domain.errors import ConfigurationError, nearest

_GAPS = ("", "na", "n/a", "nan", "null", "none", "?")
"""The words, in lower case, that say in a file that a number is not there."""

_SHOWN = 5
"""How many of many mistakes of one kind are told."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads examples of one `shape`: the rows of an array, or the `columns` of a DataFrame where they have names."""

    shape: tuple[int, ...]
    columns: tuple[str, ...] | None = None

    def __call__(self, inputs: Any) -> NDArray[np.float32]:
        """Return the features, an example a row; raises `ConfigurationError` with all that cannot be read."""
        rows = self._columns(inputs) if hasattr(inputs, "columns") else _numbers(inputs)
        if rows.ndim < 2 or rows.shape[1:] not in (self.shape, (math.prod(self.shape),)):  # noqa: PLR2004  flat, at least
            raise ConfigurationError(
                f"the inputs have the shape {rows.shape}, and the model reads {('rows', *self.shape)}".replace("'", ""),
                hint="one example alone is inputs[None]",
            )
        if not len(rows):
            raise ConfigurationError("there are no rows to predict")
        return rows.reshape(-1, *self.shape).astype(np.float32)

    def describe(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"shape": list(self.shape), "columns": None if self.columns is None else list(self.columns)}

    @staticmethod
    def of(description: Mapping[str, Any]) -> "Reader":
        """Return the reader that `describe` described."""
        columns = description["columns"]
        return Reader(
            shape=tuple(map(int, description["shape"])), columns=None if columns is None else tuple(map(str, columns))
        )

    def _columns(self, frame: Any) -> Array:
        if self.columns is None:
            raise ConfigurationError(
                "the model was trained on examples that are no rows of a table", hint="give it a NumPy array"
            )
        check_columns(self.columns, list(map(str, frame.columns)))
        named = frame.set_axis(list(map(str, frame.columns)), axis="columns")
        read = [_column(name, named[name]) for name in self.columns]
        problems = [problem for _, problem in read if problem]
        if problems:
            raise ConfigurationError(problems)
        return np.stack([values for values, _ in read], axis=1)


def check_columns(wanted: Sequence[str], given: Sequence[str]) -> None:
    """Raise `ConfigurationError` with the columns that are missing, and those that are there twice."""
    problems = [*_column_problems(wanted, given)]
    if problems:
        raise ConfigurationError(
            [*problems[:_SHOWN], *([f"and {len(problems) - _SHOWN} columns more"] if len(problems) > _SHOWN else [])],
            hint=f"the model reads the columns {', '.join(wanted)}",
        )


def _column_problems(wanted: Sequence[str], given: Sequence[str]) -> Iterator[str]:
    for name in wanted:
        if name not in given:
            yield f"there is no column {name!r}{nearest(name, given)}"
        elif given.count(name) > 1:
            yield f"there are {given.count(name)} columns called {name!r}"


def _column(name: str, values: Any) -> tuple[Array, str]:
    """Return a column's numbers, gaps as NaN, and what is wrong with it in words."""
    import pandas as pd  # noqa: PLC0415 - whoever has a DataFrame has paid for it

    if values.dtype == object or isinstance(values.dtype, pd.StringDtype):
        values = values.mask(values.astype(str).str.strip().str.lower().isin(_GAPS))
    numbers = pd.to_numeric(values, errors="coerce")
    wrong = values[numbers.isna() & values.notna()]
    if not len(wrong):
        return numbers.to_numpy(dtype=np.float64, na_value=np.nan), ""
    return np.zeros(
        0
    ), f"column {name!r} has {wrong.iloc[0]!r}, which is no number ({len(wrong)} of {len(values)} rows)"


def _numbers(inputs: Any) -> Array:
    try:
        return np.asarray(inputs, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"the inputs are no array of numbers: {error}") from error
