"""Run a study: search, stop poor trials early, and report the best."""

from typing import Annotated

import typer

from tuner.cli._options import (
    Address,
    Amount,
    Cohort,
    Confirming,
    ExecutorName,
    Fidelity,
    Given,
    Json,
    Logged,
    Parallel,
    Settings,
    Storage,
    Time,
    Trials,
)
from tuner.cli._run_summary import conclude
from tuner.cli._shown_run import shown_run
from tuner.cli._study_argument import (
    CommandLine,
    Data,
    Direction,
    Metric,
    Space,
    StudyArgument,
    Target,
    asked,
    name_data,
)
from tuner.running import launch

__all__ = ["command"]


def command(
    study: StudyArgument = None,
    data: Data = None,
    target: Target = None,
    command_line: CommandLine = None,
    space: Space = None,
    metric: Metric = None,
    direction: Direction = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call it. [default: the file's name]")
    ] = None,
    storage: Storage = None,
    trials: Trials = None,
    epochs: Fidelity = None,
    steps: Fidelity = None,
    tokens: Fidelity = None,
    examples: Fidelity = None,
    amount: Amount = None,
    time: Time = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="The seed that all randomness comes from.")] = None,
    sampler: Annotated[str | None, typer.Option(metavar="NAME", help="What proposes configurations.")] = None,
    scheduler: Annotated[str | None, typer.Option(metavar="NAME", help="What stops poor trials early.")] = None,
    executor: ExecutorName = None,
    cohort: Cohort = None,
    parallel: Parallel = None,
    address: Address = None,
    confirm: Confirming = None,
    log: Logged = None,
    assignments: Settings = None,
    as_json: Json = False,
) -> None:
    what = asked(study, data, target, command_line)
    given = Given(
        assignments,
        space=space,
        metric=metric,
        direction=direction,
        name=name,
        trials=trials,
        epochs=epochs,
        steps=steps,
        tokens=tokens,
        examples=examples,
        amount=amount,
        time=time,
        seed=seed,
        sampler=sampler,
        scheduler=scheduler,
        executor=executor,
        cohort=cohort,
        parallel=parallel,
        address=address,
        confirm=confirm,
    )
    name_data(given, data)
    logs = given.logs(log)
    with shown_run(storage, logs) as listeners, given:
        stored, cause = launch.run(
            what,
            storage=storage,
            overrides=given.overrides,
            listeners=listeners,
            logs=logs,
            mistakes=given.mistakes,
        )
    conclude(stored, storage, cause, as_json=as_json)
