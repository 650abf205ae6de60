"""Show a study's best trials, or its Pareto front: configurations and metrics."""

from typing import Annotated

import typer
from rich.text import Text

from tuner.analysis import queries
from tuner.cli._options import Json, Name, Storage
from tuner.cli._rendering import answers, messages, print_json, trial_table
from tuner.cli._run_summary import best_panel
from tuner.domain.trial import TrialState
from tuner.formatting.values import amount
from tuner.running.outcome import no_usable_trial
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
    summary = queries.summarise(study, trials, repetitions, outline.tally, outline.expected_gain)
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
        answers().print(trial_table(best, study.goal, summary.confirmation, unit=summary.unit))
        messages().print(Text(_compared(summary, len(best)), style="dim"), soft_wrap=True)


def _compared(summary: queries.Summary, shown: int) -> str:
    """Return which trials the best ones are the best of."""
    complete = summary.counts[TrialState.COMPLETE]
    total = sum(summary.counts.values())
    constrained = " that meet the constraints" if summary.study.constraints else ""
    rest = total - complete
    others = "" if not rest else f"; not compared: {amount(rest, 'trial')} stopped early, failed or unfinished"
    return f"the best {shown} of {amount(complete, 'complete trial')}{constrained}{others}"
