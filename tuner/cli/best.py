"""Show a study's best trials: configuration and metrics."""

from typing import Annotated

import typer

from tuner import queries
from tuner.api import no_usable_trial
from tuner.cli._options import Json, Name, Storage
from tuner.cli._output import answers, print_json, trial_table
from tuner.cli._report import best_panel
from tuner.storage.store import open_store

__all__ = ["command"]


def command(
    name: Name,
    top: Annotated[int, typer.Option(metavar="N", min=1, help="How many trials to show.")] = 1,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    store = open_store(storage)
    study, trials = store.read(name)
    repetitions = store.repetitions(name)
    best = queries.top(study, trials, top, repetitions)
    summary = queries.summarise(study, trials, repetitions)
    if not best:
        raise no_usable_trial(name, trials)
    if as_json:
        print_json(
            {
                "study": study.name,
                "direction": study.direction.value,
                "metric": study.metric,
                "trials": [queries.as_json(trial, summary.confirmation) for trial in best],
            }
        )
    elif top == 1:
        answers().print(best_panel(summary))
    else:
        answers().print(trial_table(best, study.metric, summary.confirmation))
