"""Run the studies of a storage's queue, one after another."""

import time
from functools import partial
from importlib import import_module
from typing import Annotated

import typer
from rich.text import Text

from tuner.cli._options import Address, ExecutorName, Given, Parallel, Storage, Trust
from tuner.cli._rendering import messages, safe, show_error
from tuner.cli._run_summary import FINAL_ANSWER, announce, conclude
from tuner.cli._shown_run import shown_run
from tuner.domain.errors import NoUsableTrialError
from tuner.running.study_queue import QueueWorker
from tuner.storage.location import locate

__all__ = ["command"]

_LOOKS_EVERY_SECONDS = 2.0


def command(
    storage: Storage = None,
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help="End once no study waits. [default: wait for more]")
    ] = False,
    executor: ExecutorName = None,
    parallel: Parallel = None,
    address: Address = None,
    trust: Trust = False,
) -> None:
    given = Given(None, executor=executor, parallel=parallel, address=address)
    worker = QueueWorker(storage, trust=trust, overrides=given.overrides)
    with given:
        while not (until_empty and worker.is_empty):
            if (name := worker.next()) is None:
                _say(f"no study waits in {locate(storage)}")
                while (name := worker.next()) is None and not (until_empty and worker.is_empty):
                    time.sleep(_LOOKS_EVERY_SECONDS)
            if name is not None:
                _run(worker, name, storage)


def _run(worker: QueueWorker, name: str, storage: str | None) -> None:
    """Run a study and print its end; that it has failed ends no worker."""
    with shown_run(storage, stored=name, again=locate(storage).command("work")) as listeners:
        settle = partial(import_module(FINAL_ANSWER).settle_answer, announce=partial(announce, name))
        turn = worker.run(name, listeners, settle)
    if turn.problem:
        _say(f"{name} is not run here: {turn.problem}")
        return
    try:
        conclude(name, storage, turn.cause, as_json=False)
    except NoUsableTrialError as error:
        show_error(error)


def _say(text: str) -> None:
    messages().print(Text(safe(text), style="dim"), soft_wrap=True)
