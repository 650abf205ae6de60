"""Delete a study with its trials, weights and everything else that is kept of it."""

import sys
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from tuner.cli._options import Name, Storage
from tuner.cli._rendering import answers, messages, safe
from tuner.domain.errors import ConfigurationError
from tuner.formatting.values import amount, size
from tuner.storage.backup import backups_of
from tuner.storage.deletion import Belongings, belongings, delete
from tuner.storage.location import Location
from tuner.storage.store import open_store

__all__ = ["command"]


def command(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    storage: Storage = None,
) -> None:
    store = open_store(storage)
    found = belongings(store, name)
    if not yes:
        messages().print(Group(*_announced(found, store.location)))
        if not sys.stdin.isatty():
            raise ConfigurationError(
                "nothing was deleted: without a terminal there is no confirmation",
                hint=store.location.command("delete", name, "--yes"),
            )
        if not typer.confirm("Delete it for good?", err=True):
            messages().print("nothing was deleted")
            return
    delete(store, found)
    if yes:
        messages().print(Group(*_linked(found)))
    answers().print(Text(f"deleted {safe(name)}: {_what(found)}"))


def _announced(found: Belongings, location: Location) -> Iterator[Text]:
    yield Text(f"{safe(found.study)}: {_what(found)}")
    real = (path.parent.resolve() / path.name for path in found.paths if not found.sharers)
    yield from (Text(f"  {safe(path)}", style="dim") for path in real)
    yield from (Text(f"  {safe(url)}", style="dim") for url in found.urls if not found.sharers)
    yield from _linked(found)
    for path in found.sharers:
        yield Text(f"its files stay: {safe(path)} may have a study of the same name", style="yellow")
    if location.file is None:
        return
    if found.trials is not None:
        yield Text(f"{safe(location)} stays as large as it is: what comes next uses the room", style="dim")
    if kept := backups_of(location.file):
        yield Text(f"backups are kept, {len(kept)} in {safe(kept[0].file.parent)}; the study is in them", style="dim")


def _linked(found: Belongings) -> Iterator[Text]:
    for path in found.links:
        yield Text(f"what lies in {safe(path.resolve())} stays: {safe(path)} is a link to it", style="yellow")


def _what(found: Belongings) -> str:
    """Return what is deleted, in words, and the space that comes back."""
    trials = "what was left of it" if found.trials is None else amount(found.trials, "trial")
    if found.sharers or not found.files:
        return trials
    return f"{trials}, {amount(found.files, 'file')}, {size(found.size)}"
