"""Continue a study where it was, to its target or a new one."""

from pathlib import Path
from typing import Annotated

import typer

from tuner.cli._options import (
    Address,
    Amount,
    Cohort,
    Confirming,
    ExecutorName,
    Further,
    Given,
    Json,
    Logged,
    Name,
    Parallel,
    Settings,
    Storage,
    Time,
    Trials,
    Trust,
)
from tuner.cli._run_summary import conclude
from tuner.cli._shown_run import shown_run
from tuner.running import launch
from tuner.running.resume_request import ResumeRequest

__all__ = ["command"]


def command(
    name: Name,
    storage: Storage = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="Where the study's data lies now, if it was moved.", show_default=False),
    ] = None,
    trials: Trials = None,
    epochs: Further = None,
    steps: Further = None,
    tokens: Further = None,
    examples: Further = None,
    amount: Amount = None,
    time: Time = None,
    executor: ExecutorName = None,
    cohort: Cohort = None,
    parallel: Parallel = None,
    address: Address = None,
    confirm: Confirming = None,
    log: Logged = None,
    assignments: Settings = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    further = {"epochs": epochs, "steps": steps, "tokens": tokens, "examples": examples, "amount": amount}
    given = Given(
        assignments,
        trials=trials,
        time=time,
        executor=executor,
        cohort=cohort,
        parallel=parallel,
        address=address,
        confirm=confirm,
        **further,
    )
    if data is not None:
        given.name("settings.dataset", "--data", str(Path(data).expanduser().absolute()))
    logs = given.logs(log)
    with shown_run(storage, logs, stored=name) as listeners, given:
        request = ResumeRequest(overrides=given.overrides, trust=trust, mistakes=given.mistakes)
        cause = launch.resume(name, request, storage=storage, listeners=listeners, logs=logs)
    conclude(name, storage, cause, as_json=as_json)
