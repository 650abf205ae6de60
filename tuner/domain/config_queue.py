"""The port of a study's queue: configurations that people add to a stored study, tried before its sampler's own."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from tuner.domain.config import Config


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedConfig:
    """A configuration that waits to be tried; `key` tells it from every other of its study."""

    key: str
    config: Config


class ConfigQueue(ABC):
    """What waits in a study's queue: it is taken out by the transaction that stores its trial."""

    @abstractmethod
    def waiting(self, *, now: bool = False) -> Sequence[QueuedConfig]:
        """Return what waits, the oldest first; it may be a few seconds old, unless it is to be that of `now`."""
