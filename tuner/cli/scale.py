"""Check a study's best on a ladder of sizes, say what to expect of the target, and train it once."""

from typing import Annotated

import typer
from rich.console import Group
from rich.text import Text

from tuner.cli._options import ExecutorName, Given, Json, Name, Parallel, Storage, Trust
from tuner.cli._rendering import duration, grid, messages, number, print_json, safe, show
from tuner.cli._shown_run import shown_run
from tuner.running.scaling import Forecast, Scaled, scale

__all__ = ["command"]


def command(
    name: Name,
    train: Annotated[
        bool, typer.Option("--train/--no-train", help="Whether the target is trained once the ladder was checked.")
    ] = True,
    storage: Storage = None,
    executor: ExecutorName = None,
    parallel: Parallel = None,
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    def trains(forecast: Forecast) -> bool:
        messages().print(Text(safe(expected(forecast)), style="bold"), soft_wrap=True)
        return train

    given = Given(None, executor=executor, parallel=parallel)
    with shown_run(storage, command="scale") as listeners, given:
        scaled = scale(
            name,
            storage=storage,
            overrides=given.overrides,
            listeners=listeners,
            trust=trust,
            trains=trains,
        )
    if as_json:
        print_json(scaled.describe())
    else:
        show(_summary(scaled))


def expected(forecast: Forecast) -> str:
    """Return what is known before the target is trained, in a sentence."""
    drift = forecast.drift
    return (
        f"{forecast.parameter} = {forecast.used:.3g} at {forecast.target}: drift {drift.slope:+.2f} powers of 2 per "
        f"doubling ({drift.slope_low:+.2f} to {drift.slope_high:+.2f}), so {drift.low:.3g} to {drift.high:.3g} at the "
        f"target; its training takes about {duration(forecast.seconds)}"
    )


def _summary(scaled: Scaled) -> Group:
    forecast = scaled.forecast
    table = grid("size", "seed", f"best {forecast.parameter}", scaled.metric, "a trial took", right=("size", "seed"))
    for rung in forecast.rungs:
        metric = min(rung["values"], key=lambda each: abs(each[0] - rung["best"]))[1]
        row = (str(rung["size"]), str(rung["seed"]), number(rung["best"]), number(metric), duration(rung["seconds"]))
        table.add_row(*row)
    lines = [Text(safe(expected(forecast)))]
    lines += [Text(f"note: {safe(each)}", style="yellow") for each in forecast.warnings]
    trial = scaled.trial
    if trial is None:
        lines.append(Text(f"a guess of {scaled.metric} there: {number(forecast.guess)}", style="dim"))
    else:
        took = "" if trial.seconds is None else f", in {duration(trial.seconds)}"
        reached = f"{scaled.metric} {number(trial.value or 0.0)}{took}"
        lines.append(Text(f"trained at {forecast.target}: {reached}", style="green"))
        lines.append(Text(f"the guess was {number(forecast.guess)}, in {duration(forecast.seconds)}", style="dim"))
        lines.append(Text(f"it is study {safe(scaled.study)}", style="dim"))
    return Group(table, Text(""), *lines)
