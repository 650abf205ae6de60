"""Checkpoints of trials that train here and are kept at a URL: fetched first, uploaded beside training.

A trial writes into a folder of this machine, in which its newest two states and its best one are at any time. Whenever
that has changed, the store is made to have what the folder has: what is new is put there first, then what is gone is
deleted. What changes meanwhile is done next, as a whole, so a store that is slower than the trial gets every second or
third state, and never none.
"""

import os
import secrets
import shutil
import threading
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import final

from tuner.domain.assignment import TrialAssignment
from tuner.domain.checkpoint_store import CheckpointStore, DamagedCheckpointError
from tuner.domain.study_folders import StudyFolders
from tuner.domain.trial import Report
from tuner.execution.checkpoints import OWN, TAKEN_OVER, TrialCheckpoints, epoch_of, state_names, tidy, trial_folder
from tuner.storage.url_store import UrlStore

_AT_A_TIME = 4
"""How many trials of a worker are uploaded at a time."""

_Identity = tuple[int, int]
_Snapshot = Mapping[str, tuple[Path, _Identity]]


@final
class TrialMirror:
    """Keeps the store like the folder of one trial's checkpoints."""

    def __init__(self, store: CheckpointStore, folder: Path, threads: ThreadPoolExecutor) -> None:
        self._store = store
        self._folder = folder
        self._threads = threads
        self._lock = threading.Lock()
        self._pending: _Snapshot | None = None
        self._upload: Future[None] | None = None
        self._stored: dict[str, _Identity] = {}
        self._problem = ""

    def fetch(self, recorded: int, best: int) -> list[str]:
        """Make the folder have what a trial with so many `recorded` epochs needs; return what is damaged in the store.

        That is its newest state that is sound, and the one of its `best` epoch.
        """
        shutil.rmtree(self._folder, ignore_errors=True)
        names = [name.rpartition("/")[2] for name in self._store.list(self._folder.name)]
        epochs = {name: epoch for name in names if (epoch := epoch_of(name)) is not None}
        damaged: list[str] = []
        for epoch in sorted({epoch for epoch in epochs.values() if epoch <= recorded}, reverse=True):
            wanted = [*state_names(TAKEN_OVER, epoch), *state_names(OWN, epoch)]
            if self._fetched([name for name in wanted if name in epochs], damaged):
                break
        self._fetched([name for name in state_names(OWN, best) if name in epochs and name not in self._stored], damaged)
        # What is beyond the last recorded epoch is trained again, and may end without being saved.
        for name in epochs.keys() - self._stored.keys():
            self._stored[name] = (0, 0)
        return damaged

    def _fetched(self, names: Collection[str], damaged: list[str]) -> bool:
        """Fetch states, and return whether any of them is sound."""
        for name in names:
            path = self._folder / name
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._store.get(f"{self._folder.name}/{name}", path)
            except (DamagedCheckpointError, FileNotFoundError) as error:
                damaged.append(str(error))
            else:
                self._stored[name] = _identity(path)
        return any(name in self._stored for name in names)

    def changed(self) -> None:
        """Let the store become like the folder, which has changed, while the trial trains on."""
        with self._lock:
            skipped, self._pending = self._pending, self._taken()
            if skipped is None and (self._upload is None or self._upload.done()):
                self._upload = self._threads.submit(self._follow)
        _dispose(skipped)

    def flush(self) -> str:
        """Wait until the store is like the folder; return why it is not, "" where it is."""
        with self._lock:
            upload = self._upload
        if upload is not None:
            upload.result()
        return self._problem

    def leave(self) -> str:
        """End with the trial: what it has kept is in the store afterwards, and not here; answers as `flush` does."""
        if not (problem := self.flush()):
            shutil.rmtree(self._folder, ignore_errors=True)
        return problem

    def _taken(self) -> _Snapshot:
        """Return the states in the folder as they are now, by other links to the same files."""
        taken = {}
        # The older first: the newest may never be recorded, and the trial continues from the one before it then.
        for path in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            if epoch_of(path.name) is None:
                continue
            identity = _identity(path)
            link = path
            if self._stored.get(path.name) != identity:
                link = self._folder / f".{path.name}.{secrets.token_hex(4)}.partial"
                _link(path, link)
            taken[path.name] = (link, identity)
        return taken

    def _follow(self) -> None:
        while True:
            with self._lock:
                if (snapshot := self._pending) is None:
                    self._upload = None
                    return
                self._pending = None
            try:
                self._make_like(snapshot)
                self._problem = ""
            except OSError as error:  # the next state is tried again, and the trial says it with its next report
                self._problem = f"its checkpoints could not be kept: {error}"
            finally:
                _dispose(snapshot)

    def _make_like(self, snapshot: _Snapshot) -> None:
        for name, (path, identity) in snapshot.items():
            if self._stored.get(name) != identity:
                self._store.put(f"{self._folder.name}/{name}", path)
                self._stored[name] = identity
        for name in [*self._stored]:
            if name not in snapshot:
                self._store.delete(f"{self._folder.name}/{name}")
                del self._stored[name]


@final
class Mirrors:
    """The checkpoints of the trials that a worker trains, opened where they are kept."""

    def __init__(self) -> None:
        self._mirrors: dict[int, TrialMirror] = {}

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="checkpoints")

    def open(self, folders: StudyFolders, member: TrialAssignment) -> TrialCheckpoints:
        """Return the checkpoints of a trial that starts or continues; raises `OSError` where they cannot be reached."""
        folder = trial_folder(folders.checkpoints, member.number)
        if not folders.store:
            tidy(folder, member.epoch)
            return TrialCheckpoints(folder, member.epoch, member.best_epoch)
        mirror = TrialMirror(UrlStore(folders.store), folder, self._threads)
        damaged = mirror.fetch(member.epoch, member.best_epoch)
        checkpoints = TrialCheckpoints(folder, member.epoch, member.best_epoch, changed=mirror.changed)
        checkpoints.damaged += damaged
        self._mirrors[member.number] = mirror
        return checkpoints

    def kept(self, reports: Sequence[Report]) -> tuple[Report, ...]:
        """Return the reports once everything that was saved is kept, with a note of which trials' states are not."""
        problems = {number: mirror.flush() for number, mirror in self._mirrors.items()}
        return tuple(
            replace(report, note="; ".join(filter(None, (report.note, problems.pop(report.number, "")))))
            for report in reports
        )

    def leave(self, number: int) -> None:
        """End with a trial, once what it has saved is kept."""
        if (mirror := self._mirrors.pop(number, None)) is not None:
            mirror.leave()


def _identity(path: Path) -> _Identity:
    facts = path.stat()
    return facts.st_ino, facts.st_mtime_ns


def _link(path: Path, link: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, link, copy_function=os.link)
    else:
        os.link(path, link)


def _dispose(snapshot: _Snapshot | None) -> None:
    for link, _ in ({} if snapshot is None else snapshot).values():
        if link.suffix == ".partial":
            shutil.rmtree(link) if link.is_dir() else link.unlink(missing_ok=True)
