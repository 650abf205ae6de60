"""Where a study's parts are found when it is begun and when it goes on."""

from collections.abc import Iterator

import pytest

import tuner
from tuner.bootstrap import resume
from tuner.domain.errors import ConfigurationError
from tuner.storage.store import open_store

pytestmark = pytest.mark.usefixtures("workplace")


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    yield {"score": trial.config["x"]}


def spec(space: tuner.SearchSpace) -> tuner.StudySpec:
    return tuner.StudySpec(
        objective=train,
        search_space=space,
        metric="score",
        name="objects",
        budget=tuner.Budget(trials=2, epochs=1),
        executor="inline",
    )


def test_a_space_made_in_python_is_stored_and_gone_on_with() -> None:
    space = tuner.SearchSpace(x=tuner.Float(0, 1))
    tuner.run(spec(space))
    resume("objects", overrides={"budget.trials": 4})
    study, trials = open_store(None).read("objects")
    assert study.space == space
    assert len(trials) == 4


def test_a_space_with_rules_has_to_be_given_again() -> None:
    space = tuner.SearchSpace(x=tuner.Float(0, 1)).require("x is not tiny", lambda config: config["x"] > 0.1)
    tuner.run(spec(space))
    with pytest.raises(ConfigurationError, match="has rules, whose code is not stored"):
        resume("objects", overrides={"budget.trials": 4})
    resume("objects", overrides={"budget.trials": 4}, spec=spec(space))
    assert len(open_store(None).read("objects")[1]) == 4
