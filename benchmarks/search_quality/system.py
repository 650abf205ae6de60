"""The port of a system that searches: it proposes configurations and decides at each report who is trained further."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from tuner.domain.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A configuration to train: from the epoch it has reached, 0 for a new one, until `until` at most.

    Trials are numbered from 0 in the order in which they begin; a continued one keeps its number.
    """

    trial: int
    config: Config
    start: int
    until: int


class System(ABC):
    """One search, from its first proposal on."""

    @abstractmethod
    def ask(self) -> Proposal | None:
        """Return what a free worker trains next; None where there is nothing before the next report."""

    @property
    @abstractmethod
    def processor_seconds(self) -> float:
        """Processor time that the system has used since it began; a busy machine does not lengthen it."""

    @abstractmethod
    def report(self, trial: int, epoch: int, value: float) -> bool:
        """Record the metric after an epoch, and return whether the trial is trained further now."""
