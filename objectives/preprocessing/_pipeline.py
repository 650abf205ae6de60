"""The chain from raw features to what a model is given."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from objectives.datasets._dataset import Array
from objectives.preprocessing._learned import learned, teach
from objectives.preprocessing._step import Step

# What lies far outside the training split overflows float32 after a scaling by a tiny range.
_LIMIT = 1e12


@final
class Pipeline:
    """Steps fitted on the training split alone; calling it transforms any split in the same way.

    The first step cleans. After it a table loses its constant columns and all but the first of equal ones; images and
    sequences keep theirs, which make their shape.
    """

    def __init__(self, steps: Sequence[Step], train: Array) -> None:
        cleaning, *rest = steps
        self._transformers: list[Any] = []
        self._rows = len(train)
        self._kept: NDArray[np.intp] | None = None
        rows = self._fit(cleaning, _flat(train))
        if train.ndim == 2:  # noqa: PLR2004  one row, one column: a table
            self._kept = _informative(rows)
            rows = rows[:, self._kept]
        for step in rest:
            rows = self._fit(step, rows)

    def _fit(self, step: Step, rows: Array) -> Array:
        transformer = step.transformer(self._rows)
        self._transformers.append(transformer)
        return _bounded(transformer.fit_transform(rows))

    def state(self) -> dict[str, Any]:
        """Return what was fitted, as `restored` takes it."""
        return {
            "rows": self._rows,
            "kept": self._kept,
            "steps": [learned(transformer) for transformer in self._transformers],
        }

    @classmethod
    def restored(cls, steps: Sequence[Step], state: Mapping[str, Any]) -> "Pipeline":
        """Return the pipeline that was fitted with these steps; it transforms the same to the last bit.

        Raises `ValueError` where the state is not one of these steps.
        """
        pipeline = cls.__new__(cls)
        pipeline._put_back(steps, state)  # noqa: SLF001 - one of ours
        return pipeline

    def _put_back(self, steps: Sequence[Step], state: Mapping[str, Any]) -> None:
        self._rows, self._kept = state["rows"], state["kept"]
        self._transformers = [step.transformer(self._rows) for step in steps]
        for transformer, each in zip(self._transformers, state["steps"], strict=True):
            teach(transformer, each)

    def __call__(self, features: Array) -> NDArray[np.float32]:
        cleaning, *rest = self._transformers
        rows = _bounded(cleaning.transform(_flat(features)))
        if self._kept is not None:
            rows = rows[:, self._kept]
        for transformer in rest:
            rows = _bounded(transformer.transform(rows))
        shape = features.shape if self._kept is None else rows.shape
        return rows.astype(np.float32).reshape(shape)


def _bounded(rows: Array) -> Array:
    return np.nan_to_num(rows).clip(-_LIMIT, _LIMIT)


def _flat(features: Array) -> Array:
    rows = features.reshape(len(features), -1).astype(np.float64)
    return np.where(np.isfinite(rows), rows, np.nan)


def _informative(rows: Array) -> NDArray[np.intp]:
    """Return the columns that vary and equal none before them; the first column where none does."""
    _, first = np.unique(rows, axis=1, return_index=True)
    varying = [column for column in sorted(first) if np.ptp(rows[:, column]) > 0]
    return np.array(varying or [0], dtype=np.intp)
