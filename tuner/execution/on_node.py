"""What a worker's spec says of folders, on a node that may have none of the folders of the study's own machine."""

import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuner.domain.assignment import Assignment
from tuner.domain.study_folders import StudyFolders
from tuner.domain.worker_spec import Surroundings, WorkerSpec
from tuner.system.files import is_own_folder, private


def on_this_node(worker_spec: WorkerSpec) -> WorkerSpec:
    """Return the spec with the folders of this node.

    Where the study's folder has travelled here, it is the working directory. Trials have this node's environment. Where
    checkpoints are kept at a URL, what trials write lies in a folder of this node's; otherwise all nodes share one.
    """
    here = Path.cwd() if worker_spec.sends_code else worker_spec.folder
    there = worker_spec.folder
    moved = worker_spec.surroundings
    surroundings = Surroundings(
        folder=here,
        umask=0o077 if moved is None else moved.umask,
        module_path=_module_path(moved, there, here),
        environment={**os.environ},
    )
    return replace(
        worker_spec,
        folder=here,
        started_in=here,
        settings=_moved(worker_spec.settings, there, here),
        folders=folders_here(worker_spec.folders),
        surroundings=surroundings,
    )


def assigned_here(assignment: Assignment) -> Assignment:
    """Return the assignment with the folders of this node."""
    return assignment if assignment.folders is None else replace(assignment, folders=folders_here(assignment.folders))


def folders_here(folders: StudyFolders) -> StudyFolders:
    """Return the folders on this node of a study whose checkpoints are kept at a URL; others are the same everywhere.

    Raises `PermissionError` where the folder for them is another user's.
    """
    if not folders.store:
        return folders
    root = private(Path(tempfile.gettempdir()) / f"tuner-node-{os.getuid()}")
    if not is_own_folder(root):
        raise PermissionError(f"{root} belongs to another user")
    return replace(StudyFolders.within(root / folders.checkpoints.name), store=folders.store)


def _module_path(moved: Surroundings | None, there: Path, here: Path) -> tuple[str, ...]:
    """Return this node's module path, and after it what the study's own process finds besides and is here too."""
    wanted = [str(here), *(_path_moved(entry, there, here) for entry in (() if moved is None else moved.module_path))]
    more = (entry for entry in wanted if Path(entry).exists())
    return tuple(dict.fromkeys([*(entry for entry in sys.path if entry), *more]))


def _path_moved(text: str, there: Path, here: Path) -> str:
    path = Path(text)
    return str(here / path.relative_to(there)) if path.is_absolute() and path.is_relative_to(there) else text


def _moved(settings: Mapping[str, Any], there: Path, here: Path) -> dict[str, Any]:
    """Return the settings with paths in the study's folder as they are in its copy here."""
    return {
        key: _path_moved(value, there, here) if isinstance(value, str) else value for key, value in settings.items()
    }
