"""What surrounds the database: its backups, the room that is left, the versions of what is installed."""

import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from tuner.doctor.findings import Finding, note, ok, problem
from tuner.storage.backup import EVERY, FOLDER, backups_of
from tuner.storage.location import Location

LEAST_FREE_BYTES = 2**30

_DISTRIBUTIONS = ("tuner", "optuna", "ray", "torch")


def about_backups(location: Location) -> Iterator[Finding]:
    """Yield which backups can be restored."""
    if location.file is None or not location.folder.is_dir():
        return
    there = backups_of(location.file)
    for backup in there:
        yield ok(f"backup of {backup.made:%Y-%m-%d %H:%M:%S} UTC, {backup.size / 2**20:.1f} MiB", backup.file)
    if not there:
        yield ok(f"no backup yet: one is made after every {EVERY} finished trials", location.folder / FOLDER)


def about_free_space(location: Location) -> Finding:
    """Say how much room is left."""
    there = next(folder for folder in (location.folder, *location.folder.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    words = f"{free / 2**30:.1f} GiB are free"
    return ok(words, there) if free >= LEAST_FREE_BYTES else note(f"only {words}", there)


def about_versions() -> Finding:
    """Say what is installed; none of it is imported."""
    found = {"Python": platform.python_version(), **{name: _version(name) for name in _DISTRIBUTIONS}}
    words = ", ".join(f"{name} {number or 'is not installed'}" for name, number in found.items())
    return ok(words, "versions") if all(found.values()) else problem(words, "versions")


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
