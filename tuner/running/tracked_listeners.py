"""The listeners of a run: those that show it, and those that track it."""

import logging
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import final

from tuner.domain.event import Event, Listener
from tuner.domain.tracker import TrackedStudy
from tuner.domain.trial import TrialRecord
from tuner.running.components import RunComponents
from tuner.tracking.dispatch import Logs

_LOG = logging.getLogger("tuner")

MakeListeners = Callable[[RunComponents, Sequence[TrialRecord]], Sequence[Listener]]
"""Makes the listeners of a run, from its components and the trials it starts with."""


def with_trackers(listeners: MakeListeners | None, logs: Logs, folder: Path) -> MakeListeners:
    """Return what makes `listeners`, and the experiment trackers of a study whose files are in `folder`."""

    def make(components: RunComponents, trials: Sequence[TrialRecord]) -> Sequence[Listener]:
        showing = shown(listeners, components, trials)
        logged = TrackedStudy(
            name=components.spec.name,
            folder_name=(components.folders or components.worker_spec.folders).checkpoints.name,
            metric=components.goal.metric,
            direction=components.goal.direction,
            space=components.space,
            earlier=frozenset(trial.number for trial in trials),
        )
        return (*showing, *logs.listeners(logged, folder, warning_to(showing)))

    return make


def shown(
    listeners: MakeListeners | None, components: RunComponents, trials: Sequence[TrialRecord]
) -> tuple[Listener, ...]:
    """Return the listeners that show a run; where nothing does, its notes and warnings are logged."""
    if listeners is not None:
        return tuple(listeners(components, trials))
    for note in () if components.nothing_left else components.notes:
        _LOG.warning("study %s: %s", components.spec.name, note)
    return (LoggedWarnings(components.spec.name),)


@final
class LoggedWarnings(Listener):
    """Logs the warnings of a run that nothing shows."""

    def __init__(self, study: str) -> None:
        self._study = study

    def notify(self, event: Event) -> None:
        pass  # a script that asks for no progress is shown none

    def warned(self, text: str) -> None:
        _LOG.warning("study %s: %s", self._study, text)


def warning_to(showing: Sequence[Listener]) -> Callable[[str], None]:
    """Return what hands a warning about a person's own part to the listeners that show a run, or else to Python."""

    def warn(text: str) -> None:
        if all(isinstance(listener, LoggedWarnings) for listener in showing):
            warnings.warn(text, stacklevel=2)
            return
        for listener in showing:
            listener.warned(text)

    return warn
