"""Show how far a study is."""

from rich.console import Group
from rich.text import Text

from tuner import queries
from tuner.cli._options import Json, Name, Storage
from tuner.cli._output import answers, print_json, safe
from tuner.cli._report import best_panel, counts_text, summary_json
from tuner.storage.store import open_store

__all__ = ["command"]


def command(name: Name, storage: Storage = None, as_json: Json = False) -> None:
    study, trials = open_store(storage).read(name)
    summary = queries.summarise(study, trials)
    if as_json:
        print_json(summary_json(summary))
        return
    target = f" of {summary.target}" if summary.target else ""
    words = f"{summary.finished}{target} trials finished"
    head = Text.assemble((safe(study.name), "bold"), f"  {study.direction.value} {safe(study.metric)}  {words}")
    states = counts_text(summary)
    answers().print(Group(head, Text(states or "nothing was run yet", style="dim"), Text(""), best_panel(summary)))
