"""The queue of studies: they are submitted as data, and workers take them, one at a time each, under the lease."""

import getpass
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, final

from tuner.analysis import queries
from tuner.domain.capacity import Capacity, NodeCapacity
from tuner.domain.errors import (
    ConfigurationError,
    LeaseLostError,
    Mistakes,
    OwnCodeError,
    ResumeRefusedError,
    StudyHeldError,
)
from tuner.domain.run_controller import StopCause
from tuner.domain.study_queue import QUEUE, QueuedStudy, QueueState
from tuner.domain.study_record import folder_name
from tuner.running import launch
from tuner.running.builder import build_components
from tuner.running.code_places import Source, module_folder
from tuner.running.outcome import failed_run
from tuner.running.resume_request import ResumeRequest
from tuner.running.signals import resumable
from tuner.running.spec_source import RequestedStudy, read_spec
from tuner.running.stored_study import store_new
from tuner.running.tracked_listeners import MakeListeners
from tuner.running.transfer import learned, warm_started
from tuner.spec.shipped_studies import shipped_studies
from tuner.storage.reader import new_id
from tuner.storage.store import Store, exists_already, open_store
from tuner.storage.study_queue import submitted

_ANYWHERE = Capacity((NodeCapacity(2**20, 2**20),))
"""What a machine may have that a worker runs on: it is not known, so nothing that a study asks for is too much."""

Settle = Callable[[Store, str], None]
"""Stores what a study that has ended hands out: `models.final_answer.settle_answer`, which this floor does not know."""


def submit(
    study: RequestedStudy,
    *,
    storage: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    mistakes: Mistakes | None = None,
    priority: int = 0,
) -> QueuedStudy:
    """Put a study into the queue of a storage, checked as a run checks it, and return it.

    What is stored is what it says now: a worker reads no study file. Raises `ConfigurationError` with everything that
    is wrong with it, and `StudyExistsError`.
    """
    mistakes = mistakes or Mistakes()
    spec, source = read_spec(study, overrides or {}, mistakes)
    with closing(open_store(storage)) as store:
        if spec.name in store.names and not mistakes.has_any:
            raise exists_already(store.location, spec.name)
        identity, modules = new_id(), module_folder(spec, source)
        folders = store.location.folders_of(folder_name(spec.name, identity), spec.storage.checkpoints)
        components = build_components(spec, modules, folders, mistakes, _ANYWHERE)
        components = warm_started(components, learned(store, components.spec, components.space))
        queued = QueuedStudy(name=spec.name, submitted=datetime.now(UTC), priority=priority, submitter=_submitter())
        notes = {QUEUE: queued.describe()}
        store_new(store, spec, _as_data(source, modules), components, identity, notes=notes)
    return queued


def _as_data(source: Source, modules: Path) -> Source:
    """Return the source of a study that is run as it was stored, with its modules where they were found."""
    return source if source.study in shipped_studies() else replace(source, study="", folder=str(modules))


def _submitter() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        user = f"user {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a worker did with a study: it ran it, which ended with `cause`, or did not, for the reason in `problem`."""

    cause: StopCause | None = None
    problem: str = ""


@final
class QueueWorker:
    """Takes studies out of the queue of a storage and runs them to their ends, one at a time.

    A study whose worker has died is taken as one that waits: its lease is over. One that cannot be run here, since its
    code lies elsewhere and is not to be trusted, or since this machine lacks something, is left for other workers.
    """

    def __init__(self, storage: str | None, *, trust: bool = False, overrides: Mapping[str, Any] | None = None) -> None:
        self._storage = storage
        self._trust = trust
        self._overrides = dict(overrides or {})
        self._passed: set[str] = set()

    @property
    def is_empty(self) -> bool:
        """Whether no submitted study waits, or is run by any worker, but those that were passed over here."""
        with closing(open_store(self._storage)) as store:
            waiting = (each.name for each in submitted(store) if each.state is QueueState.WAITING)
            return not any(name not in self._passed for name in waiting)

    def next(self) -> str | None:
        """Return the name of the study to run next; None where none waits that nothing runs."""
        with closing(open_store(self._storage)) as store:
            for each in submitted(store):
                is_mine = each.state is QueueState.WAITING and each.name not in self._passed
                if is_mine and not store.is_run(each.name):
                    return each.name
        return None

    def run(self, name: str, listeners: MakeListeners | None = None, settle: Settle | None = None) -> Turn:
        """Run a study that waits, to its end, and `settle` what it hands out before it leaves the queue.

        Nothing is settled of one that a person has stopped, as nothing is trained of it any more.
        Raises `StudyInterrupted` after a signal, and what ends a run that is to be continued: it waits on.
        """
        try:
            request = ResumeRequest(overrides=self._overrides, trust=self._trust)
            cause = launch.resume(name, request, storage=self._storage, listeners=listeners)
        except (StudyHeldError, LeaseLostError) as error:
            return Turn(problem=f"another worker has it: {error.message}")
        except (ConfigurationError, ResumeRefusedError) as error:
            self._passed.add(name)
            return Turn(problem=f"it is left for other workers: {error.message}")
        except OwnCodeError as error:
            self._mark(name, QueueState.FAILED, error.message)
            return Turn(problem=f"it has failed: {error.message}")
        if settle is not None and cause is not StopCause.REQUEST:
            with closing(open_store(self._storage)) as store, resumable(store, name):
                settle(store, name)
        self._conclude(name, cause)
        return Turn(cause=cause)

    def _conclude(self, name: str, cause: StopCause | None) -> None:
        """Write down what became of a study that was run, which is out of the queue then."""
        with closing(open_store(self._storage)) as store:
            study, trials = store.view(name)
            summary = queries.summarise(study, trials, store.repetitions(name))
            error = failed_run(store.location, summary, study, trials, cause)
        if cause is StopCause.REQUEST:
            self._mark(name, QueueState.STOPPED)
        elif error is not None:
            self._mark(name, QueueState.FAILED, error.message)
        else:
            self._mark(name, QueueState.DONE)

    def _mark(self, name: str, state: QueueState, reason: str = "") -> None:
        with closing(open_store(self._storage)) as store:
            queued = QueuedStudy.parsed(name, store.study(name).notes[QUEUE])
            # Another worker may have taken it since it ended: that one finds nothing left to do, and marks it.
            with suppress(StudyHeldError), store.holding(name) as writer:
                writer.annotate(QUEUE, replace(queued, state=state, reason=reason).describe())
