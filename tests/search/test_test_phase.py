"""The last phase of a run: what is tested, and what is noted of it."""

from fakes import MAXIMIZED, FakeWriter, metrics
from search_bench import SMALL, TOO_LATE, Bench, sized

from tuner.domain.assignment import AssignmentKind
from tuner.domain.config import Config
from tuner.domain.event import EventKind
from tuner.domain.run_controller import StopCause
from tuner.domain.trial import Failure, FailureReason, TrialRecord, TrialState
from tuner.search.plan import RunPlan
from tuner.search.test_phase import TestPhase
from tuner.search.unit_of_work import UnitOfWork


def test_a_test_that_a_signal_ends_is_done_again_later() -> None:
    bench = Bench(trials=1, max_epochs=1, tests=True)
    bench.take()
    bench.report(0, 1, 0.5)
    test = bench.take()
    bench.controller.stop(StopCause.TERMINATE)
    bench.controller.tested(test, Failure(reason=FailureReason.RAISED, message="SystemExit: 1"))
    assert bench.writer.notes == {}
    assert bench.controller.is_finished


def test_the_best_trial_is_tested_once_when_all_else_is_done() -> None:
    bench = Bench(trials=2, max_epochs=1, tests=True)
    bench.take()
    bench.take()
    bench.report(0, 1, 0.5)
    assert bench.controller.next_work() is None
    bench.report(1, 1, 0.9)
    assert not bench.controller.is_finished
    assignment = bench.take()
    assert assignment.kind is AssignmentKind.TEST
    assert assignment.numbers == {1}
    assert bench.controller.next_work() is None
    bench.controller.tested(assignment, metrics(0.8))
    assert bench.writer.notes == {"test": {"number": 1, "metrics": metrics(0.8)}}
    assert bench.controller.is_finished
    assert bench.listener.events[-1].kind is EventKind.TESTED


def test_what_was_tested_in_an_earlier_run_is_noted_beside_the_trial_that_is_tested_now() -> None:
    writer, unit = FakeWriter(), UnitOfWork()
    plan = RunPlan(trials=2, max_epochs=1, goal=MAXIMIZED, seed=0, default=Config({}), tests=True)
    best = TrialRecord(number=1, state=TrialState.COMPLETE, config=Config({}), value=0.9)
    TestPhase(plan, tested=[0]).record(best, metrics(0.8), unit)
    unit.store(writer)
    assert writer.notes == {"test": {"number": 1, "metrics": metrics(0.8), "earlier": [0]}}


def test_a_test_that_fails_is_noted_and_ends_the_study() -> None:
    bench = Bench(trials=1, max_epochs=1, tests=True)
    bench.take()
    bench.report(0, 1, 0.5)
    bench.controller.lost(bench.take(), "its worker died")
    assert bench.writer.notes["test"]["failure"] == "its worker died"
    assert bench.controller.is_finished


def test_an_objective_without_test_data_is_asked_once_and_has_no_test_metrics() -> None:
    bench = Bench(trials=1, max_epochs=1, tests=True)
    bench.take()
    bench.report(0, 1, 0.5)
    bench.controller.tested(bench.take(), None)
    assert bench.writer.notes["test"] == {"number": 0}
    assert bench.controller.is_finished


def test_a_test_that_was_ended_because_of_a_limit_is_noted_as_failed() -> None:
    bench = Bench(trials=1, max_epochs=1, tests=True)
    bench.take()
    bench.report(0, 1, 0.5)
    bench.controller.overran(bench.take(), TOO_LATE)
    assert bench.writer.notes["test"] == {"number": 0, "failure": "it reported nothing"}
    assert bench.controller.is_finished


def test_the_best_and_the_tested_trial_meet_the_constraints() -> None:
    bench = Bench(goal=SMALL, trials=3, max_epochs=1, tests=True)
    for number, (value, parameters) in enumerate([(0.9, 11), (0.25, 1), (0.625, 10)]):
        bench.take()
        bench.controller.report([sized(number, 1, value, parameters)])
    assert bench.controller.best == bench.writer.trials[2]
    assert [member.number for member in bench.take().members] == [2]
