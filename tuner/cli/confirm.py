"""Train a study's best configurations again, with fresh seeds, and say what each is really worth."""

from typing import Annotated

import typer

from tuner.cli._options import Address, ExecutorName, Given, Json, Name, Parallel, Storage, Trust
from tuner.cli._run_summary import conclude
from tuner.cli._shown_run import shown_run
from tuner.running import launch
from tuner.running.resume_request import ResumeRequest

__all__ = ["command"]


def command(
    name: Name,
    top: Annotated[int | None, typer.Option(metavar="N", help="How many configurations. [default: 5]")] = None,
    seeds: Annotated[int | None, typer.Option(metavar="N", help="How often each is trained. [default: 5]")] = None,
    storage: Storage = None,
    executor: ExecutorName = None,
    parallel: Parallel = None,
    address: Address = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    given = Given(None, executor=executor, parallel=parallel, address=address)
    given.name("confirm.top", "--top", top)
    given.name("confirm.seeds", "--seeds", seeds)
    with shown_run(storage, command="confirm", stored=name) as listeners, given:
        request = ResumeRequest(overrides=given.overrides, trust=trust)
        cause = launch.confirm(name, request, storage=storage, listeners=listeners)
    conclude(name, storage, cause, as_json=as_json)
