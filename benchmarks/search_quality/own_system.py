"""Our own systems: the real controller, sampler and scheduler, without a database."""

import itertools
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, final

from search_quality.system import Proposal, System
from search_quality.tasks import Task

from tuner.domain.goal import Goal
from tuner.domain.study import Direction
from tuner.domain.study_writer import StudyWriter, Transaction
from tuner.domain.trial import Report
from tuner.running.lookup import SAMPLERS, SCHEDULERS
from tuner.search.cohort_policy import CohortPolicy
from tuner.search.controller import SearchController
from tuner.search.plan import RunPlan

OWN_SYSTEMS: Mapping[str, tuple[str, Mapping[str, Any], str, Mapping[str, Any]]] = {
    "auto+asha": ("auto", {}, "asha", {}),
    "tpe+asha": ("tpe", {}, "asha", {}),
    "random+asha": ("random", {}, "asha", {}),
    "tpe+asha from 3": ("tpe", {}, "asha", {"min_epochs": 3}),
    "random+asha from 3": ("random", {}, "asha", {"min_epochs": 3}),
    "tpe+hyperband": ("tpe", {}, "hyperband", {}),
}
"""Sampler and scheduler with their options, by name."""


@final
class Forgetful(StudyWriter):
    """Stores nothing: the controller remembers what it needs."""

    def store(self, transaction: Transaction) -> None:
        pass


@final
class OwnSystem(System):
    """A sampler and a scheduler of ours on a task, asked by so many workers that train a trial each."""

    def __init__(self, name: str, task: Task, seed: int, workers: int) -> None:
        sampler, options, scheduler, rules = OWN_SYSTEMS[name]
        goal = Goal.of("value", Direction.MAXIMIZE)
        moments = itertools.count()
        self._epochs = task.epochs
        self._controller = SearchController(
            RunPlan(
                trials=task.budget,
                max_epochs=task.epochs,
                goal=goal,
                seed=seed,
                default=task.space.default,
                tests=False,
                parallel=workers,
            ),
            sampler=SAMPLERS[sampler](task.space, goal, seed, **options),
            scheduler=SCHEDULERS[scheduler](task.epochs, goal.direction, seed, **rules),
            cohorts=CohortPolicy(task.space, lambda _: None, size=1, trials=task.budget),
            writer=Forgetful(),
            now=lambda: datetime(2026, 1, 1) + timedelta(seconds=next(moments)),  # noqa: DTZ001 - as Optuna stores it
        )

    def ask(self) -> Proposal | None:
        assignment = self._controller.next_work()
        if assignment is None:
            return None
        (member,) = assignment.members
        return Proposal(trial=member.number, config=member.config, start=0, until=self._epochs)

    @property
    def processor_seconds(self) -> float:
        return time.process_time()

    def report(self, trial: int, epoch: int, value: float) -> bool:
        return not self._controller.report([Report(number=trial, epoch=epoch, metrics={"value": value})]).is_over
