"""Show studies side by side: what each found, how sure the difference is, and what was asked differently."""

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from tuner.analysis import queries
from tuner.analysis.comparison import Comparison, StudyDifference, Texts, compare
from tuner.analysis.queries import Summary
from tuner.cli._options import Json, Storage
from tuner.cli._rendering import answers, duration, grid, number, print_json, safe
from tuner.cli._run_summary import summary_json
from tuner.domain.errors import ConfigurationError
from tuner.formatting.values import signed
from tuner.storage.location import Location, locate
from tuner.storage.store import open_store

__all__ = ["command"]


def command(
    names: Annotated[list[str], typer.Argument(metavar="NAME NAME...", help="The studies' names.", show_default=False)],
    storage: Storage = None,
    as_json: Json = False,
) -> None:
    wanted = tuple(dict.fromkeys(names))
    if len(wanted) == 1:
        listing = locate(storage).command("list")
        raise ConfigurationError("a comparison takes at least two studies", hint=f"{listing} shows those there are")
    store = open_store(storage)
    summaries, seconds = [], []
    for name in wanted:
        study, trials = store.view(name)
        repetitions = store.repetitions(name)
        summaries.append(queries.summarise(study, trials, repetitions))
        seconds.append(queries.busy_seconds([*trials, *repetitions]))
    comparison = compare(summaries)
    if as_json:
        print_json(_json(comparison, seconds))
    else:
        answers().print(Group(*_shown(store.location, comparison, seconds)))


def _json(comparison: Comparison, seconds: Sequence[float]) -> dict[str, Any]:
    names = [summary.study.name for summary in comparison.summaries]
    return {
        "studies": [
            {**summary_json(summary), "seconds": spent}
            for summary, spent in zip(comparison.summaries, seconds, strict=True)
        ],
        "asked": {path: dict(zip(names, texts, strict=True)) for path, texts in comparison.asked.items()},
        "parameters": {path: dict(zip(names, texts, strict=True)) for path, texts in comparison.parameters.items()},
        "doubts": list(comparison.doubts),
        "verdicts": [
            {
                "study": verdict.study,
                "than": verdict.than,
                "better_by": verdict.difference.describe() if verdict.difference else None,
                "is_confirmed": verdict.is_confirmed,
                "is_sure": verdict.is_sure,
                "is_paired": verdict.is_paired,
                "detectable": verdict.detectable,
            }
            for verdict in comparison.verdicts
        ],
    }


def _shown(location: Location, comparison: Comparison, seconds: Sequence[float]) -> Iterator[RenderableType]:
    names = [summary.study.name for summary in comparison.summaries]
    facts = grid("", *names)
    for label, cells in _facts(comparison.summaries, seconds):
        facts.add_row(label, *cells)
    yield facts
    yield Text("")
    for title, texts in (("asked differently", comparison.asked), ("parameters", comparison.parameters)):
        if texts:
            yield _differences(title, names, texts)
            yield Text("")
    yield from (Text(f"note: {safe(doubt)}", style="yellow") for doubt in comparison.doubts)
    yield from (
        Text(safe(_in_words(location, verdict)), style="bold" if verdict.is_sure else "")
        for verdict in comparison.verdicts
    )


def _facts(summaries: Sequence[Summary], seconds: Sequence[float]) -> Iterator[tuple[str, list[str]]]:
    metric = summaries[0].study.metric
    yield "trials", [f"{each.finished} of {each.target}" if each.target else str(each.finished) for each in summaries]
    yield f"best {metric}", [_best(each) for each in summaries]
    yield f"default {metric}", [_default(each) for each in summaries]
    yield "gain", [_gain(each) for each in summaries]
    tests = [_tests(each) for each in summaries]
    for name in dict.fromkeys(name for each in tests for name in each):
        yield f"test {name}", [each.get(name, "-") for each in tests]
    units = dict.fromkeys(each.unit for each in summaries)
    for unit in units:
        yield f"{unit.value} trained", [unit.number(each.epochs) if each.unit == unit else "-" for each in summaries]
    yield "time", [duration(each) for each in seconds]


def _best(summary: Summary) -> str:
    if summary.confirmation is not None:
        return str(summary.confirmation.winner.estimate)
    return number(summary.best.value if summary.best else None)


def _default(summary: Summary) -> str:
    if summary.confirmation is not None and summary.confirmation.default is not None:
        return str(summary.confirmation.default.estimate)
    return number(summary.default.value if summary.default else None)


def _gain(summary: Summary) -> str:
    if summary.confirmation is None:
        return "-" if summary.gain is None else signed(summary.gain)
    gain = summary.confirmation.gain
    if gain is None:
        return "-"
    return f"{signed(gain.mean)} ± {number(gain.margin)}" if gain.is_known else signed(gain.mean)


def _tests(summary: Summary) -> dict[str, str]:
    if summary.confirmation is not None:
        return {name: str(each) for name, each in summary.confirmation.test.items()}
    return {name: number(value) for name, value in (summary.test_metrics or {}).items()}


def _differences(title: str, names: Sequence[str], texts: Texts) -> RenderableType:
    table = grid(title, *names)
    for path, cells in texts.items():
        table.add_row(path, *(cell or "-" for cell in cells))
    return table


def _in_words(location: Location, verdict: StudyDifference) -> str:
    difference, one, other = verdict.difference, verdict.study, verdict.than
    if difference is None:
        return f"{one} and {other}: one of them has no completed trial"
    how = f"{one} is {'better' if difference.mean >= 0 else 'worse'} than {other} by {number(abs(difference.mean))}"
    if not verdict.is_confirmed:
        if difference.mean == 0:
            how = f"{one} is as good as {other}"
        steps = " and ".join(location.command("confirm", name) for name in verdict.unconfirmed)
        return f"{how} in what the searches had shown, one lucky value each; {steps} would say how sure that is"
    if not math.isfinite(difference.margin):
        return f"{how}, and too few trainings say how sure that is"
    low, high = (difference.low, difference.high) if difference.mean >= 0 else (-difference.high, -difference.low)
    interval = f"{number(low)} to {number(high)} at 95 %, {difference.claim}"
    if verdict.is_sure:
        return f"{how} ({interval})"
    power = f"; they find one of {number(verdict.detectable)} in 4 of 5 cases" if verdict.detectable else ""
    return f"no difference that these trainings could show: {how} ({interval}){power}"
