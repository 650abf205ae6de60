"""Where a study's parts are found when it is begun and when it goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import tuner
from tuner.bootstrap import read_spec, resume, shipped_studies
from tuner.domain.errors import ConfigurationError, UnknownNameError
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


def test_every_shipped_study_can_be_read() -> None:
    assert {"digits", "iris", "diabetes"} <= set(shipped_studies())
    for name in shipped_studies():
        found, source = read_spec(name, {})
        assert found.name == source.study == name


def test_a_study_file_is_remembered_by_its_whole_path(user_folder: Path) -> None:
    _, source = read_spec("mine.toml", {"budget.trials": 3})
    assert source.study == str(user_folder / "mine.toml")
    assert (source.folder, source.overrides) == (str(user_folder), {"budget.trials": 3})


@pytest.mark.parametrize(
    ("study", "words"),
    [
        ("digit", "did you mean 'digits'"),
        ("nowhere.toml", r"there is no study file nowhere\.toml"),
        ("folder/study", "there is no study file folder/study"),
    ],
)
def test_a_study_that_is_not_there_is_told_with_those_that_are(study: str, words: str) -> None:
    with pytest.raises(UnknownNameError, match=words) as raised:
        read_spec(study, {})
    assert "shipped studies: " in raised.value.hint


@pytest.mark.usefixtures("user_folder")
def test_a_name_beside_which_a_study_file_lies_is_told_the_file() -> None:
    with pytest.raises(UnknownNameError, match=r"did you mean mine\.toml\?"):
        read_spec("mine", {})


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
