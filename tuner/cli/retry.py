"""Train failed trials of a study again, then continue to its target."""

from typing import Annotated

import typer

from tuner.cli._options import ExecutorName, Given, Json, Logged, Name, Storage, Trust
from tuner.cli._run_summary import conclude
from tuner.cli._shown_run import shown_run
from tuner.domain.errors import ConfigurationError
from tuner.running import launch
from tuner.running.resume_request import ResumeRequest
from tuner.running.retry import Retried

__all__ = ["command"]


def command(
    name: Name,
    trials: Annotated[
        str | None, typer.Option(metavar="N,N", help="The numbers of failed trials.", show_default=False)
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that have failed.")] = False,
    storage: Storage = None,
    executor: ExecutorName = None,
    log: Logged = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    given = Given(None, executor=executor)
    logs = given.logs(log)
    retried = given.mistakes.collect(lambda: _retried(trials, failed=failed))
    with shown_run(storage, logs, stored=name) as listeners, given:
        request = ResumeRequest(overrides=given.overrides, trust=trust, mistakes=given.mistakes)
        cause = launch.resume(name, request, storage=storage, listeners=listeners, logs=logs, retried=retried or ())
    conclude(name, storage, cause, as_json=as_json)


def _retried(trials: str | None, *, failed: bool) -> Retried:
    if failed is (trials is not None):
        raise ConfigurationError("say which trials: either --trials 3,7 or --failed")
    if trials is None:
        return "failed"
    words = [word.strip() for word in trials.split(",")]
    if strange := [word for word in words if not word.isdecimal()]:
        raise ConfigurationError(f"--trials {trials}: {strange[0]!r} is not a trial's number; write them as 3,7")
    return tuple(map(int, words))
