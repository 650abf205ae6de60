"""Every feature of the training split lies between 0 and 1."""

from dataclasses import dataclass
from typing import Any, final

from sklearn.preprocessing import MinMaxScaler

from tuner.objectives.preprocessing._step import PreprocessingStep

__all__ = ["MinMax"]


@final
@dataclass(frozen=True)
class MinMax(PreprocessingStep):
    """Subtracts the minimum and divides by the range."""

    def transformer(self, rows: int) -> Any:
        return MinMaxScaler()
