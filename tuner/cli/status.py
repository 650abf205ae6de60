"""Show how far a study is."""

from tuner.analysis import queries
from tuner.cli._options import Json, Name, Storage
from tuner.cli._rendering import print_json, show
from tuner.cli._run_summary import standing, summary_json
from tuner.storage.lease import utc_now
from tuner.storage.store import open_store

__all__ = ["command"]


def command(name: Name, storage: Storage = None, as_json: Json = False) -> None:
    store = open_store(storage)
    outline = store.outline(name)
    summary = queries.summarise(
        outline.study, outline.trials, outline.repetitions, outline.tally, outline.expected_gain
    )
    claim = store.claim(name)
    holder = str(claim.holder) if claim is not None and claim.is_valid(utc_now()) else None
    if as_json:
        print_json({**summary_json(summary), "runs_in": holder})
        return
    show(standing(summary, holder, storage))
