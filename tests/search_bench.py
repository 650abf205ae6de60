"""A controller with fakes around it, for the tests of its parts."""

from collections.abc import Mapping
from typing import Any

from fakes import MAXIMIZED, FakeListener, FakeQueue, FakeSampler, FakeScheduler, FakeWriter, metrics, ticking_clock

from tuner import Choice, Float, SearchSpace
from tuner.domain.assignment import Assignment, CohortUpdate
from tuner.domain.config import Config
from tuner.domain.goal import PARAMETERS, Goal
from tuner.domain.study import Direction
from tuner.domain.trial import Failure, FailureReason, Report, TrialState
from tuner.search.added_configs import AddedConfigs
from tuner.search.cohort_policy import CohortPolicy, CohortSettings, KeyOf
from tuner.search.controller import SearchController
from tuner.search.plan import RunPlan
from tuner.search.policies import Policies
from tuner.search.run_history import RunHistory

SPACE = SearchSpace(x=Float(0, 1))

HALVES = SearchSpace(half=Choice("lower", "upper"), x=Float(0, 1))

SMALL = Goal.of("accuracy", Direction.MAXIMIZE, "parameters <= 10", "accuracy >= 0.5")

TOO_LATE = Failure(reason=FailureReason.TIMEOUT, message="it reported nothing")


class Bench:
    """A controller with fakes around it."""

    def __init__(
        self,
        trials: int = 3,
        max_epochs: int = 3,
        *,
        before: "Bench | None" = None,
        cohort: int = 1,
        key_of: KeyOf = lambda _: (),
        goal: Goal = MAXIMIZED,
        space: SearchSpace = SPACE,
        **of_plan: Any,
    ) -> None:
        self.sampler = FakeSampler(space)
        self.scheduler = FakeScheduler()
        self.writer: FakeWriter = before.writer if before else FakeWriter()
        self.listener = FakeListener()
        self.queue = FakeQueue(self.writer)
        fixed = {"trials": trials, "max_epochs": max_epochs, "goal": goal, "default": space.default}
        plan = RunPlan(**{"seed": 0, "tests": False, "stops_hopeless": True, **fixed, **of_plan})
        self.controller = SearchController(
            plan,
            Policies(
                sampler=self.sampler,
                scheduler=self.scheduler,
                cohorts=CohortPolicy(space, key_of, CohortSettings(size=cohort), trials=trials),
                added=AddedConfigs(self.queue, space),
            ),
            writer=self.writer,
            now=ticking_clock(),
            listeners=[self.listener],
            history=RunHistory(trials=tuple(self.writer.trials.values())),
        )

    def take(self) -> Assignment:
        assignment = self.controller.next_work()
        assert assignment is not None
        return assignment

    def report(self, number: int, epoch: int, value: float) -> frozenset[int]:
        return self.report_all({number: value}, epoch).leaving

    def report_all(self, values: Mapping[int, float], epoch: int, *, admits: bool = True) -> CohortUpdate:
        """Report what the members of one cohort measured."""
        reports = [Report(number=number, epoch=epoch, metrics=metrics(value)) for number, value in values.items()]
        return self.controller.report(reports, admits=admits)

    def state(self, number: int) -> TrialState:
        return self.writer.trials[number].state


def failed(number: int, reason: FailureReason = FailureReason.RAISED) -> Report:
    return Report(number=number, epoch=0, failure=Failure(reason=reason, message="it broke"))


def sized(number: int, epoch: int, value: float, parameters: float) -> Report:
    return Report(number=number, epoch=epoch, metrics={**metrics(value), PARAMETERS: parameters})


def halves(config: Config) -> str:
    """Two shapes: the lower and the upper half of the space."""
    return str(config["half"])
