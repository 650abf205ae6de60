"""Calls a person's callbacks for what happens in a run."""

from collections.abc import Callable, Sequence
from traceback import extract_tb
from typing import Any, final

from tuner.domain.callback import Callback
from tuner.domain.errors import ConfigurationError, StopStudy, described
from tuner.domain.event import Event, EventKind, Listener
from tuner.domain.run_controller import StopCause
from tuner.domain.study_record import is_companion
from tuner.domain.trial import TrialRecord
from tuner.running.components import RunComponents
from tuner.running.tracked_listeners import MakeListeners, shown, warning_to


def checked_callbacks(callbacks: Sequence[Callback]) -> tuple[Callback, ...]:
    """Return the callbacks; raises `ConfigurationError` for everything among them that is none."""
    if not isinstance(callbacks, Sequence) or isinstance(callbacks, str):
        raise ConfigurationError("callbacks: give a list", hint="callbacks=[...]")
    problems = [
        f"callbacks[{index}]: {each!r} {'is a class: give an instance' if isinstance(each, type) else _NO_CALLBACK}"
        for index, each in enumerate(callbacks)
        if not isinstance(each, Callback)
    ]
    if problems:
        raise ConfigurationError(problems)
    return tuple(callbacks)


_NO_CALLBACK = "does not inherit tuner.Callback"


def with_callbacks(listeners: MakeListeners | None, callbacks: Sequence[Callback]) -> MakeListeners | None:
    """Return what makes `listeners`, and for a search, not for its repetitions, the one that calls the callbacks."""
    if not callbacks:
        return listeners

    def make(components: RunComponents, trials: Sequence[TrialRecord]) -> Sequence[Listener]:
        showing = shown(listeners, components, trials)
        if components.nothing_left or is_companion(components.spec.name):
            return showing
        return (*showing, CallbackListener(callbacks, warning_to(showing)))

    return make


@final
class CallbackListener(Listener):
    """Calls each callback in their order; gives `warn` the first exception of each."""

    def __init__(self, callbacks: Sequence[Callback], warn: Callable[[str], None]) -> None:
        self._callbacks = tuple(callbacks)
        self._warn = warn
        self._failed: set[int] = set()
        self._stops = False

    @property
    def stops_study(self) -> bool:
        return self._stops

    def notify(self, event: Event) -> None:
        trial, report = event.trial, event.report
        if event.kind is EventKind.STARTED:
            self._call("trial_started", trial)
        elif report is not None and report.metrics is not None:
            self._call("trial_reported", trial, report.metrics)
        if event.kind is EventKind.FINISHED:
            self._call("trial_finished", trial)

    def run_ended(self, trials: Sequence[TrialRecord], stop_cause: StopCause | None) -> None:
        self._call("study_finished", trials, stop_cause)

    def _call(self, method: str, *given: Any) -> None:
        for index, callback in enumerate(self._callbacks):
            try:
                getattr(callback, method)(*given)
            except StopStudy:
                self._stops = True
            except Exception as error:  # noqa: BLE001 - a callback is a guest, and the study is not to end by it
                if index not in self._failed:
                    self._failed.add(index)
                    self._warn(_failure(f"{type(callback).__name__}.{method}", error))


def _failure(method: str, error: Exception) -> str:
    line = extract_tb(error.__traceback__)[-1].line
    return (
        f"the callback {method} raised {described(error)} in {line!r}; the study continues, and further exceptions of "
        "this callback are not reported"
    )
