"""A missing value becomes the column's mean value."""

from dataclasses import dataclass
from typing import Any, final

from sklearn.impute import SimpleImputer

from tuner.objectives.preprocessing._step import PreprocessingStep

__all__ = ["Mean"]


@final
@dataclass(frozen=True)
class Mean(PreprocessingStep):
    """Fills gaps with the mean of the training split; a column without any value becomes 0."""

    def transformer(self, rows: int) -> Any:
        return SimpleImputer(strategy="mean", keep_empty_features=True)
