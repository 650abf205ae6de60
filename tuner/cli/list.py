"""List the studies that are stored."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.text import Text

from tuner.analysis import queries
from tuner.cli._options import Json, Storage
from tuner.cli._rendering import answers, grid, number, print_json, safe
from tuner.cli._run_summary import counts_text, summary_json
from tuner.domain.study_queue import QueueState
from tuner.storage.lease import utc_now
from tuner.storage.store import Store, open_store
from tuner.storage.study_queue import submitted

__all__ = ["command"]


def command(
    storage: Storage = None,
    running: Annotated[
        bool, typer.Option("--running", help="Only those that a process runs, and those that wait in the queue.")
    ] = False,
    as_json: Json = False,
) -> None:
    store = open_store(storage)
    if running:
        _show_running(store, as_json=as_json)
        return
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


def _show_running(store: Store, *, as_json: bool) -> None:
    """Print who runs what since when, and what waits in which order."""
    rows = [*_run_now(store), *_waiting(store)]
    if as_json:
        print_json(rows)
        return
    if not rows:
        answers().print(Text(f"no process runs a study of {store.location}, and none waits"))
        return
    table = grid("study", "run by", "since", "priority", right=("priority",))
    for row in rows:
        by = row["run_by"] or f"waits, submitted by {row['submitter']}"
        table.add_row(
            *(safe(str(each if each is not None else "")) for each in (row["study"], by, row["since"], row["priority"]))
        )
    answers().print(table)


def _run_now(store: Store) -> Iterator[dict[str, Any]]:
    queued = {each.name: each for each in submitted(store)}
    for name in store.names:
        claim = store.claim(name)
        if claim is None or not claim.is_valid(utc_now()):
            continue
        since, found = claim.since, queued.get(name)
        yield {
            "study": name,
            "run_by": str(claim.holder),
            "since": None if since is None else since.isoformat(timespec="seconds"),
            "priority": None if found is None else found.priority,
            "submitter": None if found is None else found.submitter,
        }


def _waiting(store: Store) -> Iterator[dict[str, Any]]:
    for each in submitted(store):
        if each.state is QueueState.WAITING and not store.is_run(each.name):
            yield {
                "study": each.name,
                "run_by": None,
                "since": each.submitted.isoformat(timespec="seconds"),
                "priority": each.priority,
                "submitter": each.submitter,
            }
