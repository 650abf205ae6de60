"""What one call of the controller changes is stored together, and notified of afterwards."""

from fakes import FakeListener, FakeWriter

from tuner import Float, SearchSpace
from tuner.domain.event import EventKind
from tuner.domain.trial import TrialRecord, TrialState
from tuner.search.unit_of_work import UnitOfWork

SPACE = SearchSpace(x=Float(0, 1))


def trial(number: int, state: TrialState = TrialState.RUNNING) -> TrialRecord:
    return TrialRecord(number=number, state=state, config=SPACE.default)


def test_everything_is_one_transaction_with_the_changes_in_their_order() -> None:
    writer, unit = FakeWriter(), UnitOfWork()
    unit.change(trial(0))
    unit.change(trial(0, TrialState.WAITING))
    unit.begin([trial(1)])
    unit.note("cohorts", {"()": 2})
    unit.store(writer)
    assert len(writer.transactions) == 1
    assert [writer.trials[number].state for number in (0, 1)] == [TrialState.WAITING, TrialState.RUNNING]
    assert writer.notes == {"cohorts": {"()": 2}}


def test_where_nothing_has_changed_nothing_is_stored() -> None:
    writer, unit = FakeWriter(), UnitOfWork()
    unit.event(EventKind.STARTED, trial(0))
    unit.warn("careful")
    unit.store(writer)
    assert writer.transactions == []


def test_listeners_are_warned_and_notified_in_order() -> None:
    listener, unit = FakeListener(), UnitOfWork()
    unit.event(EventKind.REPORTED, trial(0))
    unit.warn("careful")
    unit.event(EventKind.STARTED, trial(1))
    unit.notify(listener)
    assert listener.warnings == ["careful"]
    assert [(event.kind, event.trial.number) for event in listener.events] == [
        (EventKind.REPORTED, 0),
        (EventKind.STARTED, 1),
    ]
