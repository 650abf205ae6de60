"""Parts of a run, one after the other."""

import pytest
from fakes import FakeJournal, FakeSampler, FakeScheduler, metrics, ticking_clock

from tuner import Float, SearchSpace
from tuner.domain.assignment import Work
from tuner.domain.goal import Goal
from tuner.domain.run_controller import StopCause
from tuner.domain.study import Direction
from tuner.domain.trial import Report, TrialState
from tuner.search.cohort_policy import Cohorts
from tuner.search.controller import SearchController
from tuner.search.plan import RunPlan
from tuner.search.sequence import ControllerSequence

SPACE = SearchSpace(x=Float(0, 1))


def part(journal: FakeJournal, works: int = 0, *, trials: int = 1, target: float | None = None) -> SearchController:
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
        sampler=FakeSampler(SPACE),
        scheduler=FakeScheduler(),
        cohorts=Cohorts(SPACE, lambda _: (), size=1, trials=trials),
        journal=journal,
        now=ticking_clock(),
        works=works,
    )


def finish(sequence: ControllerSequence, work: Work) -> None:
    (member,) = work.members
    sequence.report([Report(number=member.number, epoch=1, metrics=metrics(0.5))])


def taken(sequence: ControllerSequence) -> Work:
    work = sequence.next_work()
    assert work is not None
    return work


def test_a_part_begins_when_the_one_before_has_reached_its_target() -> None:
    first, second = FakeJournal(), FakeJournal()
    sequence = ControllerSequence(part(first), [lambda works: part(second, works)])
    work = taken(sequence)
    assert sequence.next_work() is None
    assert not sequence.is_finished
    finish(sequence, work)
    assert not sequence.is_finished
    assert second.trials == {}
    finish(sequence, taken(sequence))
    assert sequence.is_finished
    assert [journal.trials[0].state for journal in (first, second)] == [TrialState.COMPLETE] * 2


def test_every_work_of_a_run_has_an_id_of_its_own() -> None:
    sequence = ControllerSequence(part(FakeJournal(), trials=2), [lambda works: part(FakeJournal(), works, trials=2)])
    ids = []
    while not sequence.is_finished:
        work = taken(sequence)
        ids.append(work.id)
        finish(sequence, work)
    assert ids == [1, 2, 3, 4]


def test_a_part_with_nothing_to_do_is_passed_over() -> None:
    sequence = ControllerSequence(part(FakeJournal()), [lambda _: None])
    finish(sequence, taken(sequence))
    assert sequence.next_work() is None
    assert sequence.is_finished


@pytest.mark.parametrize("cause", StopCause)
def test_a_run_that_is_stopped_begins_no_further_part(cause: StopCause) -> None:
    second = FakeJournal()
    sequence = ControllerSequence(part(FakeJournal()), [lambda works: part(second, works)])
    work = taken(sequence)
    sequence.stop(cause)
    finish(sequence, work)
    assert sequence.next_work() is None
    assert sequence.is_finished
    assert sequence.stop_cause is cause
    assert second.trials == {}


def test_a_signal_while_a_part_begins_stops_that_part() -> None:
    second = FakeJournal()

    def begin(works: int) -> SearchController:
        sequence.stop(StopCause.INTERRUPT)
        return part(second, works)

    sequence = ControllerSequence(part(FakeJournal()), [begin])
    finish(sequence, taken(sequence))
    assert sequence.next_work() is None
    assert sequence.is_finished
    assert second.trials == {}


def test_a_part_that_ended_early_is_followed_and_the_run_says_why_it_ended() -> None:
    second = FakeJournal()
    sequence = ControllerSequence(part(FakeJournal(), trials=9, target=0.5), [lambda works: part(second, works)])
    finish(sequence, taken(sequence))
    assert not sequence.is_finished
    finish(sequence, taken(sequence))
    assert second.trials[0].state is TrialState.COMPLETE
    assert sequence.is_finished
    assert sequence.stop_cause is StopCause.TARGET
    assert not sequence.is_stopping


def test_a_signal_after_an_early_end_keeps_the_next_part_from_beginning() -> None:
    second = FakeJournal()
    sequence = ControllerSequence(part(FakeJournal(), trials=9, target=0.5), [lambda works: part(second, works)])
    finish(sequence, taken(sequence))
    sequence.stop(StopCause.INTERRUPT)
    assert sequence.next_work() is None
    assert sequence.stop_cause is StopCause.INTERRUPT
    assert sequence.is_finished
