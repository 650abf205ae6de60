"""Every feature gets mean 0 and standard deviation 1."""

from dataclasses import dataclass
from typing import Any, final

from sklearn.preprocessing import StandardScaler

from tuner.objectives.preprocessing._step import PreprocessingStep

__all__ = ["Standard"]


@final
@dataclass(frozen=True)
class Standard(PreprocessingStep):
    """Subtracts the mean and divides by the standard deviation."""

    def transformer(self, rows: int) -> Any:
        return StandardScaler()
