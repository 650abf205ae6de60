"""Every feature is bent towards a normal distribution (Yeo and Johnson, 2000)."""

from dataclasses import dataclass
from typing import Any, final

from sklearn.preprocessing import PowerTransformer, StandardScaler

from tuner.objectives.datasets._dataset import Array
from tuner.objectives.preprocessing._step import Step

__all__ = ["Power"]


@final
@dataclass(frozen=True)
class Power(Step):
    """Raises each feature to the power that makes it most symmetric."""

    def transformer(self, rows: int) -> Any:
        return _WithinRange()


@final
class _WithinRange:
    """Gives what lies outside the training split's range its edge's value: a power of it can be infinite."""

    def __init__(self) -> None:
        self._power = PowerTransformer(standardize=False)
        self._scaler = StandardScaler()

    def fit_transform(self, rows: Array) -> Array:
        self._low, self._high = rows.min(axis=0), rows.max(axis=0)
        transformed: Array = self._scaler.fit_transform(self._power.fit_transform(rows))
        return transformed

    def transform(self, rows: Array) -> Array:
        bent = self._power.transform(rows.clip(self._low, self._high))
        transformed: Array = self._scaler.transform(bent)
        return transformed
