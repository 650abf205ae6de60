"""Stand-ins for the ports, and a sampler and scheduler that do what they are told."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, final

from tuner.domain.config import Config
from tuner.domain.config_queue import ConfigQueue, QueuedConfig
from tuner.domain.decision import Comparison, Decision, Yardstick
from tuner.domain.event import Event, Listener
from tuner.domain.goal import Goal
from tuner.domain.sampler import NOTHING_FIXED, FixedParams, Sampler
from tuner.domain.scheduler import Scheduler
from tuner.domain.search_space import SearchSpace
from tuner.domain.seed import derive
from tuner.domain.study import Budget, Direction, StudySpec
from tuner.domain.study_folders import StudyFolders
from tuner.domain.study_writer import StudyWriter, Transaction, TrialUpdate
from tuner.domain.trial import TrialRecord

MAXIMIZED = Goal.of("accuracy", Direction.MAXIMIZE)
MINIMIZED = Goal.of("accuracy", Direction.MINIMIZE)


def described(goal: Goal, trials: int) -> dict[str, Any]:
    """What a study that is after `goal` says of itself in a storage."""
    spec = StudySpec(
        objective="supervised",
        search_space="mlp",
        metrics=goal.metrics if goal.has_several else (),
        directions=goal.directions if goal.has_several else (),
        metric=goal.metric,
        direction=goal.directions[0],
        constraints=goal.constraints,
        budget=Budget(trials=trials, epochs=3),
    )
    return spec.describe()


def folders(checkpoints: Path) -> StudyFolders:
    """A study's folders, of which that of its checkpoints matters."""
    return replace(StudyFolders.within(checkpoints), checkpoints=checkpoints)


@final
class FakeSampler(Sampler):
    """Draws at random by trial number, up to `limit` configurations; remembers what it was told."""

    def __init__(self, space: SearchSpace, goal: Goal = MAXIMIZED, seed: int = 0) -> None:
        self.space = space
        self.seed = seed
        self.limit: int | None = None
        self.ignores_held = False
        self.observed: list[TrialRecord] = []

    def suggest(self, number: int, fixed: FixedParams = NOTHING_FIXED) -> Config | None:
        if self.limit is not None and number > self.limit:
            return None
        draw = random.Random(derive(self.seed, number))
        position = {path: draw.random() for path in self.space.parameters}
        return self.space.at(position, {} if self.ignores_held else fixed)

    def observe(self, trial: TrialRecord) -> None:
        self.observed.append(trial)


@final
class FakeScheduler(Scheduler):
    """Answers what `answers` has for (trial, epoch), else CONTINUE; remembers the order of what it was asked."""

    prunes: ClassVar[bool] = True

    def __init__(self, max_epochs: int = 3, direction: Direction = Direction.MAXIMIZE, seed: int = 0) -> None:
        self.answers: dict[tuple[int, int], Decision] = {}
        self.calls: list[tuple[str, int, int]] = []
        self.epochs: tuple[int, ...] | None = None

    def decision_epochs(self, number: int) -> tuple[int, ...] | None:
        return self.epochs

    def record_excess(self, number: int, epoch: int, excess: float) -> None:
        self.calls.append(("record_excess", number, epoch))

    def record(self, number: int, epoch: int, value: float) -> None:
        self.calls.append(("record", number, epoch))

    def decide(self, number: int, epoch: int) -> Decision:
        self.calls.append(("decide", number, epoch))
        return self.answers.get((number, epoch), Decision.CONTINUE)

    def comparisons(self, number: int, epoch: int) -> tuple[Comparison, ...]:
        decision = self.answers.get((number, epoch), Decision.CONTINUE)
        of_rung = {"yardstick": Yardstick.BEST, "rung": epoch, "value": 0.5, "needed": 0.5, "compared": 1}
        return (Comparison(**of_rung, decision=decision),)  # type: ignore[arg-type]


@final
class FakeWriter(StudyWriter):
    """Keeps what is written, in memory; raises `error` instead where there is one."""

    def __init__(self) -> None:
        self.trials: dict[int, TrialRecord] = {}
        self.transactions: list[Sequence[TrialUpdate]] = []
        self.notes: dict[str, Any] = {}
        self.queued: dict[str, Config] = {}
        self.error: Exception | None = None

    def store(self, transaction: Transaction) -> None:
        if self.error is not None:
            raise self.error
        changes = [*(TrialUpdate(trial=trial) for trial in transaction.begun), *transaction.changes]
        self.transactions.append(changes)
        self.trials.update({change.trial.number: change.trial for change in changes})
        self.trials.update({trial.number: trial for trial in transaction.rescheduled})
        self.notes.update(transaction.notes)
        for key in transaction.dequeued:
            del self.queued[key]


@final
class FakeQueue(ConfigQueue):
    """What a `FakeWriter` keeps as queued, as it was when the queue was last read."""

    def __init__(self, writer: FakeWriter) -> None:
        self.writer = writer
        self.known: tuple[QueuedConfig, ...] = ()

    def add(self, *configs: Config) -> None:
        """Add configurations, and let the controller read them."""
        self.writer.queued.update({f"{len(self.writer.queued)}-{index}": each for index, each in enumerate(configs)})
        self.waiting(now=True)

    def waiting(self, *, now: bool = False) -> Sequence[QueuedConfig]:
        if now:
            self.known = tuple(QueuedConfig(key=key, config=each) for key, each in self.writer.queued.items())
        return self.known


@final
class FakeListener(Listener):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

        self.warnings: list[str] = []

    def notify(self, event: Event) -> None:
        self.events.append(event)

    def warned(self, text: str) -> None:
        self.warnings.append(text)


def ticking_clock() -> Callable[[], datetime]:
    """Return a clock that moves on by a second whenever it is read."""
    moments = iter(range(10**9))
    return lambda: datetime(2026, 1, 1) + timedelta(seconds=next(moments))  # noqa: DTZ001 - as Optuna stores it


def metrics(value: float) -> Mapping[str, float]:
    """Return metrics with this accuracy."""
    return {"accuracy": value, "loss": 1 - value}
