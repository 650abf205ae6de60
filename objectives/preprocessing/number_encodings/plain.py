"""A number is given as it is."""

from dataclasses import dataclass
from typing import final

from tuner.objectives.preprocessing._number_encoding import NumberEncoding

__all__ = ["Plain"]


@final
@dataclass(frozen=True)
class Plain(NumberEncoding):
    """Adds nothing."""

    def width(self, numbers: int) -> int:
        return 0
