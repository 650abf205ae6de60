"""A missing value becomes the column's median value."""

from dataclasses import dataclass
from typing import Any, final

from sklearn.impute import SimpleImputer

from tuner.objectives.preprocessing._step import PreprocessingStep

__all__ = ["Median"]


@final
@dataclass(frozen=True)
class Median(PreprocessingStep):
    """Fills gaps with the median of the training split; a column without any value becomes 0."""

    def transformer(self, rows: int) -> Any:
        return SimpleImputer(strategy="median", keep_empty_features=True)
