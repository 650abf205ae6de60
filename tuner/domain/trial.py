"""A trial: one configuration being trained, as the objective sees it and as the study remembers it."""

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from os import PathLike
from pathlib import Path
from typing import Any, final

from tuner.domain.checkpoints import Checkpoints
from tuner.domain.config import Config
from tuner.domain.errors import StopTrial
from tuner.domain.fidelity import EPOCHS, FidelityUnit
from tuner.domain.origin import Origin
from tuner.domain.reporting import NoReports, Reporter, as_step, combined
from tuner.domain.row_values import RowKeeper, RowValues
from tuner.domain.study import Direction
from tuner.formatting.html import beside, line, table
from tuner.formatting.values import config_lines, duration, number
from tuner.system import random_generators
from tuner.system.files import private

RNG = "tuner:rng"
"""The key of a saved state under which the states of the random generators are."""

Metrics = Mapping[str, float]
"""What a trial measured after an epoch: finite numbers by name."""


class TrialState(Enum):
    """Where a trial is in its life; the names are the ones Optuna stores."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    PRUNED = "PRUNED"
    FAIL = "FAIL"

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will happen to the trial."""
        return self in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


_VARYING = re.compile(r"(exit code \d+)|0x[0-9a-fA-F]+|[\d.]+")
"""What differs among failures of one cause; an exit code distinguishes causes."""


_SHOWN = 300
"""How many characters of a failure's message are shown among others."""


class FailureReason(Enum):
    """Why a trial failed."""

    RAISED = "raised"
    NO_METRICS = "no_metrics"
    MISSING_METRIC = "missing_metric"
    NOT_A_NUMBER = "not_a_number"
    NOT_FINITE = "not_finite"
    OUT_OF_MEMORY = "out_of_memory"
    COHORT_RAISED = "cohort_raised"
    """The cohort failed as a whole, so the member that caused it is unknown."""
    WORKER_LOST = "worker_lost"
    TIMEOUT = "timeout"
    """It took longer than the study's limits allow."""
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    NOT_IN_SPACE = "not_in_space"
    """Another program added it to the study, with values that the search space does not have."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A reason that can be counted, a sentence for people, and the traceback where there is one."""

    reason: FailureReason
    message: str
    traceback: str = ""

    @property
    def summary(self) -> str:
        """The message, or as much of it as is shown among others."""
        return self.message if len(self.message) <= _SHOWN else f"{self.message[:_SHOWN]} ..."

    @property
    def pattern(self) -> str:
        """The message without its numbers and addresses: that of failures of one cause is the same."""
        return _VARYING.sub(lambda found: found[1] or "#", self.message)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one trial did in one epoch: it measured something, or failed, or ended by itself.

    `seconds` is what the epoch took, its share of the cohort's where several trials were trained at once. `note` is
    what a person should know although the trial continues. `is_last` says that the objective ended with these metrics:
    there is nothing left to stop. `together` is how many trials were trained as one in that epoch: 1 where the trial
    was trained alone although its objective can batch, for the reason in `apart`; 0 where the objective never does.
    """

    number: int
    epoch: int
    metrics: Metrics | None = None
    failure: Failure | None = None
    seconds: float = 0.0
    note: str = ""
    is_last: bool = False
    together: int = 0
    apart: str = ""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """From the end of `epoch` on a trial has this configuration, and what trial `source` had learned (None: itself).

    `source_epoch` is how far the source was, where that differs from `epoch`.
    """

    epoch: int
    config: Config
    source: int | None = None
    source_epoch: int | None = None

    def describe(self) -> dict[str, Any]:
        """Return the JSON form, as it is stored and printed."""
        differs = {} if self.source_epoch is None else {"source_epoch": self.source_epoch}
        return {"epoch": self.epoch, "source": self.source, **differs, "config": self.config}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """A trial as stored.

    `curve` maps each reported epoch (from 1) to the study's metric; `value`, `epoch` and `metrics` are those of its
    best epoch and None, 0 and empty before the first report. `schedule` has every configuration of a trial that
    continued from another's state, empty for one that never did; `config` is the one in force, and in the end the best
    epoch's. Only repetitions have `test_metrics`, and what each row of the validation and the test split contributes to
    the metric, where the objective provides that: of a search's trials only one is tested. `origin` is why the
    trial began with its configuration, None where that was not stored.
    """

    number: int
    state: TrialState
    config: Config
    value: float | None = None
    epoch: int = 0
    metrics: Metrics = field(default_factory=dict)
    curve: Mapping[int, float] = field(default_factory=dict)
    failure: Failure | None = None
    schedule: tuple[Stage, ...] = ()
    started: datetime | None = None
    finished: datetime | None = None
    test_metrics: Metrics | None = None
    rows: RowValues | None = field(default=None, repr=False)
    test_rows: RowValues | None = field(default=None, repr=False)
    origin: Origin | None = None

    @property
    def last_epoch(self) -> int:
        """The last epoch that was reported, 0 before the first."""
        return max(self.curve, default=0)

    @property
    def epoch_before_last(self) -> int:
        """The epoch that was reported before the last one, 0 where there is none."""
        last = self.last_epoch
        return max((epoch for epoch in self.curve if epoch < last), default=0)

    def config_at(self, epoch: float) -> Config:
        """Return the configuration that `epoch` (from 1) was trained with."""
        return next((stage.config for stage in reversed(self.schedule) if stage.epoch < epoch), self.config)

    def waiting_again(self, now: datetime) -> "TrialRecord":
        """Return the finished trial as one that waits to be trained again or further.

        The time since its end is not counted as its own: its start moves on by it.
        """
        pause = now - (self.finished or now)
        started = None if self.started is None else self.started + pause
        return replace(self, state=TrialState.WAITING, failure=None, started=started, finished=None)

    @property
    def seconds(self) -> float | None:
        """How long the trial took, from its start to its end; None while it is not over."""
        if self.started is None or self.finished is None:
            return None
        return (self.finished - self.started).total_seconds()

    def _repr_html_(self) -> str:
        """Return the trial as a notebook shows it."""
        reached = f"{number(self.value)} at epoch {self.epoch}" if self.epoch else "nothing measured"
        what = reached if self.failure is None else self.failure.message
        took = "" if self.seconds is None else f", {duration(self.seconds)}"
        config = table(("configuration", "value"), config_lines(self.config))
        metrics = table(("metric", "value"), ((name, number(each)) for name, each in self.metrics.items()), ("value",))
        head = line(f"trial {self.number}", f"{self.state.value}, {what}{took}")
        return head + beside(config, *([metrics] if self.metrics else []))


def best_epoch(curve: Mapping[int, float], direction: Direction) -> int:
    """Return the epoch of the best value, the earliest of several, and 0 for an empty curve.

    >>> best_epoch({1: 0.5, 2: 0.9, 3: 0.9}, Direction.MAXIMIZE)
    2
    """
    return max(curve, key=lambda epoch: (direction.sign * curve[epoch], -epoch), default=0)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What an objective is given: a configuration to train and all it may depend on.

    `epoch` is how many epochs were trained before (0 unless the trial was interrupted) and `max_epochs` how many there
    may be at most. In a study of another `unit` they count that, and are better called `step` and `max_step`, as the
    step of a report is. `seed` is the trial's own; `device` is torch's name for where to train; `settings` are the
    study file's `[settings]`.
    """

    config: Config
    number: int
    seed: int
    device: str
    epoch: int
    max_epochs: int
    settings: Config
    checkpoints: Checkpoints = field(repr=False)
    unit: FidelityUnit = EPOCHS
    place: Path = field(default=Path(), repr=False)
    """Where `folder` is, whether it has been made or not."""
    reporter: Reporter = field(default_factory=NoReports, repr=False)
    rows: RowKeeper = field(default_factory=RowKeeper, repr=False)
    rank: int = 0
    """Which of the trial's processes this is, from 0."""
    ranks: int = 1
    """How many processes train the trial: the study's `resources.ranks`."""

    @property
    def row_metric(self) -> str | None:
        """The metric whose values by row are kept: the study's, in a confirmation; None in a search."""
        return self.rows.metric

    def keep_rows(self, values: Iterable[Any]) -> None:
        """Keep what each row of the validation split contributes to `row_metric`; call it before that is reported.

        One finite number for each row, in an order that is the same in every trial, whose mean is the metric: 0 or 1
        for accuracy, an error, a loss. Those of the best epoch are kept, and intervals allow for other rows. In
        `Objective.test` they are those of the test split. Nothing happens where `row_metric` is None.
        """
        self.rows.keep(values)

    @property
    def step(self) -> int:
        """How far the trial was trained before, in the study's unit: 0 unless it was interrupted."""
        return self.epoch

    @property
    def max_step(self) -> int:
        """How far the trial is trained at most, in the study's unit."""
        return self.max_epochs

    def report(self, metrics: Any = None, /, *, step: int | None = None, stop: bool = True, **named: float) -> None:
        """Report what was measured, a mapping or keywords, and wait until the study has answered.

        `step` is how far the trial is by now, in the study's unit, above that of the report before; the next one unless
        it is given. The first report at or beyond `max_step` is the last. Save before you report: what was saved since
        the last report is the checkpoint of this step. Raises `StopTrial` where the trial is to end; with `stop=False`
        it returns, `should_stop` is True, and later reports are ignored.
        """
        self.reporter.report(combined(metrics, named), as_step(step))
        if stop and self.should_stop:
            raise StopTrial(f"trial {self.number} is to end here: let this exception pass")

    @property
    def should_stop(self) -> bool:
        """Whether the study wants the trial to end, as of its last report."""
        return self.reporter.should_stop

    def save(self, state: Mapping[str, Any], *, rng: bool = False) -> None:
        """Keep `state` so that the trial can continue from here; call it before the epoch's metrics are reported.

        `state` is a dict of tensors, arrays, numbers, text, lists and dicts, nested as you like. With `rng` the states
        of the global random generators of Python, NumPy and torch (CUDA's too) are kept, and `load` restores them.
        """
        self.checkpoints.save({**state, RNG: random_generators.states()} if rng else state)

    def load(self) -> Mapping[str, Any] | None:
        """Return what was saved at `epoch`, or None when the trial starts at the beginning."""
        state = self.checkpoints.load()
        if state is None or RNG not in state:
            return state
        random_generators.restore(state[RNG])
        return {key: value for key, value in state.items() if key != RNG}

    @contextmanager
    def checkpoint(self, *, step: int | None = None, rng: bool = False) -> Iterator[Path]:
        """Give an empty folder to write files of any kind into, the checkpoint of the next reported step.

        It is committed when the block ends, all of it or, where something is raised, nothing. `step` is given for a
        checkpoint of the last reported step, or of one to come that is known. `rng` is as in `save`.
        """
        with self.checkpoints.folder(as_step(step), rng=rng) as folder:
            yield folder

    def save_folder(self, path: str | PathLike[str], *, step: int | None = None, rng: bool = False) -> None:
        """Keep a copy of a folder, such as a framework's own checkpoint, as `checkpoint` keeps what is written into it.

        A copy, since frameworks write into their folders later; links in it are copied as what they lead to.
        """
        if not Path(path).is_dir():
            raise NotADirectoryError(f"trial.save_folder: there is no folder {path}")
        with self.checkpoint(step=step, rng=rng) as folder:
            shutil.copytree(path, folder, dirs_exist_ok=True)

    def load_folder(self) -> Path | None:
        """Return the folder that was saved at `epoch`, or None when the trial starts at the beginning.

        It is there to be read, until the trial saves its next checkpoint but one.
        """
        return self.checkpoints.load_folder()

    @property
    def folder(self) -> Path:
        """The trial's own folder, for files of any kind: no other trial's and no other study's.

        It is made when it is first asked for, is there again when the trial continues after an interruption, and is
        deleted with the study. `tuner check` gives one that it deletes at its end.
        """
        return private(self.place)
