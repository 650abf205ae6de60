"""Where a study's files lie, and what is written down there of whose they are."""

import socket
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from tuner.domain.study_record import StudyRecord
from tuner.storage.location import Location
from tuner.system.untrusted_files import json_of, text_of

MARKER = "study.json"
PLACE = "place"
"""The note in which a study on a server says on which machine and in which folder its files are."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The study that a folder belongs to, and its database: a file's name, or a server's kind and database."""

    study: str
    id: str
    storage: str


def owner_of(folder: Path) -> Owner | None:
    """Return whose folder of checkpoints `folder` is; None where that is not written there."""
    try:
        said = json_of(text_of(folder / MARKER))
        owner = Owner(**said)
    except (OSError, ValueError, TypeError):
        return None
    return owner if all(isinstance(text, str) for text in said.values()) else None


def place_of(location: Location, study: StudyRecord) -> Location:
    """Return the location with the folder that the study's files are in.

    Those of a database file lie beside it. Those of a study on a server lie where it was run last, which it has written
    down, if that folder is on this machine; otherwise where they would lie if it were run from here.
    """
    folder = study.notes.get(PLACE, {}).get("folder", "")
    if location.file is not None or not Path(folder).is_absolute():
        return location
    there = replace(location, folder=Path(folder))
    owner = owner_of(there.checkpoints_of(study.folder_name))
    return there if owner is not None and owner.id == study.id else location


def place_note(location: Location) -> dict[str, str]:
    """Return what a study on a server writes down of where its files are."""
    return {"host": socket.gethostname(), "folder": str(location.folder)}


def run_elsewhere(study: StudyRecord, folder: Path) -> str:
    """Say where else the files of a study on a server are that is run in `folder` now; empty where nowhere."""
    was = study.notes.get(PLACE, {})
    is_here = was == {"host": socket.gethostname(), "folder": str(folder)}
    return f"it was run in {was['folder']} on {was['host']} before" if was and not is_here else ""
