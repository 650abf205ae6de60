"""Pause a running study from anywhere, or let it continue."""

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
    off: Annotated[bool, typer.Option("--off", help="Let it continue.")] = False,
    storage: Storage = None,
) -> None:
    store = open_store(storage)
    live_control.pause(store, name, off=off)
    again = store.location.command("pause", name, "--off")
    paused = f"is paused within seconds, at the next reports of its trials; it continues with: {again}"
    answers().print(Text(safe(f"{name} {'continues within seconds' if off else paused}")), soft_wrap=True)
