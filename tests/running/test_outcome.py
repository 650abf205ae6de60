"""The words for how a run ended."""

from dataclasses import replace
from functools import partial

import pytest

import tuner
from tuner import Budget
from tuner.domain.run_controller import StopCause
from tuner.running.outcome import beyond, early_end, how_to_resume
from tuner.storage.store import open_store


@pytest.mark.parametrize("cause", [cause for cause in StopCause if cause.is_early_end])
def test_an_early_end_names_the_key_of_the_budget_that_ended_the_study_and_lets_it_continue(cause: StopCause) -> None:
    key, _ = beyond(cause)
    assert key in early_end(cause, Budget(target=0.5, patience=3, until="no gain"))
    assert hasattr(Budget(), key.removeprefix("budget."))


def test_another_stop_is_no_early_end() -> None:
    assert early_end(StopCause.TIME, Budget()) == ""


def train(trial: tuner.Trial, scale: float = 1.0) -> dict[str, float]:
    return {"loss": trial.config["x"] * scale}


@pytest.mark.usefixtures("workplace")
def test_a_study_whose_objective_no_command_finds_is_continued_by_its_program() -> None:
    space = tuner.SearchSpace(x=tuner.Float(0, 1))
    for name, objective in (("named", train), ("unnamed", partial(train, scale=2.0))):
        spec = tuner.StudySpec(objective=objective, search_space=space, metric="loss", name=name, executor="inline")
        tuner.run(spec, trials=1, epochs=1)
    store = open_store(None)
    named, unnamed = store.study("named"), store.study("unnamed")
    assert how_to_resume(store.location, named) == "tuner resume named"
    assert how_to_resume(store.location, named, 8) == "tuner resume named --trials 8"
    program = "tuner.load_study('unnamed', spec=...).resume({}), in its program"
    assert how_to_resume(store.location, unnamed) == program.format("")
    assert how_to_resume(store.location, unnamed, 8) == program.format("trials=8")
    sweep = replace(unnamed, spec={**unnamed.spec, "objective": "tuner.integrations.hydra:_Job.run(...)"})
    again = "the same Hydra command again"
    assert how_to_resume(store.location, sweep) == again
    assert how_to_resume(store.location, sweep, 8) == f"{again}, with hydra.sweeper.trials=8"
