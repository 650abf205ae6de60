"""Write a study's model into a folder of its own: weights, preprocessing, labels, metrics and a model card."""

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from tuner.cli._options import Json, Name, Storage, Trust
from tuner.cli._rendering import answers, print_json, safe
from tuner.domain.object_reference import reference_to
from tuner.models.export import export
from tuner.models.from_study import model_of
from tuner.storage.store import open_store

__all__ = ["command"]


def command(
    name: Name,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write.", show_default=False)],
    trial: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Another trial that has its weights. [default: the best]")
    ] = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="The network as ONNX too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier export.")] = False,
    storage: Storage = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    store = open_store(storage)
    try:
        found = model_of(store, name, trial, trust=trust)
    finally:
        store.close()
    written = export(found, folder, force=force, onnx=onnx)
    chosen = found.chosen
    number, epoch, repeated = chosen.trial.number, chosen.training.epoch, chosen.training is not chosen.trial
    if as_json:
        print_json({"study": name, "trial": number, "epoch": epoch, "confirmed": repeated, "folder": str(written)})
        return
    which = f"the best of trial {number}'s repetitions" if repeated else f"trial {number}"
    answers().print(Text(f"{which}, at epoch {epoch}, is in {safe(written)}; README.md there describes it"))
    rows = found.model.example_file
    objective = reference_to(found.spec.objective)
    own = f" --objective {safe(shlex.quote(objective))}" if ":" in objective else ""
    answers().print(
        Text(f"next: tuner predict {safe(shlex.quote(str(folder)))} {rows} -o ANSWERS.csv{own}", style="dim"),
        soft_wrap=True,
    )
