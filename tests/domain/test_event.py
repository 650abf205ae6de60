"""Listeners of a run."""

from collections.abc import Sequence
from typing import final

from tuner import Float, SearchSpace
from tuner.domain.event import Event, EventKind, Listener, Listeners
from tuner.domain.run_controller import StopCause
from tuner.domain.trial import TrialRecord, TrialState


@final
class Log(Listener):
    """Remembers every call."""

    def __init__(self, name: str, calls: list[tuple[str, object]]) -> None:
        self._name = name
        self._calls = calls

    def notify(self, event: Event) -> None:
        self._calls.append((self._name, event))

    def waits(self, seconds: float, reason: str) -> None:
        self._calls.append((self._name, (seconds, reason)))

    def warned(self, text: str) -> None:
        self._calls.append((self._name, text))

    def recovered(self, reports: int) -> None:
        self._calls.append((self._name, reports))

    def run_ended(self, trials: Sequence[TrialRecord], stop_cause: StopCause | None) -> None:
        self._calls.append((self._name, (*trials, stop_cause)))

    @property
    def stops_study(self) -> bool:
        return self._name == "second"


def test_several_listeners_are_called_as_one_in_their_order() -> None:
    calls: list[tuple[str, object]] = []
    listeners = Listeners([Log("first", calls), Log("second", calls)])
    trial = TrialRecord(number=0, state=TrialState.RUNNING, config=SearchSpace(x=Float(0, 1)).default)
    event = Event(kind=EventKind.STARTED, trial=trial)
    listeners.notify(event)
    listeners.waits(1.5, "locked")
    listeners.warned("careful")
    listeners.recovered(3)
    listeners.run_ended([trial], StopCause.TIME)
    told = [event, (1.5, "locked"), "careful", 3, (trial, StopCause.TIME)]
    assert calls == [(name, each) for each in told for name in ("first", "second")]


def test_one_of_several_listeners_is_enough_to_stop_a_study() -> None:
    assert Listeners([Log("first", []), Log("second", [])]).stops_study
    assert not Listeners([Log("first", [])]).stops_study
    assert not Listeners([]).stops_study
