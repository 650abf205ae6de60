"""Add configurations to a study, to be tried before what its sampler proposes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from tuner.cli._options import Json, Name, Storage
from tuner.cli._rendering import answers, messages, print_json, safe
from tuner.domain.errors import ConfigurationError, Mistakes
from tuner.domain.start_configs import CompletedConfig
from tuner.formatting.values import amount, short_config
from tuner.running.outcome import how_to_resume
from tuner.running.queueing import add_to_study
from tuner.storage.store import open_store
from tuner.system.untrusted_files import json_of

__all__ = ["command"]


def command(
    name: Name,
    configs: Annotated[
        list[str],
        typer.Option(
            "--config",
            metavar="JSON|FILE",
            help="A configuration or a part of one, such as '{\"optimizer.lr\": 0.001}', or a .json file of one or "
            "several. May be given several times.",
            show_default=False,
        ),
    ],
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    store = open_store(storage)
    queued = add_to_study(store, name, _read(configs))
    for note in queued.notes:
        messages().print(Text(safe(note), style="yellow"), soft_wrap=True)
    if as_json:
        print_json({"study": name, "added": [each.config for each in queued.configs], "notes": list(queued.notes)})
        return
    for each in queued.configs:
        answers().print(Text(f"added to {safe(name)}: {safe(_said(each))}"), soft_wrap=True)
    if queued.configs and not store.is_run(name):
        again = how_to_resume(store.location, store.study(name), queued.trials)
        messages().print(Text(safe(f"nothing runs the study now; continue with: {again}"), style="dim"), soft_wrap=True)


def _said(added: CompletedConfig) -> str:
    rest = amount(len(added.defaults), "parameter")
    by_default = f" ({rest} by default: {', '.join(added.defaults)})" if added.defaults else ""
    return f"{short_config(added.config)}{by_default}"


def _read(texts: Sequence[str]) -> list[dict[str, Any]]:
    mistakes = Mistakes()
    found = [mistakes.collect(lambda text=text: _configs(text)) for text in texts]  # type: ignore[misc]
    mistakes.raise_all()
    return [each for configs in found for each in configs or []]


def _configs(text: str) -> list[dict[str, Any]]:
    """Return the configurations that JSON, or the file that is named, has; raises `ConfigurationError`."""
    is_text = text.lstrip().startswith(("{", "["))
    try:
        value = json_of(text if is_text else Path(text).expanduser().read_text())
    except OSError as error:
        raise ConfigurationError(
            f"--config {text}: is no JSON, and cannot be read as a file: {error.strerror}",
            hint="""write it as --config '{"lr": 0.001}'""",
        ) from None
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"--config {text}: is no JSON: {error.msg}, at character {error.pos + 1}") from None
    except ValueError as error:  # nested too deep, or not text at all
        raise ConfigurationError(f"--config {text}: {error}") from None
    listed = value if isinstance(value, list) else [value]
    if not all(isinstance(each, dict) for each in listed):
        raise ConfigurationError(f"--config {text}: is not an object of parameters, nor a list of such")
    return listed
