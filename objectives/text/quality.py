"""Quality of documents: what filters of a training text look at, measured once for each document."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

KEEP, EXACT, NEAR = "keep", "exact", "near"
DUPLICATES = (KEEP, EXACT, NEAR)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """A document's length in letters, the share of them that are symbols, and that of lines that are there twice."""

    length: int
    symbols: float
    repetition: float

    @staticmethod
    def of(text: str) -> "Quality":
        """Measure a document; blank lines don't count as repeated."""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        repeated = sum(count - 1 for count in Counter(lines).values())
        plain = sum(map(str.isalnum, text)) + sum(map(str.isspace, text))
        return Quality(
            length=len(text),
            symbols=(len(text) - plain) / max(1, len(text)),
            repetition=repeated / max(1, len(lines)),
        )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which documents of the training part are trained on; those that validate are never filtered."""

    min_length: int = 0
    max_symbols: float = 1.0
    max_repetition: float = 1.0
    duplicates: str = KEEP

    @staticmethod
    def of(config: Mapping[str, Any]) -> "Filters":
        """Return the filters that a configuration chose."""
        return Filters(**{name: config[name] for name in FILTERS if name in config})

    def kept(self, documents: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
        """Return which documents are kept, (documents,), by their columns; of duplicates the first one is."""
        found = documents["length"] >= self.min_length
        found &= documents["symbols"] <= self.max_symbols
        found &= documents["repetition"] <= self.max_repetition
        if self.duplicates != KEEP:
            found &= documents["first" if self.duplicates == NEAR else "first_exact"]
        return np.asarray(found)


FILTERS = ("min_length", "max_symbols", "max_repetition", "duplicates")
"""The keys of a configuration that choose filters."""
