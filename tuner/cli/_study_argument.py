"""The study argument of a command: a shipped name, a study file, data without a study, or a program's command."""

from typing import Annotated

import typer

from tuner.cli._completion import startable
from tuner.cli._options import Given
from tuner.domain.errors import ConfigurationError
from tuner.running.spec_source import CommandStudy, DataFile, RequestedStudy

StudyArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[STUDY]",
        help="A shipped study's name, or the path of a .toml file.",
        show_default=False,
        autocompletion=startable,
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="Tune on this data, with no study file: a CSV, Parquet or .npz file, or a folder of images.",
        show_default=False,
    ),
]
Target = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="The column of --data that is to be predicted.", show_default=False),
]


CommandLine = Annotated[
    str | None,
    typer.Option(
        "--command",
        metavar="WORDS",
        help='Tune a program, with no study file: "python train.py --lr {lr}". Takes --space and --metric too.',
        show_default=False,
    ),
]
Space = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|NAME",
        help="The search space: a .toml file, a shipped name, or package.module:name.",
        show_default=False,
    ),
]
Metric = Annotated[str | None, typer.Option(metavar="NAME", help="What is measured.", show_default=False)]
Direction = Annotated[
    str | None,
    typer.Option(metavar="maximize|minimize", help="Which way the metric is better.", show_default=False),
]


def name_data(given: Given, data: str | None) -> None:
    """Let mistakes in data that is given without a study file name its options."""
    if data is not None:
        given.name("settings.dataset", "--data")
        given.name("settings.target", "--target")


def asked(study: str | None, data: str | None, target: str | None, command: str | None = None) -> RequestedStudy:
    """Return what the words ask for; raises `ConfigurationError` where that is nothing, or two things."""
    if command is not None:
        if study is not None or data is not None or target is not None:
            raise ConfigurationError("--command asks for a study of its own: leave out STUDY, --data and --target")
        return CommandStudy(command)
    if study is None and data is None:
        raise ConfigurationError(
            "which study?",
            hint="give a shipped name such as digits, the path of a .toml file, --data FILE --target COLUMN, or "
            "--command WORDS --space FILE --metric NAME",
        )
    if study is None and data is not None:
        return DataFile(path=data, target=target)
    if study is not None and data is None and target is None:
        return study
    raise ConfigurationError(
        "--data and --target ask for a study without a study file",
        hint="with one, say --set settings.dataset=FILE and --set settings.target=COLUMN",
    )
