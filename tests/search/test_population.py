"""Population-based training as the controller plays it: who waits, who goes on from whom, and with what."""

from dataclasses import dataclass, field

import pytest
from fakes import MAXIMIZED, FakeListener, FakeSampler, FakeWriter, metrics, ticking_clock

from tuner import Float, Int, SearchSpace
from tuner.domain.assignment import Assignment, CohortUpdate
from tuner.domain.event import EventKind
from tuner.domain.scheduler import Scheduler
from tuner.domain.study import Direction
from tuner.domain.trial import Report, TrialRecord, TrialState
from tuner.schedulers.none import NoScheduler
from tuner.schedulers.pbt import PBT
from tuner.search.cohort_policy import CohortPolicy, CohortSettings
from tuner.search.controller import SearchController
from tuner.search.plan import RunPlan
from tuner.search.policies import Policies
from tuner.search.population import ExploitingPopulation, NoPopulation, population_of
from tuner.search.run_history import RunHistory
from tuner.search.run_state import RunState
from tuner.search.unit_of_work import UnitOfWork

SPACE = SearchSpace(lr=Float(1e-4, 1.0, log=True), width=Int(8, 64))
MAX_EPOCHS = 3


@dataclass
class Population:
    """A controller with four trials, of which one exploits at epochs 1 and 2."""

    cohort: int
    exploits: bool = False
    writer: FakeWriter = field(default_factory=FakeWriter)
    listener: FakeListener = field(default_factory=FakeListener)

    def __post_init__(self) -> None:
        self.controller = SearchController(
            RunPlan(
                trials=4,
                max_epochs=MAX_EPOCHS,
                goal=MAXIMIZED,
                seed=0,
                default=SPACE.default,
                tests=False,
                grows=True,
                exploits=self.exploits,
            ),
            Policies(
                sampler=FakeSampler(SPACE),
                scheduler=PBT(MAX_EPOCHS, Direction.MAXIMIZE, 0, interval=1),
                cohorts=CohortPolicy(SPACE, lambda _: (), CohortSettings(size=self.cohort), trials=4),
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

    def report(self, *numbers: int, epoch: int = 1) -> CohortUpdate:
        """Report that trial 1 is the poorest of `numbers`, and the higher of the others the better."""
        values = {number: number or 1.5 for number in numbers}
        return self.controller.report(
            [Report(number=number, epoch=epoch, metrics=metrics(value)) for number, value in values.items()]
        )

    def state(self, number: int) -> TrialState:
        return self.writer.trials[number].state

    def whole_generation(self) -> None:
        for number in range(4):
            assert self.take().numbers == {number}
            self.report(number)


def test_trials_wait_until_all_others_are_as_far() -> None:
    bench = Population(cohort=1)
    bench.take()
    update = bench.report(0)
    assert update.is_over
    assert update.suspended == {0}
    assert bench.state(0) is TrialState.WAITING
    assert bench.take().numbers == {1}


def test_nothing_is_handed_out_while_the_last_of_a_generation_is_trained() -> None:
    bench = Population(cohort=1)
    for _ in range(4):
        bench.take()
    for number in range(3):
        bench.report(number)
    assert bench.controller.next_work() is None
    assert not bench.controller.is_finished
    bench.report(3)
    assert bench.take().members[0].epoch == 1


def test_the_poorest_goes_on_with_the_configuration_of_the_best_a_little_changed() -> None:
    bench = Population(cohort=1)
    bench.whole_generation()
    bench.take()
    trial, source = bench.writer.trials[1], bench.writer.trials[3]
    assert [(stage.epoch, stage.source) for stage in trial.schedule] == [(0, None), (1, 3)]
    assert trial.schedule[0].config != trial.config == trial.schedule[1].config
    assert trial.config["width"] == source.config["width"]
    assert trial.config["lr"] / source.config["lr"] == pytest.approx(0.8) or trial.config["lr"] / source.config[
        "lr"
    ] == pytest.approx(1.2)
    assert [event.trial.number for event in bench.listener.events if event.kind is EventKind.EXPLOITED] == [1]


def test_a_cohort_that_is_the_whole_population_exploits_without_a_pause() -> None:
    bench = Population(cohort=4, exploits=True)
    assert bench.take().numbers == {0, 1, 2, 3}
    update = bench.report(0, 1, 2, 3)
    assert not update.leaving
    (exploit,) = update.exploits
    assert (exploit.member.number, exploit.source) == (1, 3)
    assert exploit.member.config == bench.writer.trials[1].config
    assert exploit.member.epoch == 1


def test_a_cohort_whose_objective_cannot_exploit_goes_through_checkpoints() -> None:
    bench = Population(cohort=4)
    bench.take()
    update = bench.report(0, 1, 2, 3)
    assert update.is_over
    assert update.suspended == {0, 1, 2, 3}
    assert bench.take().numbers == {0, 1, 2, 3}


def test_the_default_configuration_stays_what_it_is() -> None:
    bench = Population(cohort=4, exploits=True)
    bench.take()
    update = bench.controller.report(
        [Report(number=number, epoch=1, metrics=metrics(float(number))) for number in range(4)]
    )
    assert update.exploits == ()


def test_an_interrupted_generation_is_decided_as_it_would_have_been() -> None:
    whole, first = Population(cohort=1), Population(cohort=1)
    whole.whole_generation()
    whole.take()
    first.whole_generation()
    second = Population(cohort=1, writer=first.writer)
    second.take()
    third = Population(cohort=1, writer=first.writer)
    third.take()
    for bench in (second, third):
        assert bench.writer.trials[1].schedule == whole.writer.trials[1].schedule


def test_a_finished_trial_has_the_configuration_of_its_best_epoch() -> None:
    bench = Population(cohort=4, exploits=True)
    bench.take()
    bench.report(0, 1, 2, 3)
    bench.report(0, 1, 2, 3, epoch=2)
    values = {0: 0.0, 1: 0.5, 2: 0.0, 3: 0.0}
    bench.controller.report([Report(number=n, epoch=3, metrics=metrics(value)) for n, value in values.items()])
    trial = bench.writer.trials[1]
    assert trial.epoch == 1
    assert trial.config == trial.schedule[0].config


def test_a_failed_member_holds_nobody_up() -> None:
    bench = Population(cohort=1)
    for _ in range(4):
        bench.take()
    for number in range(3):
        bench.report(number)
    bench.controller.report([Report(number=3, epoch=1)])
    assert bench.state(3) is TrialState.FAIL
    assert bench.take().numbers <= {0, 1, 2}


@pytest.mark.parametrize(
    ("scheduler", "kind"),
    [
        (PBT(MAX_EPOCHS, Direction.MAXIMIZE, 0, interval=1), ExploitingPopulation),
        (NoScheduler(MAX_EPOCHS, Direction.MAXIMIZE, 0), NoPopulation),
    ],
)
def test_only_a_scheduler_that_exploits_needs_a_population(scheduler: Scheduler, kind: type) -> None:
    plan = RunPlan(trials=4, max_epochs=MAX_EPOCHS, goal=MAXIMIZED, seed=0, default=SPACE.default, tests=False)
    cohorts = CohortPolicy(SPACE, lambda _: (), CohortSettings(size=1), trials=4)
    policies = Policies(sampler=FakeSampler(SPACE), scheduler=scheduler, cohorts=cohorts)
    assert type(population_of(plan, policies)) is kind


def test_without_a_population_every_waiting_trial_is_ready_and_no_member_waits() -> None:
    waiting = [TrialRecord(number=number, state=TrialState.WAITING, config=SPACE.default) for number in range(3)]
    state, unit = RunState(waiting, target=4), UnitOfWork()
    population = NoPopulation()
    assert population.ready(state, unit) == [0, 1, 2]
    state.take([0, 1])
    state.start([state.trial(0), state.trial(1)], 1, ticking_clock()())
    assert population.gather(state, 1, unit) == ()
    assert population.exploit_in_place(state, 1, unit) == []
    assert state.running == (0, 1)


def test_a_report_and_the_generation_that_it_completes_are_one_transaction() -> None:
    bench = Population(cohort=4, exploits=True)
    bench.take()
    before = len(bench.writer.transactions)
    assert bench.report(0, 1, 2, 3).exploits
    assert len(bench.writer.transactions) == before + 1
    assert bench.writer.trials[1].curve == {1: 1.0}
    assert len(bench.writer.trials[1].schedule) == 2
