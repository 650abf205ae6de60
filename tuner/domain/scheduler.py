"""Port of the schedulers, which decide at each report whether a trial continues."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from tuner.domain.decision import Comparison, Decision
from tuner.domain.study import Direction


class Scheduler(ABC):
    """A pure rule: reports in, decisions out.

    Nothing of a scheduler is stored: it is rebuilt by recording the stored reports again. All reports of a cohort's
    epoch are recorded before any of them is decided, so that no trial is judged before the reports of the others are
    known. The options that a study file may give are the keyword-only arguments of a member's `__init__`, with their
    defaults; a value that makes no sense raises `ConfigurationError`.

    Epochs stand for the study's unit: in a study of 20,000 steps `max_epochs` is 20,000, and the option `min_epochs` is
    called `min_steps`. Reports may leave epochs out, so a trial is judged at an epoch by its first report at or beyond
    it, once.
    """

    prunes: ClassVar[bool]
    """Whether it ever answers STOP, so that most trials never reach their last epoch."""

    exploits: ClassVar[bool] = False
    """Whether trials continue from each other's states: then all of them gather at their decision epochs."""

    compares_several: bool = False
    """Whether it judges trials by all metrics of a study that has several: then `record_several` is called."""

    @abstractmethod
    def __init__(self, max_epochs: int, direction: Direction, seed: int) -> None:
        """Judge trials of at most `max_epochs` epochs; values are better in `direction`."""

    @classmethod
    def unit_defaults(cls, max_epochs: int, options: Mapping[str, Any]) -> Mapping[str, int]:
        """Return defaults, in place of the usual ones, for a study that counts something else than epochs.

        There `max_epochs` is mostly in the thousands. `options` are those that the study file gives.
        """
        return {}

    def decision_epochs(self, number: int) -> tuple[int, ...] | None:
        """Return the epochs at which trial `number` is judged; None where it is judged at every one.

        Between them a worker need not wait for an answer, so several short epochs are reported together.
        """
        return None

    def record_excess(self, number: int, epoch: int, excess: float) -> None:  # noqa: B027 - nothing to do is an answer
        """Record that trial `number` is beyond its constraints after `epoch`, by `excess` in all (above 0).

        Called before the metrics of that epoch are recorded, where more training may still help; a trial that no
        training helps is not recorded at all. A scheduler that does nothing here compares such trials like all others.
        """

    @abstractmethod
    def record(self, number: int, epoch: int, value: float) -> None:
        """Record that trial `number` measured `value` after `epoch` (from 1); epochs of a trial come in order."""

    def record_several(self, number: int, epoch: int, merits: tuple[float, ...]) -> None:
        """Record all metrics of trial `number` after `epoch`, the study's first one first, each so that more is better.

        Called in place of `record` in a study of several metrics, where it `compares_several`.
        """
        raise NotImplementedError

    @abstractmethod
    def decide(self, number: int, epoch: int) -> Decision:
        """Return whether trial `number` continues after `epoch`, which was recorded. Changes nothing."""

    def comparisons(self, number: int, epoch: int) -> tuple[Comparison, ...]:
        """Return what `decide` compares for trial `number` after `epoch`: nothing where it does not say.

        Asked right after `decide`, where the trial does not continue or is judged at some epochs only.
        """
        return ()

    def source(self, number: int, epoch: int, population: Collection[int]) -> int | None:
        """Return the trial whose state and configuration trial `number` continues with after `epoch`; None: its own.

        Asked where it `exploits`, once all of the `population` have reached `epoch`. Changes nothing.
        """
        return None
