"""List the studies that are stored."""

from rich.text import Text

from tuner.analysis import queries
from tuner.cli._options import Json, Storage
from tuner.cli._rendering import answers, grid, number, print_json, safe
from tuner.cli._run_summary import counts_text, summary_json
from tuner.storage.store import open_store

__all__ = ["command"]


def command(storage: Storage = None, as_json: Json = False) -> None:
    store = open_store(storage)
    outlines = map(store.outline, store.names)
    summaries = [queries.summarise(each.study, each.trials, each.repetitions, each.tally) for each in outlines]
    if as_json:
        print_json([summary_json(summary) for summary in summaries])
        return
    if not summaries:
        answers().print(
            Text(f"no study in {store.location} yet; begin with: {store.location.command('run', 'digits')}")
        )
        return
    table = grid("study", "metric", "best", "trials", "states", right=("best", "trials"))
    for summary in summaries:
        confirmed = summary.confirmation
        value = summary.best.value if summary.best else None
        best = str(confirmed.winner.estimate) if confirmed else number(value)
        count = f"{summary.finished}/{summary.target}" if summary.target else str(summary.finished)
        metrics = ", ".join(summary.study.metrics)
        table.add_row(
            safe(summary.study.name),
            safe(metrics),
            best,
            count,
            counts_text(summary, is_run=store.is_run(summary.study.name)),
        )
    answers().print(table)
