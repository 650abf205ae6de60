"""Answer the rows of a file with an exported model."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from tuner.cli._rendering import messages, safe
from tuner.domain.errors import ConfigurationError
from tuner.models.load import load
from tuner.models.prediction_io import answers, plain, read_rows, write_answers

__all__ = ["command"]


def command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An exported model.", show_default=False)],
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="The rows: .csv, .parquet, .npz, .npy, a folder of images or of a graph.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where to. [default: stdout]")
    ] = None,
    probabilities: Annotated[bool, typer.Option("--proba/--no-proba", help="A column per class too.")] = True,
    objective: Annotated[
        str | None, typer.Option(metavar="MODULE:CLASS", help="The class of a model of your own.")
    ] = None,
) -> None:
    if output is not None and output.expanduser().resolve() == file.expanduser().resolve():
        raise ConfigurationError(f"the answers would take the place of the rows in {file}", hint="name another file")
    loaded = load(folder, objective)
    model = loaded.model
    rows = read_rows(file, loaded)
    found = answers(model, rows, probabilities=probabilities)
    for note in (*loaded.notes, *model.doubts(rows.inputs)):
        messages().print(Text(f"note: {safe(note)}", style="yellow"))
    if output is None:
        text = plain(found).to_csv(index=False)
        sys.stdout.write(safe(text) if sys.stdout.isatty() else text)
        return
    write_answers(found, output.expanduser())
    messages().print(Text(f"{len(found)} answers are in {safe(output)}", style="green"))
