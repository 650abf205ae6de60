"""What people and programs read: tables, configurations, JSON and errors."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from tuner.analysis.confirmation import Confirmation
from tuner.domain import ranking
from tuner.domain.errors import ConfigurationError, TunerError
from tuner.domain.fidelity import EPOCHS, FidelityUnit
from tuner.domain.goal import Goal
from tuner.domain.study_folders import StudyFolders
from tuner.domain.trial import Failure, TrialRecord, TrialState
from tuner.formatting.redaction import redacted
from tuner.formatting.terminal import answers, grid, messages
from tuner.formatting.values import config_lines, duration, number, safe, short_config

# The words and tables of the floors below are what commands write with too.
__all__ = [
    "STYLES",
    "answers",
    "config_lines",
    "duration",
    "grid",
    "messages",
    "number",
    "print_json",
    "safe",
    "schedule_table",
    "short_config",
    "show",
    "show_error",
    "state_text",
    "trial_table",
]

_CONFIRMED = "confirmed"

STYLES = {
    TrialState.COMPLETE: "green",
    TrialState.PRUNED: "yellow",
    TrialState.FAIL: "red",
    TrialState.RUNNING: "cyan",
    TrialState.WAITING: "dim",
}


def print_json(value: Any) -> None:
    """Print `value` as JSON."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def show(group: Group) -> None:
    """Print lines and tables; a line of text is never broken, since commands are copied from it."""
    console = answers()
    for each in group.renderables:
        console.print(each, soft_wrap=isinstance(each, Text) or None)


def show_error(error: TunerError) -> None:
    """Print what went wrong and what to do next; a hint is never broken, since commands are copied from it."""
    console = messages()
    problems = error.problems if isinstance(error, ConfigurationError) else (error.message,)
    if len(problems) == 1:
        console.print(Text.assemble(("error: ", "bold red"), safe(redacted(problems[0]))))
    else:
        console.print(Text(f"error: {len(problems)} mistakes", style="bold red"))
        for problem in problems:
            console.print(Text(f"  - {safe(redacted(problem))}"))
    for line in error.hint.splitlines():
        console.print(Text(f"  {safe(redacted(line))}", style="dim"), soft_wrap=True)


def state_text(state: TrialState) -> Text:
    """Return a state's name in its colour."""
    return Text(state.value, style=STYLES[state])


def schedule_table(trial: TrialRecord, unit: FidelityUnit = EPOCHS) -> Table:
    """Return the configurations a trial had, one after the other, and where each came from."""
    begins = f"from {unit.heading}"
    table = grid(begins, "of trial", "configuration", right=(begins, "of trial"))
    for stage in trial.schedule:
        source = "-" if stage.source is None else str(stage.source)
        table.add_row(unit.number(stage.epoch + 1), source, Text(safe(short_config(stage.config))))
    return table


def _sources(trial: TrialRecord) -> str:
    return ", ".join(f"{stage.source} at {stage.epoch}" for stage in trial.schedule if stage.source is not None) or "-"


def _violated(trial: TrialRecord, goal: Goal) -> str:
    return ", ".join(map(str, goal.violated(trial.metrics))) or "-"


def _mean_of(trial: TrialRecord, confirmation: Confirmation) -> str:
    candidate = confirmation.candidate(trial.number)
    return str(candidate.estimate) if candidate is not None else "-"


def _failure(failure: Failure, number: int, folders: StudyFolders | None) -> str:
    """Return why a trial failed, and where what it printed is."""
    logs = () if folders is None else folders.logs_with(number)
    if not logs:
        return failure.message
    here = Path.cwd()
    shown = [path.relative_to(here) if path.is_relative_to(here) else path for path in logs]
    return f"{failure.message}; log: {', '.join(map(str, shown))}"


def trial_table(
    trials: Sequence[TrialRecord],
    goal: Goal,
    confirmation: Confirmation | None = None,
    folders: StudyFolders | None = None,
    unit: FidelityUnit = EPOCHS,
) -> Table:
    """Return the trials as a table, one row each, with what was confirmed of them and the constraints they break.

    What failed says why; with the study's `folders` also where what it has printed is.
    """
    headers = ["trial", "state", *goal.metrics, unit.heading, "time", "configuration"]
    exploited = any(trial.schedule for trial in trials)
    if exploited:
        headers.insert(-1, "continued from")
    violating = any(goal.violated(trial.metrics) for trial in trials)
    if violating:
        headers.insert(-1, "breaks")
    if confirmation is not None:
        headers.insert(2, _CONFIRMED)
    any_failed = any(trial.failure for trial in trials)
    if any_failed:
        headers.append("failed with")
    table = grid(*headers, right=("trial", _CONFIRMED, *goal.metrics, unit.heading, "time"))
    for trial in trials:
        why = _failure(trial.failure, trial.number, folders) if trial.failure else ""
        table.add_row(
            str(trial.number),
            state_text(trial.state),
            *([_mean_of(trial, confirmation)] if confirmation is not None else []),
            *map(number, ranking.values(trial, goal)),
            unit.number(trial.epoch) if trial.epoch else "-",
            duration(trial.seconds),
            *([_sources(trial)] if exploited else []),
            *([Text(safe(_violated(trial, goal)), style="yellow")] if violating else []),
            short_config(trial.config),
            *([Text(safe(why), style="red")] if any_failed else []),
        )
    return table
