"""Features keep their units."""

from dataclasses import dataclass
from typing import Any, final

from sklearn.preprocessing import FunctionTransformer

from tuner.objectives.preprocessing._step import PreprocessingStep

__all__ = ["NoScaling"]


@final
@dataclass(frozen=True)
class NoScaling(PreprocessingStep):
    """Leaves every feature as it is."""

    def transformer(self, rows: int) -> Any:
        return FunctionTransformer()
