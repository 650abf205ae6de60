"""A missing value becomes the column's most frequent value."""

from dataclasses import dataclass
from typing import Any, final

from sklearn.impute import SimpleImputer

from tuner.objectives.preprocessing._step import PreprocessingStep

__all__ = ["MostFrequent"]


@final
@dataclass(frozen=True)
class MostFrequent(PreprocessingStep):
    """Fills gaps with the most frequent of the training split; a column without any value becomes 0."""

    def transformer(self, rows: int) -> Any:
        return SimpleImputer(strategy="most_frequent", keep_empty_features=True)
