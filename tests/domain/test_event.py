"""Listeners of a run."""

from typing import final

from tuner import Float, SearchSpace
from tuner.domain.event import Event, EventKind, Listener, Listeners
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


def test_several_listeners_are_called_as_one_in_their_order() -> None:
    calls: list[tuple[str, object]] = []
    listeners = Listeners([Log("first", calls), Log("second", calls)])
    trial = TrialRecord(number=0, state=TrialState.RUNNING, config=SearchSpace(x=Float(0, 1)).default)
    event = Event(kind=EventKind.STARTED, trial=trial)
    listeners.notify(event)
    listeners.waits(1.5, "locked")
    listeners.warned("careful")
    listeners.recovered(3)
    told = [event, (1.5, "locked"), "careful", 3]
    assert calls == [(name, each) for each in told for name in ("first", "second")]
