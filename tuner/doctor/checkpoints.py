"""A study's checkpoints: those that cannot be loaded, and the files that are no longer needed."""

import re
import shlex
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

from tuner.doctor.findings import Finding, counted, note, ok, problem
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord
from tuner.execution.all_rows_checkpoint import ALL_ROWS
from tuner.execution.checkpoints import CODEC
from tuner.storage.fallback_file import FallbackFile
from tuner.storage.folder_ownership import copied, leads_out, original_of
from tuner.storage.location import Location
from tuner.system.files import is_folder

_TRIAL_FOLDER = re.compile(r"trial-(\d{5,})")
_STATE = re.compile(r"(?:epoch|taken-over)-(\d+)(?:\.safetensors)?")
_ON_ALL_ROWS = f"{ALL_ROWS}-*.safetensors"


def about_checkpoints(
    location: Location, study: StudyRecord, trials: Sequence[TrialRecord], *, is_held: bool
) -> Iterator[Finding]:
    """Yield which checkpoints of a study can be loaded, and which files are no longer needed."""
    name = study.folder_name
    root = location.checkpoints_of(name)
    if (link := leads_out(location, name)) is not None:
        # Neither a link nor a name that was put into the database by hand may lead elsewhere.
        yield note(f"it leads to {link.resolve()}, outside of the storage's folder: nothing there is touched", link)
        return
    if original := original_of(location, study):
        what = f"its files belong to the same study in {original}, of which this is a copy: it cannot be resumed here"
        yield problem(what, root, advice=copied(study, original, location))
        return
    folders = _trial_folders(root)
    known = {trial.number: trial for trial in trials}
    if not is_held:  # its files come and go
        mine = _owns_folder(location, study) and not FallbackFile(location.folder, name).file.exists()
        yield from _strays([folder for number, folder in folders.items() if number not in known], root, mine=mine)
        yield from _partials(folders.values(), root)
    used = [folders[number] for number in sorted(set(folders) & set(known))]
    sound = 0
    for folder in used:
        damaged, readable = _loaded(folder)
        sound += readable
        for finding in damaged:
            yield finding if not is_held else replace(finding, fix="", repair=None)
    if sound:
        yield ok(f"{sound} checkpoint{'' if sound == 1 else 's'} can be loaded", root)
    if foreign := [path for folder in used for _, path in _states(folder) if is_folder(path)]:
        yield ok(f"{counted(foreign, 'checkpoint')} in a framework's own files, which were not read", root)


def _trial_folders(root: Path) -> dict[int, Path]:
    folders = [path for path in root.iterdir() if path.is_dir() and not path.is_symlink()] if root.is_dir() else []
    return {int(found[1]): path for path in folders if (found := _TRIAL_FOLDER.fullmatch(path.name))}


def _owns_folder(location: Location, study: StudyRecord) -> bool:
    """Whether the checkpoints there can be no other study's: without ids, those of two databases may share a folder."""
    return bool(study.id) or (location.file is not None and not location.neighbours)


def _strays(folders: Sequence[Path], root: Path, *, mine: bool) -> Iterator[Finding]:
    if not folders:
        return
    what = f"{counted(folders, 'checkpoint folder')} of trials that the study does not have"
    if mine:
        yield problem(what, root, fix="delete", repair=partial(_delete, folders))
    else:
        yield note(f"{what}; another database or results that wait to be stored may need them", root)


def _partials(folders: Iterable[Path], root: Path) -> Iterator[Finding]:
    files = [path for folder in folders for path in sorted(folder.glob("*.partial"))]
    if files:
        what = f"{counted(files, 'checkpoint')} half written by a process that died"
        yield problem(what, root, fix="delete", repair=partial(_delete, files))


def _delete(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _loaded(folder: Path) -> tuple[list[Finding], int]:
    """Return what is to be said about one trial's checkpoints that cannot be loaded, and how many can."""
    findings, sound = [], 0
    for _, path in _states(folder):
        if is_folder(path):
            continue
        finding, is_sound = _looked_at(path, partial(_damaged, path, has_older=sound > 0))
        findings += finding
        sound += is_sound
    for path in sorted(folder.glob(_ON_ALL_ROWS)):
        finding, is_sound = _looked_at(path, partial(_damaged_on_all_rows, path))
        findings += finding
        sound += is_sound
    return findings, sound


def _looked_at(path: Path, damaged: Callable[[], Finding]) -> tuple[list[Finding], bool]:
    """Return what is to be said about a file that has a state, and whether it can be loaded."""
    try:
        import_module(CODEC).load(path)
    except FileNotFoundError:
        return [], False  # the run that holds the study has just deleted it
    except OSError as error:
        return [problem(f"a checkpoint cannot be read: {error.strerror or error}", path)], False
    except ValueError:
        return [damaged()], False
    return [], True


def _states(folder: Path) -> list[tuple[int, Path]]:
    """Return a trial's checkpoints, each with its epoch, the oldest first."""
    return sorted((int(found[1]), path) for path in folder.iterdir() if (found := _STATE.fullmatch(path.name)))


def _damaged(path: Path, *, has_older: bool) -> Finding:
    what = "a checkpoint is damaged"
    if has_older:
        return problem(f"{what}; the trial has an older one", path, fix="delete", repair=partial(_delete, [path]))
    advice = f"where its weights are not needed: rm {shlex.quote(str(path))}"
    return problem(f"{what}; the trial has no older one", path, advice=advice)


def _damaged_on_all_rows(path: Path) -> Finding:
    what = "the state of a training on all rows is damaged; resuming the study trains it again"
    return problem(what, path, fix="delete", repair=partial(_delete, [path]))
