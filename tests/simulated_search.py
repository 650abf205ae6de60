"""A search whose trials finish in any order: an executor without workers, and curves that depend on the trial alone."""

import math
from collections.abc import Callable
from random import Random
from typing import Any

from fakes import FakeWriter, ticking_clock

from tuner import Float, SearchSpace
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.scheduler import Scheduler
from tuner.domain.study import Direction
from tuner.domain.trial import Report, TrialRecord
from tuner.running.lookup import SAMPLERS, SCHEDULERS
from tuner.search.cohort_policy import CohortPolicy, CohortSettings
from tuner.search.controller import SearchController
from tuner.search.delayed_sampler import DelayedSampler
from tuner.search.delayed_scheduler import DelayedScheduler
from tuner.search.plan import RunPlan
from tuner.search.policies import Policies
from tuner.search.run_history import RunHistory

PLANE = SearchSpace(x=Float(0, 1), y=Float(0, 1))
GOAL = Goal.of("accuracy", Direction.MAXIMIZE)
EPOCHS = 9


def value(config: Config, epoch: int) -> float:
    """What a configuration measures after an epoch: a hill, climbed at a pace that depends on the configuration."""
    height = 1 - (config["x"] - 0.7) ** 2 - (config["y"] - 0.2) ** 2
    return float(height * (1 - math.exp(-epoch / (1 + 3 * config["y"]))))


class Simulation:
    """A study of `delay` trials in flight, reproducible or not, in the order of a random generator."""

    def __init__(self, sampler: str, scheduler: str, *, trials: int = 24, in_order: bool = True, **plan: Any) -> None:
        self.writer = FakeWriter()
        self._sampler, self._scheduler = sampler, scheduler
        self._trials, self._in_order = trials, in_order
        self._plan = {"delay": 4, **plan}

    def controller(self) -> SearchController:
        """The controller of what is stored by now, as after an interruption."""
        delay = int(self._plan["delay"])
        sampler = SAMPLERS[self._sampler](PLANE, GOAL, 0)
        make: Callable[[], Scheduler] = lambda: SCHEDULERS[self._scheduler](EPOCHS, GOAL.direction, 0)  # noqa: E731
        usual = {"trials": self._trials, "max_epochs": EPOCHS, "goal": GOAL, "seed": 0, "default": PLANE.default}
        return SearchController(
            RunPlan(**{**usual, "tests": False, **self._plan, "delay": delay if self._in_order else 0}),
            Policies(
                sampler=DelayedSampler(sampler, delay) if self._in_order else sampler,
                scheduler=DelayedScheduler(make, delay) if self._in_order else make(),
                cohorts=CohortPolicy(PLANE, lambda _: None, CohortSettings(size=1), trials=self._trials),
            ),
            writer=self.writer,
            now=ticking_clock(),
            history=RunHistory(trials=tuple(self.writer.trials[number] for number in sorted(self.writer.trials))),
        )

    def run(self, order: Random, *, interrupted: float = 0.0, together: int = 1) -> list[TrialRecord]:
        """Train to the end; after a report the run is interrupted and resumed with this probability.

        Up to so many epochs are reported `together`.
        """
        controller = self.controller()
        reached: dict[int, int] = {}
        while not controller.is_finished:
            while len(reached) < self._plan["delay"] and (assignment := controller.next_work()) is not None:
                reached[assignment.members[0].number] = assignment.members[0].epoch
            number = order.choice(sorted(reached))
            epochs = range(reached[number] + 1, min(EPOCHS, reached[number] + order.randint(1, together)) + 1)
            config = controller.trial(number).config
            reports = [Report(number=number, epoch=each, metrics={"accuracy": value(config, each)}) for each in epochs]
            reached[number] = epochs[-1]
            if controller.report(reports, admits=False).is_over:
                del reached[number]
            if order.random() < interrupted:
                controller.abandon()
                controller, reached = self.controller(), {}
        return list(controller.trials)
