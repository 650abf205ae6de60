"""Write a study's report: one HTML page that needs no network, Markdown, or pictures."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from tuner.cli._options import Name, Storage
from tuner.formatting.terminal import answers
from tuner.formatting.values import safe
from tuner.storage.store import open_store
from tuner.study_report.write import ReportFormat, write_report

__all__ = ["command"]


def command(
    name: Name,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to write it. [default: NAME.html in the working directory]",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        ReportFormat | None,
        typer.Option(
            "--format",
            help="A page, Markdown with pictures, or pictures only. [default: by FILE's ending, or html]",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace FILE even if it is not a report.")] = False,
    storage: Storage = None,
) -> None:
    written = write_report(open_store(storage), name, output=output, form=form, replace=force)
    pictures = f", {len(written.pictures)} pictures" if written.pictures else ""
    answers().print(Text(f"{safe(written.path)}  {written.size / 1e6:.1f} MB{pictures}"))
