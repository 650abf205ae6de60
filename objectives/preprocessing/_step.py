"""The port of a preprocessing step."""

from abc import ABC, abstractmethod
from typing import Any


class PreprocessingStep(ABC):
    """One thing done to every feature by itself."""

    @abstractmethod
    def transformer(self, rows: int) -> Any:
        """Return an unfitted transformer for a training split of so many rows.

        Like scikit-learn's it has `fit_transform` and `transform`; it keeps every column, in order.
        """
