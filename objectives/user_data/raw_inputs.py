"""Converts raw arrays and DataFrames into the features that a model was trained on."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
import pandas as pd

from tuner.domain.errors import ConfigurationError
from tuner.objectives.datasets._dataset import Array, Dataset, Features
from tuner.objectives.user_data.columns import Number
from tuner.objectives.user_data.images import READING, Pictures
from tuner.objectives.user_data.schema import Schema

_COLOURED = 3
"""How many dimensions an image has."""


class Reader(ABC):
    """Reads raw examples, as they were before any preprocessing."""

    dtype: str
    """What the features were when the pipeline was fitted: "float32" or "float64"."""
    columns: tuple[str, ...] | None
    """The columns of a table that are read, in their order; None where examples are no rows of a table."""
    shape: tuple[int, ...]
    """The shape of one example's features."""

    @abstractmethod
    def __call__(self, inputs: Any) -> Features:
        """Return the features, an example a row; raises `ConfigurationError` where they cannot be read."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return the reader as JSON."""

    def doubts(self, inputs: Any) -> Sequence[str]:
        """Return what in the examples can be read, but is new to the model, one line each."""
        return ()


@final
class ArrayReader(Reader):
    """Reads arrays of examples of one `shape`, or flat; images may have their channels last.

    `pictures` says that the examples were image files, as further ones may be, and by which `pictures.READING`.
    """

    columns = None

    def __init__(self, shape: tuple[int, ...], *, pictures: int = 0, dtype: str = "float32") -> None:
        self.shape = shape
        self.dtype = dtype
        self._pictures = pictures

    def __call__(self, inputs: Any) -> Features:
        rows = _numbers(inputs)
        channels, *size = self.shape
        if len(self.shape) == _COLOURED and rows.shape[1:] == (*size, channels) != self.shape:
            rows = np.moveaxis(rows, -1, 1)
        if rows.shape[1:] not in {self.shape, (math.prod(self.shape),)}:
            raise _misshapen(rows, self.shape)
        return rows.reshape(-1, *self.shape).astype(self.dtype)

    def describe(self) -> dict[str, Any]:
        return {"shape": list(self.shape), "pictures": self._pictures, "dtype": self.dtype}


@final
class TableReader(Reader):
    """Reads the columns of a DataFrame by their names, or those of an array in their order."""

    columns: tuple[str, ...]

    def __init__(self, schema: Schema, dtype: str = "float64") -> None:
        self._schema = schema
        self.dtype = dtype
        self.columns = tuple(column.name for column in schema.columns if column.names)
        self.shape = (len(schema.names),)

    def __call__(self, inputs: Any) -> Features:
        frame = self._frame(inputs)
        try:
            return self._schema.features(frame).astype(self.dtype)
        except ConfigurationError as error:
            hint = f"the model reads the columns {', '.join(self.columns)}; what is missing in a row is left empty"
            raise ConfigurationError(error.problems, hint) from None

    def describe(self) -> dict[str, Any]:
        return {"schema": self._schema.describe(), "dtype": self.dtype}

    def doubts(self, inputs: Any) -> Sequence[str]:
        unseen = self._schema.unseen(self._frame(inputs))
        return [f"column {name!r} has what no training row had: {_some(levels)}" for name, levels in unseen.items()]

    def _frame(self, inputs: Any) -> Any:
        if isinstance(inputs, pd.DataFrame):
            frame = inputs.set_axis([str(name) for name in inputs.columns], axis="columns")
            _refuse_twins(frame, self.columns)
        else:
            # Numbers beside words stay numbers.
            rows = inputs if isinstance(inputs, np.ndarray) else np.asarray(inputs, dtype=object)
            if rows.shape[1:] != (len(self.columns),):
                raise _misshapen(rows, (len(self.columns),))
            frame = pd.DataFrame(rows, columns=list(self.columns)).infer_objects()
        if not len(frame):
            raise _no_rows()
        return frame


def reader_of(dataset: Dataset, features: Features) -> Reader:
    """Return what reads further examples like a dataset's, which has these features."""
    dtype = features.dtype.name
    if dataset.schema is not None:
        return TableReader(dataset.schema, dtype)
    names = dataset.columns()
    if names is None:
        pictures = READING if isinstance(dataset, Pictures) else 0
        return ArrayReader(tuple(features.shape[1:]), pictures=pictures, dtype=dtype)
    columns = tuple(Number(name=name) for name in names)
    return TableReader(Schema(columns=columns, target=Number(name="")), dtype)


def from_description(description: Mapping[str, Any]) -> Reader:
    """Return the reader that `describe` described."""
    # Models that were exported before this was written down were fitted to 32 bits.
    dtype = str(description.get("dtype", "float32"))
    if "schema" in description:
        return TableReader(Schema.from_description(description["schema"]), dtype)
    return ArrayReader(tuple(map(int, description["shape"])), pictures=int(description["pictures"]), dtype=dtype)


def _numbers(inputs: Any) -> Array:
    if isinstance(inputs, pd.DataFrame):
        raise ConfigurationError(
            "the model was trained on arrays, whose columns have no names", hint="frame.to_numpy() is an array"
        )
    try:
        rows = np.asarray(inputs, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"the inputs are no array of numbers: {error}") from error
    if rows.ndim and not len(rows):
        raise _no_rows()
    return rows


def _refuse_twins(frame: Any, columns: Sequence[str]) -> None:
    names = list(frame.columns)
    twins = [name for name in columns if names.count(name) > 1]
    if twins:
        raise ConfigurationError(f"more than one column is called {name!r}" for name in twins)


def _misshapen(rows: Array, shape: tuple[int, ...]) -> ConfigurationError:
    wanted = ", ".join(map(str, ("rows", *shape)))
    return ConfigurationError(
        f"the inputs have the shape {rows.shape}, and the model reads ({wanted})", hint="one example alone is x[None]"
    )


def _no_rows() -> ConfigurationError:
    return ConfigurationError("there are no rows to predict")


def _some(words: Sequence[str], most: int = 3) -> str:
    shown = ", ".join(repr(word[:40]) for word in words[:most])
    return shown + (f" and {len(words) - most} more" if len(words) > most else "")
