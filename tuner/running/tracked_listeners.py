"""The listeners of a run: those that show it, and those that track it."""

import logging
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from tuner.domain.event import Listener
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
    """Return the listeners that show a run; where there are none, the notes of its components are logged."""
    if listeners is not None:
        return tuple(listeners(components, trials))
    for note in () if components.nothing_left else components.notes:
        _LOG.warning("study %s: %s", components.spec.name, note)
    return ()


def warning_to(showing: Sequence[Listener]) -> Callable[[str], None]:
    """Return what hands a warning to the listeners that show a run, or to Python where there are none."""

    def warn(text: str) -> None:
        for listener in showing:
            listener.warned(text)
        if not showing:
            warnings.warn(text, stacklevel=2)

    return warn
