"""Explain a trial: why its configuration, how it was judged, what ended it."""

from collections.abc import Iterator
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from tuner.analysis.explanation import Explanation, explain, outcome, shown
from tuner.cli._options import Json, Name, Storage
from tuner.cli._rendering import grid, number, print_json, safe, show, state_text
from tuner.domain.decision import Comparison, Yardstick
from tuner.domain.errors import UnknownNameError
from tuner.formatting.values import amount, short_config
from tuner.storage.store import open_store

__all__ = ["command"]


def command(
    name: Name,
    trial: Annotated[int, typer.Argument(metavar="TRIAL", min=0, help="The trial's number.", show_default=False)],
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    store = open_store(storage)
    study, trials = store.view(name)
    if trial >= len(trials):
        raise UnknownNameError(f"study {name!r} has no trial {trial}", hint=f"it has {amount(len(trials), 'trial')}")
    explanation = explain(study, trials[trial], store.history(name, trial))
    if as_json:
        print_json({"study": study.name, "metric": study.metric, **explanation.describe()})
        return
    show(Group(*_shown(explanation)))


def _shown(explanation: Explanation) -> Iterator[RenderableType]:
    trial, unit = explanation.trial, explanation.unit
    reached = f"{explanation.study.metric} {number(trial.value)} at {unit.at(trial.epoch)}" if trial.epoch else ""
    yield Text.assemble((f"trial {trial.number}  ", "bold"), state_text(trial.state), f"  {safe(reached)}")
    yield Text(safe(short_config(trial.config)), style="dim")
    yield Text("")
    yield Text("configuration", style="bold")
    yield from (Text(f"  {safe(line)}") for line in explanation.why_configuration)
    compared = [each for decision in explanation.decisions.values() for each in decision]
    if compared:
        yield Text("")
        yield _table(explanation, compared)
    yield Text("")
    yield Text.assemble(("end  ", "bold"), safe(explanation.why_ended))
    yield from (Text(safe(line), style="dim") for line in explanation.unknown)


def _table(explanation: Explanation, compared: list[Comparison]) -> RenderableType:
    unit = explanation.unit
    table = grid(unit.heading, "value", "needed", "compared with", "decision", right=(unit.heading, "value", "needed"))
    for each in compared:
        values = (shown(each, each.value), shown(each, each.needed))
        row = (unit.number(each.rung), *values, _yardstick(each, unit.heading))
        table.add_row(*row, outcome(explanation.trial, each))
    return table


def _yardstick(comparison: Comparison, heading: str) -> str:
    if comparison.yardstick is Yardstick.BEST:
        return f"the best {comparison.places} of {comparison.compared}"
    if comparison.yardstick is Yardstick.FRONT:
        return f"the places of {comparison.compared}, by all metrics"
    if comparison.yardstick is Yardstick.CONSTRAINTS:
        return f"how far {comparison.compared} are beyond the constraints"
    if comparison.yardstick is Yardstick.MEDIAN:
        return f"the median of {amount(comparison.compared, 'other trial')}"
    return f"its own best before, {heading} {comparison.rung - comparison.compared}"
