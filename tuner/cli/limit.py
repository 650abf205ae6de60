"""Let a running study train fewer trials at a time, from anywhere."""

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
    parallel: Annotated[
        int, typer.Option(metavar="N", help="Cohorts at a time, at most as many as the run began with.")
    ],
    storage: Storage = None,
) -> None:
    store = open_store(storage)
    live_control.limit(store, name, parallel)
    said = (
        f"{safe(name)} trains at most {parallel} at a time, and never more than its run began with, "
        "once what is being trained beyond that is over"
    )
    answers().print(Text(said), soft_wrap=True)
