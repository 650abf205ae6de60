"""Show how far a study is."""

from rich.console import Group
from rich.text import Text

from tuner import queries
from tuner.cli._options import Json, Name, Storage
from tuner.cli._output import answers, print_json, safe
from tuner.cli._report import best_panel, counts_text, summary_json
from tuner.storage.lease import utc_now
from tuner.storage.store import open_store

__all__ = ["command"]


def command(name: Name, storage: Storage = None, as_json: Json = False) -> None:
    store = open_store(storage)
    study, trials = store.read(name)
    summary = queries.summarise(study, trials)
    claim = store.claim(name)
    holder = str(claim.holder) if claim is not None and claim.is_valid(utc_now()) else None
    if as_json:
        print_json({**summary_json(summary), "runs_in": holder})
        return
    target = f" of {summary.target}" if summary.target else ""
    words = f"{summary.finished}{target} trials finished"
    head = Text.assemble((safe(study.name), "bold"), f"  {study.direction.value} {safe(study.metric)}  {words}")
    states = Text(counts_text(summary) or "nothing was run yet", style="dim")
    answers().print(Group(head, states, *_activity(summary, holder), Text(""), best_panel(summary)))


def _activity(summary: queries.Summary, holder: str | None) -> list[Text]:
    if holder is not None:
        return [Text(f"runs now, in {safe(holder)}", style="cyan")]
    if summary.target is None or summary.is_complete:
        return []
    return [Text(f"nobody runs it; go on with: tuner resume {safe(summary.study.name)}", style="yellow")]
