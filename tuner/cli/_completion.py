"""What a shell is offered where a study is meant: nothing here may fail, wait for a server or import torch."""

from collections.abc import Iterator
from pathlib import Path

import typer

from tuner.domain.errors import TunerError
from tuner.spec.shipped_studies import shipped_studies
from tuner.storage.location import locate
from tuner.storage.store import open_store

__all__ = ["startable", "stored"]


def stored(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the studies that are stored where the command would look, that begin as the word does."""
    return [name for name in _names(ctx.params.get("storage")) if name.startswith(incomplete)]


def startable(incomplete: str) -> list[str]:
    """Return what can be run: shipped studies and the study files of the working directory."""
    return [name for name in _startable() if name.startswith(incomplete)]


def _names(storage: str | None) -> tuple[str, ...]:
    try:
        if locate(storage).file is None:  # a server may be far away
            return ()
        store = open_store(storage, read_only=True)
        try:
            return store.names
        finally:
            store.close()
    except TunerError:  # a completion has no place for messages: the command itself will say it
        return ()


def _startable() -> Iterator[str]:
    yield from shipped_studies()
    yield from sorted(path.name for path in Path().glob("*.toml") if path.name != "pyproject.toml")
