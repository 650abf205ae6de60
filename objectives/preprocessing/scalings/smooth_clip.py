"""Every feature gets median 0 and interquartile range about 1, and what lies far outside is drawn in."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from tuner.objectives.datasets._dataset import Array
from tuner.objectives.preprocessing._step import PreprocessingStep

__all__ = ["SmoothClip"]

_MOST = 3.0


@final
@dataclass(frozen=True)
class SmoothClip(PreprocessingStep):
    """Robust scaling with a smooth clip (D. Holzmüller et al., Better by Default, 2024): nothing is beyond 3."""

    def transformer(self, rows: int) -> Any:
        return _SmoothlyClipped()


@final
class _SmoothlyClipped:
    """Divides by the interquartile range, by half the whole range where that is 0, and bends what is far from 0."""

    def fit_transform(self, rows: Array) -> Array:
        self._centre = np.median(rows, axis=0)
        low, high = np.quantile(rows, [0.25, 0.75], axis=0)
        half = np.ptp(rows, axis=0) / 2
        unit = np.where(high > low, high - low, half)
        self._unit = np.where(unit > 0, unit, 1.0)
        return self.transform(rows)

    def transform(self, rows: Array) -> Array:
        scaled = (rows - self._centre) / self._unit
        clipped: Array = scaled / np.hypot(1.0, scaled / _MOST)
        return clipped
