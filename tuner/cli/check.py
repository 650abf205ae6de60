"""Try a study's default configuration for one epoch, before anything expensive starts."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.text import Text

from tuner.cli._options import Given, Json, Settings
from tuner.cli._rendering import duration, grid, number, print_json, safe, show
from tuner.cli._size_text import size_lines
from tuner.cli._study_argument import (
    CommandLine,
    Data,
    Direction,
    Metric,
    Space,
    StudyArgument,
    Target,
    asked,
    name_data,
)
from tuner.display.live import at_a_time, data_lines
from tuner.domain.fidelity import EPOCHS
from tuner.formatting.values import amount
from tuner.running.components import RunComponents
from tuner.running.dry_run import Preview, check

__all__ = ["command"]

_STARTING_UP = 5.0
"""Seconds an epoch has to take before the first one says how long the others will."""


def command(
    study: StudyArgument = None,
    data: Data = None,
    target: Target = None,
    command_line: CommandLine = None,
    space: Space = None,
    metric: Metric = None,
    direction: Direction = None,
    assignments: Settings = None,
    as_json: Json = False,
) -> None:
    given = Given(assignments, space=space, metric=metric, direction=direction)
    name_data(given, data)
    with given:
        preview = check(asked(study, data, target, command_line), given.overrides, given.mistakes)
    options = {"--data": data, "--target": target, "--command": command_line, "--space": space, "--metric": metric}
    options["--direction"] = direction
    if as_json:
        print_json(_as_json(preview))
    else:
        show(_shown(preview, next_run=f"tuner run {_words(study, options, assignments)}"))


def _notes(preview: Preview) -> Iterator[str]:
    """Yield what is allowed, but probably not meant."""
    yield from preview.components.notes
    if preview.note:
        yield preview.note
    for constraint in preview.components.goal.broken_for_good(preview.metrics):
        yield f"the default configuration breaks {constraint}"


def _as_json(preview: Preview) -> dict[str, Any]:
    components = preview.components
    is_in_epochs = components.spec.budget.fidelity.unit == EPOCHS
    return {
        "study": components.spec.name,
        "parameters": len(components.space),
        "fingerprint": components.space.fingerprint,
        "default": components.space.default,
        "metrics": dict(preview.metrics),
        "seconds_per_epoch" if is_in_epochs else "seconds": preview.seconds,
        **({} if is_in_epochs else {"step": preview.step}),
        **({} if preview.sizes is None else {"sizes": preview.sizes.describe()}),
        "data": None if components.data is None else components.data.describe(),
        "notes": [*_notes(preview)],
    }


def _shown(preview: Preview, next_run: str) -> Group:
    components = preview.components
    unit = components.spec.budget.fidelity.unit
    is_in_epochs = unit == EPOCHS
    after = "after one epoch" if is_in_epochs else f"after {unit.at(preview.step)}"
    took = "an epoch, the first one's start" if is_in_epochs else f"to {unit.at(preview.step)}, its start"
    metrics = grid("metric", after, right=(after,))
    for name, value in preview.metrics.items():
        metrics.add_row(safe(name), number(value))
    return Group(
        *data_lines(components),
        Text(f"search space: {amount(len(components.space), 'parameter')}", style="dim"),
        Text(safe(components.space)),
        Text(""),
        metrics,
        Text(""),
        *size_lines(preview.sizes),
        Text(f"the default configuration takes {duration(preview.seconds)} {took} included"),
        *time_estimate(components, preview.seconds, preview.step),
        Text(safe(at_a_time(components))),
        *(Text(f"note: {safe(note)}", style="yellow") for note in _notes(preview)),
        Text(f"all is well; next: {safe(next_run)}", style="green"),
    )


def _words(study: str | None, options: Mapping[str, str | None], assignments: Sequence[str] | None) -> str:
    """Return what was asked for, as it was typed."""
    pairs = [*options.items(), *(("--set", each) for each in assignments or ())]
    given = [word for option, value in pairs if value is not None for word in (option, value)]
    return shlex.join([*([study] if study is not None else []), *given])


def time_estimate(components: RunComponents, seconds: float, step: int = 1) -> Iterator[Text]:
    """Say how long the study might take, where an epoch is long; on a busy machine its start may be much of it."""
    if seconds < _STARTING_UP:
        return
    budget = components.spec.budget
    most = seconds / max(1, step) * budget.trials * budget.fidelity.most / components.parallel
    yield Text(
        f"{amount(budget.trials, 'trial')} without early stopping would take about {duration(most)}, or less where "
        "starting was much of it",
        style="dim",
    )
