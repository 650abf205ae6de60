"""Arguments and options that several commands share."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from tuner.cli._completion import stored
from tuner.domain.errors import ConfigurationError
from tuner.study_file import key_paths, parse_override

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The study's name.", show_default=False, autocompletion=stored)
]
Storage = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Where studies are kept: a database URL or an SQLite file. [default: $TUNER_STORAGE or .tuner/studies.db]",
        show_default=False,
    ),
]
Trust = Annotated[
    bool, typer.Option("--trust", help="Run the study's own code, wherever it lies: you know who wrote the study.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Trials = Annotated[int | None, typer.Option(metavar="N", help="Trials in all, finished ones included.")]
Time = Annotated[str | None, typer.Option(metavar="DURATION", help="Stop after this long, such as 90s, 10m or 1h30m.")]
Parallel = Annotated[str | None, typer.Option(metavar="N|auto", help="Cohorts at a time.")]
Cohort = Annotated[str | None, typer.Option(metavar="N|auto", help="Trials to a cohort, at most.")]
Confirming = Annotated[
    bool | None,
    typer.Option("--confirm/--no-confirm", help="Whether the best are trained again at the end, with fresh seeds."),
]
ExecutorName = Annotated[str | None, typer.Option("--executor", metavar="ray|inline", help="Where trials run.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any key of the study file, such as settings.dataset=wine."),
]
Logged = Annotated[
    list[str] | None,
    typer.Option(
        "--log", metavar="TRACKER[=WHERE]", help="Log every trial, a run each, to tensorboard, mlflow or wandb too."
    ),
]

_DIGITS = 10
"""No machine runs so many trials at a time that their number has more."""


def collected(assignments: Sequence[str] | None, **options: Any) -> dict[str, Any]:
    """Return the overrides that options and `--set` make together, by key path."""
    given = {word: value for word, value in options.items() if value is not None}
    for word in ("parallel", "cohort"):
        if given.get(word, "auto") != "auto":
            given[word] = _whole(word, given[word])
    return key_paths(given) | dict(parse_override(text) for text in assignments or ())


def _whole(word: str, value: str) -> int:
    if value.isdecimal() and len(value) < _DIGITS:
        return int(value)
    raise ConfigurationError(f"--{word} {value!r} is neither a whole number nor auto")
