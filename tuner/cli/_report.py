"""The end of a run: what was found, what it is worth, and the next command to type."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tuner import queries
from tuner.cli._output import answers, config_lines, grid, messages, number, print_json, safe, schedule_table
from tuner.controller import StopCause
from tuner.domain.errors import NoUsableTrialError, StudyInterrupted, TooManyFailuresError
from tuner.domain.trial import TrialState
from tuner.storage.location import locate
from tuner.storage.store import open_store


def conclude(name: str, storage: str | None, cause: StopCause | None, *, as_json: bool) -> None:
    """Print how study `name` ended; raises `NoUsableTrialError` where no trial completed, or too many failed."""
    store = open_store(storage)
    try:
        study, trials = store.read(name)
    finally:
        store.close()
    summary = queries.summarise(study, trials)
    if as_json:
        print_json(summary_json(summary))
    else:
        answers().print(_summary(summary, trials, storage, cause))
    if cause is StopCause.FAILURES:
        failed, (error, count) = summary.counts[TrialState.FAIL], queries.failure_reasons(trials)[0]
        raise TooManyFailuresError(
            f"stopped, since {failed} of {summary.finished} trials failed; {count} of them with: {error}",
            hint=f"mend the cause, then go on with: {_next(name, storage, 'resume')}",
        )
    if summary.best is None:
        reasons = queries.failure_reasons(trials)
        why = f"; {reasons[0][1]} of them failed with: {reasons[0][0]}" if reasons else ""
        raise NoUsableTrialError(
            f"none of the {len(trials)} trials is complete{why}", hint=_next(name, storage, "trials")
        )


def show_interruption(interruption: StudyInterrupted, storage: str | None) -> None:
    """Print that a run was stopped by a signal and how to go on with it."""
    name = interruption.study_name
    messages().print(
        Text(f"stopped, everything is saved; go on with: {_next(name, storage, 'resume')}", style="yellow")
    )


def summary_json(summary: queries.Summary) -> dict[str, Any]:
    """Return a study's summary as the command line prints it with --json."""
    return {
        "study": summary.study.name,
        "metric": summary.study.metric,
        "direction": summary.study.direction.value,
        "target": summary.target,
        "finished": summary.finished,
        "states": {state.value: count for state, count in summary.counts.items()},
        "best": queries.as_json(summary.best) if summary.best else None,
        "default_value": summary.default.value if summary.default else None,
        "gain": summary.gain,
        "test_metrics": dict(summary.test_metrics) if summary.test_metrics else None,
        "epochs": summary.epochs,
    }


def counts_text(summary: queries.Summary) -> str:
    """Return how many trials are in which state, in words."""
    words = {
        TrialState.COMPLETE: "complete",
        TrialState.PRUNED: "stopped early",
        TrialState.FAIL: "failed",
        TrialState.RUNNING: "running",
        TrialState.WAITING: "waiting",
    }
    return ", ".join(f"{summary.counts[state]} {word}" for state, word in words.items() if summary.counts[state])


def standing(summary: queries.Summary, holder: str | None, storage: str | None) -> RenderableType:
    """Return how far a study is, who runs it (`holder`; None: nobody) and its best trial."""
    study = summary.study
    target = f" of {summary.target}" if summary.target else ""
    words = f"{summary.finished}{target} trials finished"
    head = Text.assemble((safe(study.name), "bold"), f"  {study.direction.value} {safe(study.metric)}  {words}")
    states = Text(counts_text(summary) or "nothing was run yet", style="dim")
    return Group(head, states, *_activity(summary, holder, storage), Text(""), best_panel(summary))


def best_panel(summary: queries.Summary) -> RenderableType:
    """Return the best trial: its value, configuration and metrics, side by side."""
    best = summary.best
    if best is None:
        return Text("no trial is complete yet", style="dim")
    title = Text.assemble(
        ("best ", "bold"),
        (f"{safe(summary.study.metric)} {number(best.value)}", "bold green"),
        f"  trial {best.number}" + (f", epoch {best.epoch}" if best.epoch else ""),
        (f"  {_gain(summary)}", "dim"),
    )
    sides = Table.grid(padding=(0, 6, 0, 0))
    sides.add_row(_pairs("configuration", [*config_lines(best.config)]), _metrics(summary))
    schedule: list[RenderableType] = [Text(""), schedule_table(best)] if best.schedule else []
    return Group(title, Text(""), sides, *schedule)


def _activity(summary: queries.Summary, holder: str | None, storage: str | None) -> list[Text]:
    if holder is not None:
        return [Text(f"runs now, in {safe(holder)}", style="cyan")]
    if summary.target is None or summary.is_complete:
        return []
    return [Text(f"nobody runs it; go on with: {_next(summary.study.name, storage, 'resume')}", style="yellow")]


def _summary(summary: queries.Summary, trials: Any, storage: str | None, cause: StopCause | None) -> RenderableType:
    lines: list[RenderableType] = [Text(""), best_panel(summary), Text("")]
    lines.append(
        Text(f"{summary.finished} trials: {counts_text(summary)}; {summary.epochs} epochs trained", style="dim")
    )
    if cause is StopCause.TIME:
        lines.append(
            Text(f"the time is up; go on with: {_next(summary.study.name, storage, 'resume')}", style="yellow")
        )
    if cause is not StopCause.FAILURES:  # the error says it
        lines += [Text(f"{count} failed with: {safe(reason)}", style="red") for reason, count in _worst(trials)]
    if summary.test_failure:
        lines.append(Text(f"the test failed: {safe(summary.test_failure)}", style="red"))
    if summary.best is not None:
        lines.append(Text(f"next: {_next(summary.study.name, storage, 'best')} --top 5", style="dim"))
    return Group(*lines)


def _worst(trials: Any) -> tuple[tuple[str, int], ...]:
    return queries.failure_reasons(trials)[:3]


def _gain(summary: queries.Summary) -> str:
    if summary.gain is None or summary.default is None or summary.best is None:
        return ""
    if summary.best.number == 0:
        return "the default configuration: no trial beat it"
    return f"{summary.gain:+.4f} over the default configuration's {number(summary.default.value)}"


def _metrics(summary: queries.Summary) -> Table:
    best, test = summary.best, summary.test_metrics
    headers = ("metric", "validation", "test") if test else ("metric", "validation")
    table = grid(*headers, right=headers[1:])
    for name, value in best.metrics.items() if best else ():
        row = [safe(name), number(value)]
        table.add_row(*row, number(test.get(name))) if test else table.add_row(*row)
    return table


def _pairs(header: str, pairs: list[tuple[str, str]]) -> Table:
    table = grid(header, "value")
    for left, right in pairs:
        table.add_row(left, right)
    return table


def _next(name: str, storage: str | None, command: str) -> str:
    elsewhere = "" if storage is None or locate(storage).is_default else f" --storage {locate(storage)}"
    return f"tuner {command} {name}{elsewhere}"
