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
from tuner.search.sequence import Relay

SPACE = SearchSpace(x=Float(0, 1))


def part(journal: FakeJournal, works: int = 0, *, trials: int = 1) -> SearchController:
    plan = RunPlan(
        trials=trials,
        max_epochs=1,
        goal=Goal.of("accuracy", Direction.MAXIMIZE),
        seed=0,
        default=SPACE.default,
        tests=False,
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


def finish(relay: Relay, work: Work) -> None:
    (member,) = work.members
    relay.report([Report(number=member.number, epoch=1, metrics=metrics(0.5))])


def taken(relay: Relay) -> Work:
    work = relay.next_work()
    assert work is not None
    return work


def test_a_part_begins_when_the_one_before_has_reached_its_target() -> None:
    first, second = FakeJournal(), FakeJournal()
    relay = Relay(part(first), [lambda works: part(second, works)])
    work = taken(relay)
    assert relay.next_work() is None
    assert not relay.is_finished
    finish(relay, work)
    assert not relay.is_finished
    assert second.trials == {}
    finish(relay, taken(relay))
    assert relay.is_finished
    assert [journal.trials[0].state for journal in (first, second)] == [TrialState.COMPLETE] * 2


def test_every_work_of_a_run_has_an_id_of_its_own() -> None:
    relay = Relay(part(FakeJournal(), trials=2), [lambda works: part(FakeJournal(), works, trials=2)])
    ids = []
    while not relay.is_finished:
        work = taken(relay)
        ids.append(work.id)
        finish(relay, work)
    assert ids == [1, 2, 3, 4]


def test_a_part_with_nothing_to_do_is_passed_over() -> None:
    relay = Relay(part(FakeJournal()), [lambda _: None])
    finish(relay, taken(relay))
    assert relay.next_work() is None
    assert relay.is_finished


@pytest.mark.parametrize("cause", StopCause)
def test_a_run_that_is_stopped_begins_no_further_part(cause: StopCause) -> None:
    second = FakeJournal()
    relay = Relay(part(FakeJournal()), [lambda works: part(second, works)])
    work = taken(relay)
    relay.stop(cause)
    finish(relay, work)
    assert relay.next_work() is None
    assert relay.is_finished
    assert relay.stop_cause is cause
    assert second.trials == {}


def test_a_signal_while_a_part_begins_stops_that_part() -> None:
    second = FakeJournal()

    def begin(works: int) -> SearchController:
        relay.stop(StopCause.INTERRUPT)
        return part(second, works)

    relay = Relay(part(FakeJournal()), [begin])
    finish(relay, taken(relay))
    assert relay.next_work() is None
    assert relay.is_finished
    assert second.trials == {}
