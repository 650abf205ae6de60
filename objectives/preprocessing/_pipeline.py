"""Preprocessing pipeline: from raw features to the inputs of a model."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from torch import nn

from tuner.objectives.datasets._dataset import Array
from tuner.objectives.preprocessing._encoding import Encoding, Levels
from tuner.objectives.preprocessing._fitted_state import learned, teach
from tuner.objectives.preprocessing._number_encoding import NumberEncoding
from tuner.objectives.preprocessing._step import PreprocessingStep

# What lies far outside the training split overflows float32 after a scaling by a tiny range; without any scaling the
# largest that is common, a moment in nanoseconds, has to fit.
_LIMIT = 2e18

# Between the steps all is float64; the squares of numbers of this size still are.
_LIMIT_BETWEEN = 1e100


@final
class Pipeline:
    """Steps fitted on only the training split; calling it transforms any split in the same way.

    All is fitted and computed in 64 bits, and what comes out has 32. The first step cleans. After it a table loses
    its constant columns and all but the first of equal ones; images and sequences keep theirs, which make their shape.
    The columns that are `categories` go through the `encoding` instead, and come last.
    """

    def __init__(
        self,
        steps: Sequence[PreprocessingStep],
        train: Array,
        *,
        categories: Sequence[int] = (),
        encoding: Encoding | None = None,
        number_encoding: NumberEncoding | None = None,
    ) -> None:
        self._number_encoding = number_encoding
        self._scaled: Array | None = None
        self._transformers: list[Any] = []
        self._rows = len(train)
        self._kept: NDArray[np.intp] | None = None
        self._categories = list(categories)
        self._encoding = encoding
        self._levels = Levels.of(train[:, self._categories]) if categories else None
        numbers = self._numbers(train)
        if numbers.shape[1]:
            self._fit_all(steps, numbers, is_table=train.ndim == 2)  # noqa: PLR2004  one row, one column

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many codes each category has for its encoding."""
        return self._levels.sizes if self._levels is not None else ()

    def layer(self) -> nn.Module | None:
        """Return a new layer that a model needs in front to read what comes out; None where it needs none."""
        layers = []
        if self._encoding is not None and self._levels is not None:
            layers.append(self._encoding.layer(self._kept_numbers, self.sizes))
        if self._number_encoding is not None:
            layers.append(self._number_encoding.layer(self._kept_numbers, self._scaled))
        needed = [layer for layer in layers if layer is not None]
        return nn.Sequential(*needed) if len(needed) > 1 else next(iter(needed), None)

    def shape(self, example: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape behind that layer of an example that has this shape when it comes out of the chain."""
        added = 0 if self._number_encoding is None else self._number_encoding.width(self._kept_numbers)
        if self._encoding is None or self._levels is None:
            return (example[0] + added, *example[1:]) if added else example
        return (self._kept_numbers + self._encoding.width(self.sizes) + added,)

    @property
    def _kept_numbers(self) -> int:
        return 0 if self._kept is None else len(self._kept)

    def _numbers(self, features: Array) -> Array:
        """Return the columns that are not categories, flat."""
        return _flat(np.delete(features, self._categories, axis=1) if self._categories else features)

    def _fit_all(self, steps: Sequence[PreprocessingStep], numbers: Array, *, is_table: bool) -> None:
        cleaning, *rest = steps
        rows = self._fit(cleaning, numbers)
        if is_table:
            self._kept = _informative(rows)
            rows = rows[:, self._kept]
        for step in rest:
            rows = self._fit(step, rows)
        if self._number_encoding is not None and self._number_encoding.looks_at_training:
            self._scaled = _bounded(rows, _LIMIT)

    def _fit(self, step: PreprocessingStep, rows: Array) -> Array:
        transformer = step.transformer(self._rows)
        self._transformers.append(transformer)
        return _bounded(transformer.fit_transform(rows), _LIMIT_BETWEEN)

    def state(self) -> dict[str, Any]:
        """Return what was fitted, as `restored` takes it."""
        return {
            "rows": self._rows,
            "kept": self._kept,
            "categories": self._categories,
            "levels": [] if self._levels is None else list(self._levels.known),
            "steps": [learned(transformer) for transformer in self._transformers],
        }

    @classmethod
    def restored(
        cls,
        steps: Sequence[PreprocessingStep],
        state: Mapping[str, Any],
        encoding: Encoding | None = None,
        number_encoding: NumberEncoding | None = None,
    ) -> "Pipeline":
        """Return the pipeline that was fitted with these steps and encoding; it transforms the same to the last bit.

        Raises `ValueError` where the state is not one of these steps.
        """
        pipeline = cls.__new__(cls)
        pipeline._put_back(steps, state, encoding)  # noqa: SLF001 - one of ours
        pipeline._number_encoding, pipeline._scaled = number_encoding, None  # noqa: SLF001 - as above
        return pipeline

    def _put_back(
        self, steps: Sequence[PreprocessingStep], state: Mapping[str, Any], encoding: Encoding | None
    ) -> None:
        self._rows, self._kept = state["rows"], state["kept"]
        self._categories, self._encoding = [int(column) for column in state["categories"]], encoding
        self._levels = Levels(state["levels"]) if self._categories else None
        # A table of only categories has nothing that steps are fitted on.
        self._transformers = [step.transformer(self._rows) for step in steps] if state["steps"] else []
        for transformer, each in zip(self._transformers, state["steps"], strict=True):
            teach(transformer, each)

    def __call__(self, features: Array) -> NDArray[np.float32]:
        rows = self._numbers(features)
        if self._transformers:
            rows = self._transformed(rows)
        if self._levels is not None:
            assert self._encoding is not None  # categories come with one
            codes = self._levels.codes(features[:, self._categories])
            rows = np.concatenate([rows, self._encoding.columns(codes, self.sizes)], axis=1)
        is_table = self._kept is not None or self._levels is not None
        return rows.astype(np.float32).reshape(rows.shape if is_table else features.shape)

    def _transformed(self, rows: Array) -> Array:
        cleaning, *rest = self._transformers
        rows = _bounded(cleaning.transform(rows), _LIMIT_BETWEEN)
        if self._kept is not None:
            rows = rows[:, self._kept]
        for transformer in rest:
            rows = _bounded(transformer.transform(rows), _LIMIT_BETWEEN)
        return _bounded(rows, _LIMIT)


def _bounded(rows: Array, limit: float) -> Array:
    return np.nan_to_num(rows).clip(-limit, limit)


def _flat(features: Array) -> Array:
    rows = features.reshape(len(features), -1).astype(np.float64)
    return np.where(np.isfinite(rows), rows, np.nan)


def _informative(rows: Array) -> NDArray[np.intp]:
    """Return the columns that vary and equal none before them; the first column where none does."""
    _, first = np.unique(rows, axis=1, return_index=True)
    varying = [column for column in sorted(first) if np.ptp(rows[:, column]) > 0]
    return np.array(varying or [0], dtype=np.intp)
