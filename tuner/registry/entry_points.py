"""Objects that installed packages offer by entry point: `tuner.samplers`, `tuner.schedulers` and other groups.

Only the metadata of installed packages is read. A folder that a study's modules are looked for in is not searched: a
file that lies there must not be run unless it is named.
"""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tuner.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

_STUDY_FOLDERS: set[str] = set()


def exclude(folder: Path) -> None:
    """Leave `folder` out of the search, although it is on the module path."""
    _STUDY_FOLDERS.add(str(folder))


def offered(group: str) -> "dict[str, tuple[EntryPoint, ...]]":
    """Return the entry points of a group by name; several where several packages offer the name."""
    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in _entries(_installed_paths()):
        if entry.group == group and entry not in found.get(entry.name, ()):
            found[entry.name] = (*found.get(entry.name, ()), entry)
    return found


def load(entries: "tuple[EntryPoint, ...]", kind: str) -> Any:
    """Import what the entry points of one name offer; raises `ConfigurationError` where that is not one object."""
    (entry, *others) = entries
    if others:
        packages = " and ".join(sorted(map(distribution, entries)))
        raise ConfigurationError(
            f"the {kind} {entry.name!r} is offered by {packages}", hint=f"name one of them as {entry.value}"
        )
    try:
        return entry.load()
    except Exception as error:
        raise ConfigurationError(
            f"the {kind} {entry.name!r} of the package {distribution(entry)} cannot be imported: "
            f"{type(error).__name__}: {error}",
            hint=f"update or remove that package; `python -c 'import {entry.module}'` shows the same",
        ) from error


def distribution(entry: "EntryPoint") -> str:
    """Return the name and version of the package that declares the entry point."""
    return "(unknown)" if entry.dist is None else f"{entry.dist.name} {entry.dist.version}"


def _installed_paths() -> tuple[str, ...]:
    working = Path.cwd()
    paths = (path for path in sys.path if path and path not in _STUDY_FOLDERS)
    return tuple(path for path in paths if Path(path).absolute() != working)


@cache
def _entries(paths: tuple[str, ...]) -> "tuple[EntryPoint, ...]":
    from importlib.metadata import distributions  # noqa: PLC0415 - the command line's help does not pay for it

    return tuple(entry for found in distributions(path=list(paths)) for entry in _of_tuner(found))


def _of_tuner(found: "Distribution") -> "Iterator[EntryPoint]":
    if "tuner." in (found.read_text("entry_points.txt") or ""):
        yield from (entry for entry in found.entry_points if entry.group.startswith("tuner."))
