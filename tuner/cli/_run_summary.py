"""The end of a run: what was found, what it is worth, and the next command to type."""

from collections.abc import Iterator, Mapping
from functools import partial
from importlib import import_module
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tuner.analysis import queries
from tuner.analysis.confirmation import Confirmation
from tuner.cli._confirmation_text import looks, warnings, worth
from tuner.cli._model_text import model_lines
from tuner.cli._rendering import (
    config_lines,
    grid,
    messages,
    number,
    print_json,
    safe,
    schedule_table,
    short_config,
    show,
)
from tuner.domain import ranking
from tuner.domain.run_controller import StopCause
from tuner.domain.study import StudySpec
from tuner.domain.study_queue import waits
from tuner.domain.trial import TrialRecord, TrialState
from tuner.formatting.values import amount, signed
from tuner.running.outcome import early_end, failed_run, how_to_resume
from tuner.storage.location import locate
from tuner.storage.store import Store, open_store

_STOPPED: Mapping[StopCause | None, str] = {
    StopCause.TIME: "the time is up",
    StopCause.REQUEST: "stopped by tuner stop",
}
"""What is said of a run that has ended before its target without an error."""

FINAL_ANSWER = "tuner.models.final_answer"
"""What settles a study's model; by name, since commands that only ask do not pay for what it imports."""


def conclude(name: str, storage: str | None, cause: StopCause | None, *, as_json: bool) -> None:
    """Print how study `name` ended; raises `NoUsableTrialError` where no trial completed, or too many failed."""
    store = open_store(storage)
    try:
        if cause is None or cause.is_early_end:
            _settle(store, name, storage)
        study, trials = store.view(name)
        summary = queries.summarise(study, trials, store.repetitions(name))
    finally:
        store.close()
    if as_json:
        print_json(summary_json(summary))
    else:
        show(_summary(summary, trials, storage, cause))
    if (error := failed_run(store.location, summary, study, trials, cause)) is not None:
        raise error


def _settle(store: Store, name: str, storage: str | None) -> None:
    """Store what the study hands out, which may train for minutes; where a signal ends that, say how it continues."""
    try:
        import_module(FINAL_ANSWER).settle_answer(store, name, announce=partial(announce, name))
    except KeyboardInterrupt:
        messages().print(Text(safe(stopped(next_command(name, storage, "resume"))), style="yellow"), soft_wrap=True)
        raise


def announce(name: str, text: str) -> None:
    """Print what a study does that takes a while."""
    messages().print(Text(safe(f"study {name}: {text}")), soft_wrap=True)


def stopped(again: str) -> str:
    """Return what is said of a run that a signal has ended; `again` is the command that continues it."""
    return f"stopped, everything that was recorded is saved; continue with: {again}"


def summary_json(summary: queries.Summary) -> dict[str, Any]:
    """Return a study's summary as the command line prints it with --json."""
    return {
        "study": summary.study.name,
        "metric": summary.study.metric,
        "direction": summary.study.direction.value,
        "metrics": list(summary.study.metrics),
        "directions": [direction.value for direction in summary.study.directions],
        "constraints": [str(constraint) for constraint in summary.study.constraints],
        "target": summary.target,
        "finished": summary.finished,
        "states": {state.value: count for state, count in summary.counts.items()},
        "best": queries.as_json(summary.study, summary.best, summary.confirmation) if summary.best else None,
        "front": [trial.number for trial in summary.front],
        "default_value": summary.default.value if summary.default else None,
        "gain": summary.gain,
        "expected_gain": summary.expected_gain.describe() if summary.expected_gain else None,
        "test_metrics": dict(summary.test_metrics) if summary.test_metrics else None,
        "tested": list(summary.tested),
        "confirmation": summary.confirmation.describe() if summary.confirmation else None,
        "model": summary.answer.describe() if summary.answer else None,
        summary.unit.value: summary.epochs,
        "violating": summary.violating,
        "batching": summary.batching.describe() if summary.batching.epochs else None,
    }


def counts_text(summary: queries.Summary, *, is_run: bool = False) -> str:
    """Return how many trials are in which state, in words; what waits was interrupted, unless a process runs it."""
    words = {
        TrialState.COMPLETE: "complete",
        TrialState.PRUNED: "stopped early",
        TrialState.FAIL: "failed",
        TrialState.RUNNING: "running",
        TrialState.WAITING: "waiting" if is_run else "interrupted",
    }
    counts = [f"{summary.counts[state]} {word}" for state, word in words.items() if summary.counts[state]]
    breaking = f"; {summary.violating} of them break a constraint" if summary.violating else ""
    return f"{', '.join(counts)}{breaking}"


def standing(summary: queries.Summary, holder: str | None, storage: str | None) -> Group:
    """Return how far a study is, which process runs it (`holder`; None: none) and its best trial."""
    study = summary.study
    target = f" of {summary.target}" if summary.target else ""
    words = f"{summary.finished}{target} trials finished"
    head = Text.assemble((safe(study.name), "bold"), f"  {safe(study.goal)}  {words}")
    states = Text(counts_text(summary, is_run=holder is not None) or "nothing was run yet", style="dim")
    return Group(
        head,
        states,
        *_together(summary),
        *_expected(summary),
        *_activity(summary, holder, storage),
        Text(""),
        best_panel(summary),
    )


def best_panel(summary: queries.Summary) -> RenderableType:
    """Return the best trial: its value, configuration and metrics, side by side; below the front where there is one."""
    best = summary.best
    if best is None:
        missing = "no trial meets the constraints yet" if summary.nearest_miss else "no trial is complete yet"
        return Text(missing, style="dim")
    front = [*_front(summary)] if summary.study.goal.has_several else []
    title = _found(summary, best) if summary.confirmation is None else _confirmed(summary, summary.confirmation)
    sides = Table.grid(padding=(0, 6, 0, 0))
    sides.add_row(_pairs("configuration", [*config_lines(best.config)]), _metrics(summary))
    schedule: list[RenderableType] = [Text(""), schedule_table(best, summary.unit)] if best.schedule else []
    model = [Text(safe(line), style="dim") for line in model_lines(summary)]
    return Group(*front, title, *model, Text(""), sides, *schedule)


def _found(summary: queries.Summary, best: TrialRecord) -> Text:
    return Text.assemble(
        ("best ", "bold"),
        (f"{safe(summary.study.metric)} {number(best.value)}", "bold green"),
        f"  trial {best.number}" + (f", {summary.unit.at(best.epoch)}" if best.epoch else ""),
        (f"  {_gain(summary)}", "dim"),
    )


def _confirmed(summary: queries.Summary, confirmation: Confirmation) -> Text:
    winner = confirmation.winner
    lines = [
        Text.assemble(
            ("best ", "bold"),
            (f"{safe(summary.study.metric)} {winner.estimate}", "bold green"),
            f"  trial {winner.number}, the mean of {len(winner.estimate.values)} trainings with fresh seeds",
        ),
        *(Text(line, style="dim") for line in worth(confirmation)),
        *(Text(line, style="yellow") for line in warnings(summary, confirmation)),
    ]
    return Text("\n").join(lines)


def _front(summary: queries.Summary) -> Iterator[RenderableType]:
    """Yield the Pareto front, a row for each trial."""
    goal, count, unit = summary.study.goal, len(summary.front), summary.unit
    yield Text.assemble(("Pareto front ", "bold"), f"{count} of {summary.counts[TrialState.COMPLETE]} complete trials")
    yield Text("")
    table = grid("trial", *goal.metrics, unit.heading, "configuration", right=("trial", *goal.metrics, unit.heading))
    for trial in summary.front:
        values = map(number, ranking.values(trial, goal))
        table.add_row(
            str(trial.number), *values, unit.number(trial.epoch) if trial.epoch else "-", short_config(trial.config)
        )
    yield table
    yield Text("")


def _together(summary: queries.Summary) -> list[Text]:
    """Return how many trials train together, and why not more; nothing where the objective never batches."""
    return [Text(f"together: {safe(str(summary.batching))}", style="dim")] if summary.batching.epochs else []


def _expected(summary: queries.Summary) -> list[Text]:
    """Return by how much the trials that are left are expected to better the best value."""
    gain = summary.expected_gain
    return [] if gain is None else [Text(f"expected gain of {amount(gain.left, 'more trial')}: {gain}", style="dim")]


def _activity(summary: queries.Summary, holder: str | None, storage: str | None) -> list[Text]:
    if holder is not None:
        return [Text(f"runs now, in {safe(holder)}", style="cyan")]
    if summary.target is None or summary.is_complete:
        return []
    if waits(summary.study.notes):
        work = safe(locate(storage).command("work"))
        return [Text(f"it waits in the queue; a worker runs it: {work}", style="yellow")]
    again = safe(how_to_resume(locate(storage), summary.study))
    return [Text(f"no process runs it; continue with: {again}", style="yellow")]


def _summary(summary: queries.Summary, trials: Any, storage: str | None, cause: StopCause | None) -> Group:
    lines: list[RenderableType] = [Text(""), best_panel(summary), Text("")]
    lines.append(
        Text(
            f"{amount(summary.finished, 'trial')}: {counts_text(summary)}; "
            f"{summary.unit.amount(summary.epochs)} trained",
            style="dim",
        )
    )
    lines += [*_together(summary), *_expected(summary)]
    if cause in _STOPPED:
        again = next_command(summary.study.name, storage, "resume")
        lines.append(Text(f"{_STOPPED[cause]}; continue with: {again}", style="yellow"))
    if ended := early_end(cause, StudySpec.from_description(summary.study.spec).budget):
        lines.append(Text(f"the study has ended: {ended}", style="dim"))
    if cause is not StopCause.FAILURES:  # the error says it
        lines += [Text(f"{count} failed with: {safe(reason)}", style="red") for reason, count in _worst(trials)]
    if summary.confirmation is None:
        lines += [Text(line, style="yellow") for line in looks(summary)]
    if summary.test_failure:
        lines.append(Text(f"the test failed: {safe(summary.test_failure)}", style="red"))
    if summary.best is not None:
        lines += [Text(f"next: {step}", style="dim") for step in _next_steps(summary, storage)]
    return Group(*lines)


def _next_steps(summary: queries.Summary, storage: str | None) -> Iterator[str]:
    name = summary.study.name
    yield locate(storage).command("best", name, "--top", 5)
    if summary.confirmation is None and summary.is_complete and not summary.study.goal.has_several:
        yield f"{next_command(name, storage, 'confirm')} trains the best again: the best of many values is a lucky one"
    if summary.is_complete:
        yield f"{next_command(name, storage, 'report')} writes a page about all of it"


def _worst(trials: Any) -> tuple[tuple[str, int], ...]:
    return queries.failure_reasons(trials)[:3]


def _gain(summary: queries.Summary) -> str:
    if summary.gain is None or summary.default is None or summary.best is None:
        return ""
    if summary.best.number == 0:
        return "the default configuration: no trial beat it"
    violated = summary.study.goal.violated(summary.default.metrics)
    breaking = f", which breaks {safe(', '.join(map(str, violated)))}" if violated else ""
    return f"{signed(summary.gain)} over the default configuration's {number(summary.default.value)}{breaking}"


def _metrics(summary: queries.Summary) -> Table:
    validation, test = _columns(summary)
    headers = ("metric", "validation", "test") if test else ("metric", "validation")
    table = grid(*headers, right=headers[1:])
    for name, value in validation.items():
        table.add_row(safe(name), value, *([test.get(name, "-")] if test else []))
    return table


def _columns(summary: queries.Summary) -> tuple[dict[str, str], dict[str, str]]:
    """Return what is shown of every metric on the validation and the test part."""
    confirmation = summary.confirmation
    if confirmation is None:
        both = (summary.best.metrics if summary.best else {}, summary.test_metrics or {})
        return tuple({name: number(value) for name, value in each.items()} for each in both)  # type: ignore[return-value]
    return confirmation.shown(summary.study.metric)


def _pairs(header: str, pairs: list[tuple[str, str]]) -> Table:
    table = grid(header, "value")
    for left, right in pairs:
        table.add_row(left, right)
    return table


def next_command(name: str, storage: str | None, command: str) -> str:
    return locate(storage).command(command, name)
