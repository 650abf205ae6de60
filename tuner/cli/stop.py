"""Stop a running study from anywhere, with all that it has measured saved."""

from rich.text import Text

from tuner.cli._options import Name, Storage
from tuner.cli._rendering import answers, safe
from tuner.running import live_control
from tuner.storage.store import open_store

__all__ = ["command"]


def command(name: Name, storage: Storage = None) -> None:
    store = open_store(storage)
    live_control.stop(store, name)
    again = store.location.command("resume", name)
    said = f"{safe(name)} stops within seconds, at the next reports of its trials; continue it with: {safe(again)}"
    answers().print(Text(said), soft_wrap=True)
