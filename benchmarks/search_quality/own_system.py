"""Our own systems: the real controller, sampler and scheduler, without a database."""

import functools
import itertools
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, final

from search_quality.guesses import guessed
from search_quality.system import Proposal, System
from search_quality.tasks import Task

from tuner.domain.goal import Goal
from tuner.domain.sampler import Sampler
from tuner.domain.study import Direction
from tuner.domain.study_writer import StudyWriter, Transaction
from tuner.domain.trial import Report
from tuner.running.lookup import SAMPLERS, SCHEDULERS
from tuner.samplers._prior_sampler import PriorSampler
from tuner.search.cohort_policy import CohortPolicy, CohortSettings
from tuner.search.controller import SearchController
from tuner.search.delayed_sampler import DelayedSampler
from tuner.search.delayed_scheduler import DelayedScheduler
from tuner.search.plan import RunPlan
from tuner.search.policies import Policies

OWN_SYSTEMS: Mapping[str, tuple[str, Mapping[str, Any], str, Mapping[str, Any]]] = {
    "auto+asha": ("auto", {}, "asha", {}),
    "auto+asha in order": ("auto", {}, "asha", {}),
    "random+asha in order": ("random", {}, "asha", {}),
    "tpe+asha": ("tpe", {}, "asha", {}),
    "random+asha": ("random", {}, "asha", {}),
    "tpe+asha from 3": ("tpe", {}, "asha", {"min_epochs": 3}),
    "auto+asha near a good guess": ("auto", {}, "asha", {}),
    "auto+asha near a bad guess": ("auto", {}, "asha", {}),
    "auto+asha from a good guess": ("auto", {}, "asha", {}),
    "auto+asha from a bad guess": ("auto", {}, "asha", {}),
    "random+none": ("random", {}, "none", {}),
    "random+asha from 3": ("random", {}, "asha", {"min_epochs": 3}),
    "tpe+hyperband": ("tpe", {}, "hyperband", {}),
}
"""Sampler and scheduler with their options, by name."""

IN_ORDER = " in order"
"""How the names of systems end that search with `parallel_mode = "reproducible"`."""


@final
class Forgetful(StudyWriter):
    """Stores nothing: the controller remembers what it needs."""

    def store(self, transaction: Transaction) -> None:
        pass


@final
class OwnSystem(System):
    """A sampler and a scheduler of ours on a task, asked by so many workers that train a trial each.

    It ends after so many `trials`, None: with the budget.
    """

    def __init__(self, name: str, task: Task, seed: int, workers: int, trials: int | None = None) -> None:
        sampler, options, scheduler, rules = OWN_SYSTEMS[name]
        goal = Goal.of("value", Direction.MAXIMIZE)
        moments = itertools.count()
        trials = task.budget if trials is None else trials
        delay = workers if name.endswith(IN_ORDER) else 0
        space = guessed(task, name, seed)
        proposing: Sampler = SAMPLERS[sampler](space, goal, seed, **options)
        if space.has_priors:
            proposing = PriorSampler(proposing, space, seed)
        make = functools.partial(SCHEDULERS[scheduler], task.epochs, goal.direction, seed, **rules)
        self._epochs = task.epochs
        self.controller = SearchController(
            RunPlan(
                trials=trials,
                max_epochs=task.epochs,
                goal=goal,
                seed=seed,
                default=space.default,
                tests=False,
                parallel=workers,
                delay=delay,
            ),
            Policies(
                sampler=DelayedSampler(proposing, delay) if delay else proposing,
                scheduler=DelayedScheduler(make, delay) if delay else make(),
                cohorts=CohortPolicy(space, lambda _: None, CohortSettings(size=1), trials=trials),
            ),
            writer=Forgetful(),
            now=lambda: datetime(2026, 1, 1) + timedelta(seconds=next(moments)),  # noqa: DTZ001 - as Optuna stores it
        )

    def ask(self) -> Proposal | None:
        assignment = self.controller.next_work()
        if assignment is None:
            return None
        (member,) = assignment.members
        return Proposal(trial=member.number, config=member.config, start=0, until=self._epochs)

    @property
    def processor_seconds(self) -> float:
        return time.process_time()

    def report(self, trial: int, epoch: int, value: float) -> bool:
        return not self.controller.report([Report(number=trial, epoch=epoch, metrics={"value": value})]).is_over
