"""A metric row by row: what each row of a split contributes to it, so that intervals can allow for other rows."""

import math
import sys
import zlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, final

MOST_ROWS = 65_536
"""How many rows are kept of a split; of a larger one as many, evenly spaced, which say as much about its noise."""

_FLOAT32 = "f"
_BYTES = 4
_FORMAT = "tuner-rows-1"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RowValues:
    """A number for each row of a split, whose mean is the metric.

    For a mean over rows, such as accuracy, that is what each row counts. A metric that is no mean has pseudo-values
    (J. Tukey, Bias and confidence in not-quite large samples, 1958). `data` are the numbers as 32-bit floats, little
    end first, at most `MOST_ROWS`; `total` is how many rows the split has.
    """

    data: bytes = field(repr=False)
    total: int

    @staticmethod
    def of(values: Iterable[Any]) -> "RowValues":
        """Return the values of all rows of a split, in the split's order; raises `ValueError` where one is not finite.

        What converts to a float is a number: the items of NumPy arrays and tensors do.
        """
        rows = list(values)
        kept = rows if len(rows) <= MOST_ROWS else [rows[at * len(rows) // MOST_ROWS] for at in range(MOST_ROWS)]
        numbers = array(_FLOAT32, (float(each) for each in kept))
        if not numbers or not all(map(math.isfinite, numbers)):
            raise ValueError("the values of a metric by row are finite numbers, one for each row of the split")
        if sys.byteorder == "big":
            numbers.byteswap()
        return RowValues(data=numbers.tobytes(), total=len(rows))

    def __len__(self) -> int:
        """Return how many rows are kept."""
        return len(self.data) // _BYTES

    def encoded(self, epoch: int) -> bytes:
        """Return the content of a file: of which `epoch` the values are, and a checksum, before the values."""
        return f"{_FORMAT} {epoch} {self.total} {zlib.crc32(self.data)}\n".encode() + self.data

    @staticmethod
    def decoded(content: bytes, epoch: int) -> "RowValues | None":
        """Return the values in a file's content; None where they are of another epoch, or are not what was written."""
        head, _, data = content.partition(b"\n")
        try:
            kind, of_epoch, total, checksum = head.decode().split()
            is_sound = kind == _FORMAT and int(of_epoch) == epoch and int(checksum) == zlib.crc32(data)
            rows = RowValues(data=data, total=int(total))
        except ValueError:
            return None
        return rows if is_sound and 0 < len(rows) <= rows.total and not len(data) % _BYTES else None


@final
class RowKeeper:
    """Takes the values by row of what a trial has measured last, where its study keeps them.

    `metric` is the one whose values are wanted; None: the study keeps none, and what is given is dropped.
    """

    def __init__(self, metric: str | None = None) -> None:
        self.metric = metric
        self._latest: RowValues | None = None

    def keep(self, values: Iterable[Any]) -> None:
        """Hold the values of the metric that is reported next."""
        if self.metric is not None:
            self._latest = RowValues.of(values)

    def hold(self, values: RowValues | None) -> None:
        """Hold what another process has kept of the same measurement; None where it has kept nothing."""
        self._latest = values

    def take(self) -> RowValues | None:
        """Hand out what was given since the last time; None where nothing was."""
        latest, self._latest = self._latest, None
        return latest
