"""Logs of a run: the trackers it is written to, none of which can harm or slow it down."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, final

from tuner.domain.errors import ConfigurationError
from tuner.domain.event import Event, EventKind, Listener
from tuner.domain.tracker import Entry, TrackedStudy, Tracker
from tuner.formatting.redaction import redacted
from tuner.registry.catalogue import Catalogue
from tuner.registry.import_path import resolve_class

TRACKERS = Catalogue("tuner.tracking.trackers", "tracker", group="tuner.trackers")

_EVERY = 0.5
"""Seconds that events are collected for, so that a tracker gets many at once."""

_REST = 4
"""How many times as long as it wrote a tracker rests: of a core that trials need it takes a fifth at most."""

_MOST = 20_000
"""How many events wait for a tracker; one that is further behind is given up."""

_START = 20.0
"""Seconds that a run waits for a tracker to start its process."""

_PATIENCE = 60.0
"""Seconds that the end of a run waits for a tracker to catch up."""

Warn = Callable[[str], None]


@final
@dataclass(frozen=True, slots=True)
class Log:
    """A tracker by its name, and where a person wants it: `tensorboard`, `mlflow=http://host:5000`."""

    name: str
    where: str = ""

    @staticmethod
    def parse(text: str) -> "Log":
        """Return what was asked for; raises `ConfigurationError` where it is unknown or not installed."""
        name, _, where = text.partition("=")
        log = Log(name, where)
        package = log.member.package
        if find_spec(package) is None:
            extra = f"'tuner[{name}]'" if name in TRACKERS else package
            raise ConfigurationError(f"{name} is not installed", hint=f"pip install {extra}")
        return log

    @property
    def member(self) -> type[Tracker]:
        """The tracker's class; a module of a person's own is looked for in the working directory."""
        return resolve_class(self.name, TRACKERS, Tracker, Path.cwd())  # type: ignore[type-abstract]


@final
class Logs:
    """What a run is logged to. A context: at its end everything is written, or given up."""

    def __init__(self, wanted: Iterable[str] = ()) -> None:
        self._logs = tuple(Log.parse(text) for text in dict.fromkeys(wanted))
        self._threads: list[LogThread] = []

    @staticmethod
    def of(log: str | Iterable[str] | None) -> "Logs":
        """Return what an argument `log` names, one tracker, several or none; raises `ConfigurationError`."""
        wanted: Any = [log] if isinstance(log, str) else () if log is None else log
        named = [*wanted] if isinstance(wanted, Iterable) else [wanted]
        if not all(isinstance(each, str) for each in named):
            raise ConfigurationError(f"log: {log!r} names no tracker", hint='log="tensorboard" names one')
        return Logs(named)

    def __enter__(self) -> "Logs":
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.close()

    @property
    def outcomes(self) -> tuple[tuple[str, bool], ...]:
        """What became of each log, in words, and whether all is well with it."""
        return tuple(dict.fromkeys((thread.outcome, not thread.trouble) for thread in self._threads))

    def listeners(self, study: TrackedStudy, folder: Path, warn: Warn) -> list[Listener]:
        """Return what logs a study whose storage is in `folder`; `warn` is called once for a log that fails."""
        threads = [_begun(log, study, folder, warn) for log in self._logs]
        self._threads += threads
        return [*threads]


def _begun(log: Log, study: TrackedStudy, folder: Path, warn: Warn) -> "LogThread":
    member = log.member
    place = member.place(log.where, folder, study)
    thread = LogThread(log.name, lambda: member(study, place), warn, opening=member.opening(place))
    if member.has_service:
        thread.ready.wait(_START)
    return thread


@final
class LogThread(Listener):
    """Hands what happens to a tracker that lives on a thread of its own, so that the run never waits for it.

    Whatever the tracker raises ends the logging and is reported once, on the thread of the run.
    """

    def __init__(
        self, name: str, make: Callable[[], Tracker], warn: Warn, *, opening: str = "", most: int = _MOST
    ) -> None:
        self._name = name
        self._make = make
        self._warn = warn
        self._opening = opening
        self._most = most
        self._waiting: deque[Event] = deque()
        self.trouble = ""
        self._told = False
        self.ready = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"tuner-log-{name}", daemon=True)
        self._thread.start()

    @property
    def outcome(self) -> str:
        """What became of the log, in words."""
        if self.trouble:
            return f"logging to {self._name} has ended, the study continues without it: {redacted(self.trouble)}"
        return f"logged to {self._name}; look at it with: {self._opening}"

    def notify(self, event: Event) -> None:
        if len(self._waiting) >= self._most:
            self.trouble = self.trouble or f"it is {self._most} events behind"
        if self.trouble:
            self._give_up()
        else:
            self._waiting.append(event)

    def close(self, patience: float = _PATIENCE) -> None:
        """Wait until everything is written, but no longer than that; to be called once nothing happens any more."""
        self._over.set()
        self._thread.join(patience)
        if self._thread.is_alive():
            self.trouble = self.trouble or f"it was not done {patience:g} s after the end"
        if self.trouble:
            self._give_up()

    def _give_up(self) -> None:
        if not self._told:
            self._told = True
            self._warn(self.outcome)

    def _work(self) -> None:
        try:
            tracker = self._make()
            self.ready.set()
            for events in self._batches():
                for entry in entries(events):
                    tracker.write(entry)
            tracker.close()
        except Exception as error:  # noqa: BLE001 - whatever a tracker throws
            self.trouble = f"{type(error).__name__}: {_first_line(error)}"
        finally:
            self.ready.set()

    def _batches(self) -> Iterator[list[Event]]:
        rest = _EVERY
        while (self._waiting or not self._over.is_set()) and not self.trouble:
            self._over.wait(rest)
            began = time.monotonic()
            events = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if events:
                yield events
            rest = max(_EVERY, _REST * (time.monotonic() - began))


def entries(events: Sequence[Event]) -> Iterator[Entry]:
    """Yield one entry for each trial that something happened to, in the order in which they come first."""
    by_trial: dict[int, list[Event]] = {}
    for event in events:
        by_trial.setdefault(event.trial.number, []).append(event)
    for own in by_trial.values():
        yield Entry(
            trial=own[-1].trial,
            reports=tuple(event.report for event in own if event.report is not None),
            ends=any(event.kind is EventKind.FINISHED for event in own),
            test_metrics=next((event.test_metrics for event in own if event.test_metrics is not None), None),
        )


def _first_line(error: Any) -> str:
    return str(error).strip().partition("\n")[0][:500]
