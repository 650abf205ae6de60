"""Put a study into the queue of a storage, for `tuner work` to run."""

from typing import Annotated

import typer
from rich.text import Text

from tuner.cli._options import Given, Json, Settings, Storage, Time, Trials
from tuner.cli._rendering import answers, print_json, safe
from tuner.cli._study_argument import StudyArgument, asked
from tuner.running.study_queue import submit
from tuner.storage.location import locate

__all__ = ["command"]


def command(
    study: StudyArgument = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call it. [default: the file's name]")
    ] = None,
    priority: Annotated[
        int, typer.Option(metavar="N", help="Studies of higher priority are run first, of equal ones in their order.")
    ] = 0,
    storage: Storage = None,
    trials: Trials = None,
    time: Time = None,
    assignments: Settings = None,
    as_json: Json = False,
) -> None:
    given = Given(assignments, name=name, trials=trials, time=time)
    what = asked(study, None, None, None)
    with given:
        queued = submit(what, storage=storage, overrides=given.overrides, mistakes=given.mistakes, priority=priority)
    if as_json:
        print_json({"study": queued.name, **queued.describe()})
        return
    location = locate(storage)
    run = location.command("work")
    answers().print(Text(f"{safe(queued.name)} waits in {safe(location)}; run it with: {safe(run)}"), soft_wrap=True)
