"""Look at all studies in a browser, while they run too."""

import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.text import Text

from tuner.cli._options import Storage
from tuner.cli._rendering import answers
from tuner.domain.errors import ConfigurationError
from tuner.storage.store import open_store

__all__ = ["command"]


def command(
    storage: Storage = None,
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Where it listens; 0: any free one.")] = 8080,
    opens: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    if find_spec("optuna_dashboard") is None:
        raise ConfigurationError("optuna-dashboard is not installed", hint="pip install 'tuner[dashboard]'")
    store = open_store(storage, read_only=True)
    names = store.names
    store.close()
    if not names:
        raise ConfigurationError(
            f"no study in {store.location} yet", hint=f"begin with: {store.location.command('run', 'digits')}"
        )
    page = import_module("tuner.display.dashboard")  # two seconds that no other command pays
    with page.dashboard(store.location, port) as server:
        answers().print(Text(f"{page.address(server)}  for looking only; Ctrl-C ends it"))
        try:
            with _opened(page.address(server)) if opens else nullcontext():
                server.serve_forever()
        except KeyboardInterrupt:
            return


@contextmanager
def _opened(address: str) -> Iterator[None]:
    """Open an address in the browser by a private file that leads to it: every user sees a command's arguments."""
    with TemporaryDirectory(prefix="tuner-dashboard-") as folder:
        file = Path(folder) / "open.html"
        file.write_text(f'<!doctype html><meta http-equiv="refresh" content="0; url={address}">')
        webbrowser.open(file.as_uri())
        yield
