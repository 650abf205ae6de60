"""Arguments and options that several commands share."""

from collections.abc import Sequence
from typing import Annotated, Any, final

import typer

from tuner.cli._completion import stored
from tuner.domain.errors import ConfigurationError, Mistakes
from tuner.spec.overrides import KEY_PATHS, key_paths, parse_override
from tuner.tracking.dispatch import Logs

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
Fidelity = Annotated[
    int | None, typer.Option(metavar="N", help="How far to train each trial at most, in this unit.", show_default=False)
]
Amount = Annotated[int | None, typer.Option(metavar="N", help="How far to train each trial, in the study's own unit.")]
Further = Annotated[int | None, typer.Option(metavar="N", help="How far to train each trial, beyond the old budget.")]
Time = Annotated[str | None, typer.Option(metavar="DURATION", help="Stop after this long, such as 90s, 10m or 1h30m.")]
Parallel = Annotated[str | None, typer.Option(metavar="N|auto", help="Cohorts at a time.")]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help="A Ray cluster to join: auto, HOST:PORT or ray://HOST:PORT. [default: $RAY_ADDRESS]"
    ),
]
Cohort = Annotated[str | None, typer.Option(metavar="N|auto", help="Trials to a cohort, at most.")]
Confirming = Annotated[
    bool | None,
    typer.Option("--confirm/--no-confirm", help="Whether the best are trained again at the end, with fresh seeds."),
]
ExecutorName = Annotated[
    str | None, typer.Option("--executor", metavar="NAME", help="Where trials run: ray, inline, or your own.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any key of the study file, such as settings.dataset=wine."),
]
Logged = Annotated[
    list[str] | None,
    typer.Option(
        "--log",
        metavar="TRACKER[=WHERE]",
        help="Log every trial, a run each, to tensorboard, mlflow, wandb or your own too.",
    ),
]

_DIGITS = 10
"""No machine runs so many trials at a time that their number has more."""


@final
class Given:
    """What options and `--set` say together: overrides by key path, and how a person has said each.

    A context, in which mistakes name the options instead of the keys of the study file.
    """

    def __init__(self, assignments: Sequence[str] | None, **options: Any) -> None:
        self.mistakes = Mistakes()
        given = {word: value for word, value in options.items() if value is not None}
        for word in ("parallel", "cohort"):
            if given.get(word, "").isdecimal() and len(given[word]) < _DIGITS:
                given[word] = int(given[word])
        self.overrides = key_paths(given)
        self._words = {KEY_PATHS[word]: f"--{word}" for word in given}
        for text in assignments or ():
            self._assign(text)

    def _assign(self, text: str) -> None:
        if (assigned := self.mistakes.collect(lambda: parse_override(text))) is not None:
            path, value = assigned
            self.name(path, f"--set {path}", value)

    def name(self, path: str, option: str, value: object = None) -> None:
        """Say that `option` stands for a key of the study file, and is `value` where it was given."""
        self._words[path] = option
        if value is not None:
            self.overrides[path] = value

    def logs(self, wanted: Sequence[str] | None) -> Logs:
        """Return what the run is logged to; what is wrong with it is reported with the other mistakes."""
        return self.mistakes.collect(lambda: Logs(wanted or ())) or Logs()

    def __enter__(self) -> "Given":
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ConfigurationError):
            error.say_as(self._words)
