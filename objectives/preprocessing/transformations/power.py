"""Every feature is bent towards a normal distribution (Yeo and Johnson, 2000)."""

from dataclasses import dataclass
from typing import Any, final

from sklearn.preprocessing import PowerTransformer

from objectives.datasets._dataset import Array
from objectives.preprocessing._step import Step

__all__ = ["Power"]


@final
@dataclass(frozen=True)
class Power(Step):
    """Raises each feature to the power that makes it most symmetric."""

    def transformer(self, rows: int) -> Any:
        return _WithinRange(PowerTransformer())


@final
class _WithinRange:
    """Gives what lies outside the training split's range its edge's value: a power of it can be infinite."""

    def __init__(self, transformer: Any) -> None:
        self._transformer = transformer

    def fit_transform(self, rows: Array) -> Array:
        self._low, self._high = rows.min(axis=0), rows.max(axis=0)
        transformed: Array = self._transformer.fit_transform(rows)
        return transformed

    def transform(self, rows: Array) -> Array:
        transformed: Array = self._transformer.transform(rows.clip(self._low, self._high))
        return transformed
