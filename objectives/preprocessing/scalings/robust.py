"""Every feature gets median 0 and interquartile range 1."""

from dataclasses import dataclass
from typing import Any, final

from sklearn.preprocessing import RobustScaler

from tuner.objectives.preprocessing._step import PreprocessingStep

__all__ = ["Robust"]


@final
@dataclass(frozen=True)
class Robust(PreprocessingStep):
    """Subtracts the median and divides by the interquartile range, which outliers do not move."""

    def transformer(self, rows: int) -> Any:
        return RobustScaler()
