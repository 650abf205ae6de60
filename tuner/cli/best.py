"""Show a study's best trials, or its Pareto front: configurations and metrics."""

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
    top: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="How many trials to show. [default: the best one, or the front]"),
    ] = None,
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    store = open_store(storage)
    outline = store.outline(name, top or 1)
    study, trials, repetitions = outline.study, outline.trials, outline.repetitions
    best = queries.front(study, trials, repetitions) if top is None else queries.top(study, trials, top, repetitions)
    summary = queries.summarise(study, trials, repetitions, outline.tally)
    if not best:
        raise no_usable_trial(store.location, *store.read(name))
    if as_json:
        print_json(
            {
                "study": study.name,
                "direction": study.direction.value,
                "metric": study.metric,
                "directions": [direction.value for direction in study.directions],
                "metrics": list(study.metrics),
                "constraints": [str(constraint) for constraint in study.constraints],
                "trials": [queries.as_json(study, trial, summary.confirmation) for trial in best],
            }
        )
    elif len(best) == 1 or top is None:
        answers().print(best_panel(summary))
    else:
        answers().print(trial_table(best, study.goal, summary.confirmation))
