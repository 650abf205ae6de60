"""Give a running study more trials, from anywhere."""

from typing import Annotated

import typer
from rich.text import Text

from tuner.cli._options import Name, Storage
from tuner.cli._rendering import answers, safe
from tuner.running import live_control
from tuner.storage.store import open_store

__all__ = ["command"]


def command(
    name: Name,
    trials: Annotated[int, typer.Option(metavar="N", help="Trials in all, finished ones included.")],
    storage: Storage = None,
) -> None:
    store = open_store(storage)
    live_control.extend(store, name, trials)
    answers().print(Text(f"{safe(name)} has {trials} trials in all within seconds"), soft_wrap=True)
