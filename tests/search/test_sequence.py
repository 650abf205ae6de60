"""Parts of a run, one after the other."""

import pytest
from fakes import FakeSampler, FakeScheduler, FakeWriter, metrics, ticking_clock

from tuner import Float, SearchSpace
from tuner.domain.assignment import Assignment
from tuner.domain.goal import Goal
from tuner.domain.live_control import LiveControl
from tuner.domain.run_controller import StopCause
from tuner.domain.study import Direction
from tuner.domain.trial import Report, TrialState
from tuner.search.cohort_policy import CohortPolicy, CohortSettings
from tuner.search.controller import SearchController
from tuner.search.plan import RunPlan
from tuner.search.policies import Policies
from tuner.search.run_history import RunHistory
from tuner.search.sequence import ControllerSequence

SPACE = SearchSpace(x=Float(0, 1))


def part(
    writer: FakeWriter, assignments_issued: int = 0, *, trials: int = 1, target: float | None = None
) -> SearchController:
    plan = RunPlan(
        trials=trials,
        max_epochs=1,
        goal=Goal.of("accuracy", Direction.MAXIMIZE),
        seed=0,
        default=SPACE.default,
        tests=False,
        target=target,
    )
    return SearchController(
        plan,
        Policies(
            sampler=FakeSampler(SPACE),
            scheduler=FakeScheduler(),
            cohorts=CohortPolicy(SPACE, lambda _: (), CohortSettings(size=1), trials=trials),
        ),
        writer=writer,
        now=ticking_clock(),
        history=RunHistory(assignments_issued=assignments_issued),
    )


def finish(sequence: ControllerSequence, assignment: Assignment) -> None:
    (member,) = assignment.members
    sequence.report([Report(number=member.number, epoch=1, metrics=metrics(0.5))])


def taken(sequence: ControllerSequence) -> Assignment:
    assignment = sequence.next_work()
    assert assignment is not None
    return assignment


def test_a_part_begins_when_the_one_before_has_reached_its_target() -> None:
    first, second = FakeWriter(), FakeWriter()
    sequence = ControllerSequence(part(first), [lambda assignments_issued: part(second, assignments_issued)])
    assignment = taken(sequence)
    assert sequence.next_work() is None
    assert not sequence.is_finished
    finish(sequence, assignment)
    assert not sequence.is_finished
    assert second.trials == {}
    finish(sequence, taken(sequence))
    assert sequence.is_finished
    assert [writer.trials[0].state for writer in (first, second)] == [TrialState.COMPLETE] * 2


def test_every_work_of_a_run_has_an_id_of_its_own() -> None:
    sequence = ControllerSequence(
        part(FakeWriter(), trials=2), [lambda assignments_issued: part(FakeWriter(), assignments_issued, trials=2)]
    )
    ids = []
    while not sequence.is_finished:
        assignment = taken(sequence)
        ids.append(assignment.id)
        finish(sequence, assignment)
    assert ids == [1, 2, 3, 4]


def test_a_part_with_nothing_to_do_is_passed_over() -> None:
    sequence = ControllerSequence(part(FakeWriter()), [lambda _: None])
    finish(sequence, taken(sequence))
    assert sequence.next_work() is None
    assert sequence.is_finished


@pytest.mark.parametrize("cause", StopCause)
def test_a_run_that_is_stopped_begins_no_further_part(cause: StopCause) -> None:
    second = FakeWriter()
    sequence = ControllerSequence(part(FakeWriter()), [lambda assignments_issued: part(second, assignments_issued)])
    assignment = taken(sequence)
    sequence.stop(cause)
    finish(sequence, assignment)
    assert sequence.next_work() is None
    assert sequence.is_finished
    assert sequence.stop_cause is cause
    assert second.trials == {}


def test_a_signal_while_a_part_begins_stops_that_part() -> None:
    second = FakeWriter()

    def begin(assignments_issued: int) -> SearchController:
        sequence.stop(StopCause.INTERRUPT)
        return part(second, assignments_issued)

    sequence = ControllerSequence(part(FakeWriter()), [begin])
    finish(sequence, taken(sequence))
    assert sequence.next_work() is None
    assert sequence.is_finished
    assert second.trials == {}


def test_a_part_that_ended_early_is_followed_and_the_run_says_why_it_ended() -> None:
    second = FakeWriter()
    sequence = ControllerSequence(
        part(FakeWriter(), trials=9, target=0.5), [lambda assignments_issued: part(second, assignments_issued)]
    )
    finish(sequence, taken(sequence))
    assert not sequence.is_finished
    finish(sequence, taken(sequence))
    assert second.trials[0].state is TrialState.COMPLETE
    assert sequence.is_finished
    assert sequence.stop_cause is StopCause.TARGET
    assert not sequence.is_stopping


def test_a_signal_after_an_early_end_keeps_the_next_part_from_beginning() -> None:
    second = FakeWriter()
    sequence = ControllerSequence(
        part(FakeWriter(), trials=9, target=0.5), [lambda assignments_issued: part(second, assignments_issued)]
    )
    finish(sequence, taken(sequence))
    sequence.stop(StopCause.INTERRUPT)
    assert sequence.next_work() is None
    assert sequence.stop_cause is StopCause.INTERRUPT
    assert sequence.is_finished


def test_only_the_first_part_is_extended_and_every_part_is_paused() -> None:
    first, second = FakeWriter(), FakeWriter()
    sequence = ControllerSequence(part(first), [lambda assignments_issued: part(second, assignments_issued)])
    sequence.control(LiveControl(trials=2))
    finish(sequence, taken(sequence))
    finish(sequence, taken(sequence))
    assert len(first.trials) == 2
    assignment = taken(sequence)
    sequence.control(LiveControl(trials=9, is_paused=True))
    assert sequence.is_paused
    finish(sequence, assignment)
    assert [trial.state for trial in second.trials.values()] == [TrialState.COMPLETE]
    assert sequence.next_work() is None
    assert sequence.is_finished
