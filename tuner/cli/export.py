"""Write a study's model into a folder of its own: weights, preprocessing, labels, metrics and a model card."""

import shlex
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from tuner.cli._options import Json, Name, Storage, Trust
from tuner.cli._rendering import answers, print_json, safe
from tuner.domain.object_reference import reference_to
from tuner.formatting.values import amount
from tuner.models.export import SINGLE, export
from tuner.models.from_study import StudyModel, model_of
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
    if as_json:
        print_json(_json(found, written))
        return
    for line in _lines(found, written):
        answers().print(Text(line))
    objective = reference_to(found.spec.objective)
    own = f" --objective {safe(shlex.quote(objective))}" if ":" in objective else ""
    rows = found.model.example_file
    answers().print(
        Text(f"next: tuner predict {safe(shlex.quote(str(folder)))} {rows} -o ANSWERS.csv{own}", style="dim"),
        soft_wrap=True,
    )


def _lines(found: StudyModel, written: Path) -> Iterator[str]:
    """Yield what was written, and where."""
    chosen = found.chosen
    number, repeated = chosen.trial.number, chosen.training is not chosen.trial
    which = f"the best of trial {number}'s repetitions" if repeated else f"trial {number}"
    described = f"is in {safe(written)}; README.md there describes it"
    if found.ensemble is not None:
        yield f"the average of {amount(len(_members(found)), 'training')} {described}"
        described = f"is in {safe(written / SINGLE)}"
    yield f"{which}, at epoch {chosen.training.epoch}, {described}"


def _json(found: StudyModel, written: Path) -> dict[str, object]:
    chosen = found.chosen
    return {
        "study": found.summary.study.name,
        "trial": chosen.trial.number,
        "epoch": chosen.training.epoch,
        "confirmed": chosen.training is not chosen.trial,
        "folder": str(written),
        **({"ensemble": _members(found)} if found.ensemble is not None else {}),
    }


def _members(found: StudyModel) -> list[dict[str, object]]:
    """Return what an ensemble is made of."""
    return [] if found.answer is None else [asdict(each) for each in found.answer.used.members]
