"""Every feature is bent towards a normal distribution (Yeo and Johnson, 2000)."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from sklearn.preprocessing import PowerTransformer, StandardScaler

from tuner.objectives.datasets._dataset import Array
from tuner.objectives.preprocessing._step import PreprocessingStep

__all__ = ["Power"]


@final
@dataclass(frozen=True)
class Power(PreprocessingStep):
    """Raises each feature to the power that makes it most symmetric."""

    def transformer(self, rows: int) -> Any:
        return _WithinRange()


_FAR = 10
"""A column whose mean is more than this many standard deviations from 0 is standardised before it is bent.

The powers of numbers that lie close together and far from 0 (years, moments) are equal within rounding.
"""


@final
class _WithinRange:
    """Gives what lies outside the training split's range its edge's value: a power of it can be infinite."""

    def __init__(self) -> None:
        # Those of a state that was kept before there were any.
        self._shift, self._unit = np.array(0.0), np.array(1.0)
        self._power = PowerTransformer(standardize=False)
        self._scaler = StandardScaler()

    def fit_transform(self, rows: Array) -> Array:
        self._low, self._high = rows.min(axis=0), rows.max(axis=0)
        mean, deviation = rows.mean(axis=0), rows.std(axis=0)
        far = (np.abs(mean) > _FAR * deviation) & (deviation > 0)
        self._shift, self._unit = np.where(far, mean, 0.0), np.where(far, deviation, 1.0)
        transformed: Array = self._scaler.fit_transform(self._power.fit_transform((rows - self._shift) / self._unit))
        return transformed

    def transform(self, rows: Array) -> Array:
        bent = self._power.transform((rows.clip(self._low, self._high) - self._shift) / self._unit)
        transformed: Array = self._scaler.transform(bent)
        return transformed
