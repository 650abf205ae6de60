"""Show what a trial has printed."""

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.text import Text

from tuner.cli._options import Name, Storage
from tuner.cli._rendering import messages
from tuner.domain.errors import UnknownNameError
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord
from tuner.formatting.values import amount
from tuner.storage.folder_owner import place_of
from tuner.storage.lease import utc_now
from tuner.storage.store import Store, open_store

__all__ = ["command"]

_EVERY_SECONDS = 0.5
"""From one look at the file to the next."""


def command(
    name: Name,
    trial: Annotated[int, typer.Argument(metavar="TRIAL", min=0, help="The trial's number.", show_default=False)],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what it prints, until the trial is over.")
    ] = False,
    storage: Storage = None,
) -> None:
    store = open_store(storage, read_only=True)
    try:
        study, trials = store.read(name)
        if trial >= len(trials):
            raise UnknownNameError(
                f"study {name!r} has no trial {trial}", hint=f"it has {amount(len(trials), 'trial')}"
            )
        if follow:
            _follow(store, study, trials[trial])
        else:
            _show(store, study, trials[trial])
    finally:
        store.close()


def _show(store: Store, study: StudyRecord, trial: TrialRecord) -> None:
    """Print what a trial has printed so far."""
    paths = _paths(store, study, trial)
    if not paths:
        messages().print(
            Text(
                f"no log of trial {trial.number}: what shipped objectives and OwnModel print, and what trials print "
                "under the inline executor, is not kept"
            )
        )
    for path in paths:
        with path.open("rb") as log:
            _copy(log)
    _note_silence(paths, trial)


def _note_silence(paths: Sequence[Path], trial: TrialRecord) -> None:
    """Say of a trial that has a log, and nothing in it, that it printed nothing."""
    if paths and not any(path.stat().st_size for path in paths):
        said = f"(trial {trial.number} {'printed nothing' if trial.state.is_finished else 'has printed nothing yet'})"
        messages().print(Text(said))


def _follow(store: Store, study: StudyRecord, trial: TrialRecord) -> None:
    """Print what a trial prints, until it is over or the study is not run any more."""
    opened: dict[Path, BinaryIO] = {}
    was_over = False
    try:
        while True:
            is_over = _is_over(store, study, trial)
            for path in _paths(store, study, trial):
                log = opened.get(path) or opened.setdefault(path, path.open("rb"))
                _copy(log)
            if was_over:
                _note_silence([*opened], trial)
                return
            # A trial is over before its exit handlers have printed: one look more.
            was_over = is_over
            time.sleep(_EVERY_SECONDS)
    finally:
        for log in opened.values():
            log.close()


def _paths(store: Store, study: StudyRecord, trial: TrialRecord) -> tuple[Path, ...]:
    return place_of(store.location, study).folders_of(study.folder_name).logs_with(trial.number)


def _is_over(store: Store, study: StudyRecord, trial: TrialRecord) -> bool:
    claim = store.claim(study.name)
    if claim is None or not claim.is_valid(utc_now()):
        return True
    found = store.news(study, [trial.number], sys.maxsize)
    return all(each.state.is_finished for each in found)


def _copy(log: BinaryIO) -> None:
    shutil.copyfileobj(log, sys.stdout.buffer)
    sys.stdout.buffer.flush()
