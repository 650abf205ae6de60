"""One run of a system on a task, on a simulated clock, until its budget of epochs is spent."""

import heapq
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray
from search_quality.system import Proposal, System
from search_quality.tasks import Task

from tuner.domain.seed import derive

FRACTIONS = (0.25, 0.5, 1.0)
"""Fractions of the budget after which a run is judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run found, and what proposing took it.

    Attributes:
        values: The true value of the incumbent after each fraction of the budget.
        incumbents: The incumbents' numbers; 0 is the first trial.
        trials: How many configurations began.
        seconds: Processor time in which the system proposed.
        busy: The share of the workers' time in which they trained.
    """

    values: tuple[float, ...]
    incumbents: tuple[int, ...]
    trials: int
    seconds: float
    busy: float


def simulated(task: Task, system: System, seed: int, workers: int) -> Run:
    """Search the task with so many trials in flight until the budget is spent."""
    simulation = Simulation(task, system, seed, workers)
    incumbents = []
    for fraction in FRACTIONS:
        while simulation.spent < fraction * task.budget:
            simulation.advance()
        incumbents.append(simulation.incumbent)
    return Run(
        values=tuple(simulation.final(each) for each in incumbents),
        incumbents=tuple(incumbents),
        trials=simulation.trials,
        seconds=simulation.seconds,
        busy=simulation.busy,
    )


class Simulation:
    """Workers that train what a system proposes, and report after every epoch.

    The incumbent is the configuration with the best value that any epoch of it has reported, the same for every system.
    """

    def __init__(self, task: Task, system: System, seed: int, workers: int) -> None:
        self.spent = 0
        self.seconds = 0.0
        self._task = task
        self._system = system
        self._workers = workers
        self._clock = Clock(seed)
        self._curves: dict[int, NDArray[np.float64]] = {}
        self._trained: dict[int, int] = {}
        self._until: dict[int, int] = {}
        self._best: tuple[float, int] | None = None

    @property
    def trials(self) -> int:
        """The number of configurations that began."""
        return len(self._curves)

    @property
    def busy(self) -> float:
        """The share of the workers' time in which they trained."""
        return self._clock.busy / self._workers

    @property
    def incumbent(self) -> int:
        """The number of the trial with the best value reported; the earliest of equal ones."""
        if self._best is None:
            raise RuntimeError("no epoch has ended yet: advance first")
        return -self._best[1]

    def final(self, trial: int) -> float:
        """Return what a trial's configuration is worth after its last epoch."""
        return float(self._curves[trial][-1])

    def advance(self) -> int:
        """Give every free worker something to train, let the next epoch end, and return whose it is."""
        while len(self._clock) < self._workers and (proposal := self._asked()) is not None:
            self._begin(proposal)
        trial = self._clock.next()
        epoch = self._trained[trial] = self._trained[trial] + 1
        value = float(self._curves[trial][epoch - 1])
        self.spent += 1
        self._best = max(self._best or (value, -trial), (value, -trial))
        if self._system.report(trial, epoch, value) and epoch < self._until[trial]:
            self._clock.begin_epoch(trial)
        return trial

    def _asked(self) -> Proposal | None:
        began = self._system.processor_seconds
        proposal = self._system.ask()
        self.seconds += self._system.processor_seconds - began
        return proposal

    def _begin(self, proposal: Proposal) -> None:
        if proposal.trial not in self._curves:
            self._curves[proposal.trial] = self._task.curve(proposal.config)
        trained = self._trained.setdefault(proposal.trial, 0)
        if proposal.start != trained or not trained < proposal.until <= self._task.epochs:
            raise ValueError(
                f"trial {proposal.trial} is to be trained from epoch {proposal.start} until {proposal.until}, "
                f"but it has reached epoch {trained} of {self._task.epochs}"
            )
        self._until[proposal.trial] = proposal.until
        self._clock.begin_epoch(proposal.trial)


class Clock:
    """Says which trial's epoch ends next: an epoch takes between half and one and a half of the mean, by trial."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._now = 0.0
        self._begun = 0.0
        self._ends: list[tuple[float, int]] = []

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def busy(self) -> float:
        """How many epochs were trained at a time, in the mean."""
        return (self._begun - sum(end - self._now for end, _ in self._ends)) / self._now

    def begin_epoch(self, trial: int) -> None:
        """Let a trial begin an epoch now."""
        takes = 0.5 + Random(derive(self._seed, "speed", trial)).random()
        self._begun += takes
        heapq.heappush(self._ends, (self._now + takes, trial))

    def next(self) -> int:
        """Return the trial whose epoch ends next."""
        self._now, trial = heapq.heappop(self._ends)
        return trial
