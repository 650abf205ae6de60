"""The commands that ask about a study."""

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tuner

USER_CODE = Path(__file__).parent.parent / "user_code"
Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study that was run to its end."""
    folder = tmp_path_factory.mktemp("ran")
    for file in ("mine.toml", "mytask.py"):
        shutil.copy(USER_CODE / file, folder / file)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "path", [*sys.path])  # a study puts its folder on it
        tuner.run("mine.toml", executor="inline", trials=16)
    return folder


@pytest.fixture
def study(ran: Path, workplace: Path) -> tuner.Study:
    """A copy of the study, in the working directory."""
    shutil.copytree(ran, workplace, dirs_exist_ok=True)
    return tuner.load_study("mine")


def test_best_prints_the_documented_json(study: tuner.Study, cli: Cli) -> None:
    answer = json.loads(cli("best", "mine", "--json")[1])
    assert answer == {
        "study": "mine",
        "direction": "maximize",
        "metric": "accuracy",
        "directions": ["maximize"],
        "metrics": ["accuracy"],
        "constraints": [],
        "trials": [
            {
                "number": study.best_trial.number,
                "state": "COMPLETE",
                "value": study.best_trial.value,
                "values": [study.best_trial.value],
                "epoch": study.best_trial.epoch,
                "config": study.best_trial.config,
                "metrics": dict(study.best_trial.metrics),
            }
        ],
    }


def test_best_shows_configuration_and_metrics(study: tuner.Study, cli: Cli) -> None:
    _, answer, _ = cli("best", "mine")
    assert f"trial {study.best_trial.number}, epoch {study.best_trial.epoch}" in answer
    assert "shape" in answer
    assert "loss" in answer


def test_the_last_trials_are_listed_where_a_limit_is_given(study: tuner.Study, cli: Cli) -> None:
    every = [line.split()[0] for line in cli("trials", "mine")[1].splitlines()]
    assert [line.split()[0] for line in cli("trials", "mine", "--limit", "2")[1].splitlines()[1:]] == every[-2:]
    assert len(json.loads(cli("trials", "mine", "--limit", "3", "--json")[1])) == 3
    assert len(cli("trials", "mine", "--limit", "1", "--format", "csv")[1].splitlines()) == 2


def test_the_top_trials_say_which_trials_they_are_the_best_of(study: tuner.Study, cli: Cli) -> None:
    told = cli("best", "mine", "--top", "3")[2]
    complete = sum(trial.state is tuner.TrialState.COMPLETE for trial in study.trials)
    assert told.startswith(f"the best 3 of {complete} complete trials; not compared: ")


def test_the_top_trials_are_listed_best_first(study: tuner.Study, cli: Cli) -> None:
    values = [trial["value"] for trial in json.loads(cli("best", "mine", "--top", "3", "--json")[1])["trials"]]
    assert values == [trial.value for trial in study.top(3)] == sorted(values, reverse=True)
    assert len(cli("best", "mine", "--top", "3")[1].splitlines()) == 4


def test_status_says_how_far_the_study_is(study: tuner.Study, cli: Cli) -> None:
    _, answer, _ = cli("status", "mine")
    assert "16 of 16 trials finished" in answer
    summary = json.loads(cli("status", "mine", "--json")[1])
    assert (summary["finished"], summary["target"]) == (16, 16)
    assert sum(summary["states"].values()) == 16


def test_list_has_a_line_per_study(study: tuner.Study, cli: Cli) -> None:
    tuner.run("mine.toml", name="other", executor="inline", trials=2)
    _, answer, _ = cli("list")
    assert [line.split()[0] for line in answer.splitlines()] == ["study", "mine", "other"]
    assert [summary["study"] for summary in json.loads(cli("list", "--json")[1])] == ["mine", "other"]


@pytest.mark.usefixtures("workplace")
def test_list_without_a_study_says_how_to_begin(cli: Cli) -> None:
    code, answer, _ = cli("list")
    assert code == 0
    assert "tuner run digits" in answer


def test_trials_are_listed_by_state(study: tuner.Study, cli: Cli) -> None:
    _, answer, _ = cli("trials", "mine")
    assert len(answer.splitlines()) == 1 + len(study.trials)
    pruned = json.loads(cli("trials", "mine", "--state", "PRUNED", "--format", "json")[1])
    assert [trial["number"] for trial in pruned] == [t.number for t in study.trials if t.state.value == "PRUNED"]
    assert pruned


def test_trials_as_csv_have_a_column_per_parameter_and_metric(study: tuner.Study, cli: Cli) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("trials", "mine", "--format", "csv")[1])))
    assert len(rows) == len(study.trials)
    assert {"number", "state", "value", "params.x", "params.shape", "metrics.accuracy"} <= set(rows[0])
    assert float(rows[0]["params.x"]) == study.trials[0].config["x"]


def test_the_dataframe_has_the_same_columns(study: tuner.Study) -> None:
    frame = study.to_dataframe()
    assert len(frame) == len(study.trials)
    assert {"number", "state", "value", "epoch", "params.shape.steep.slope", "metrics.loss"} <= set(frame.columns)


def test_learning_curves_are_there_for_every_metric(study: tuner.Study) -> None:
    accuracy, loss = study.learning_curves(), study.learning_curves("loss")
    assert accuracy[0].keys() == loss[0].keys() == set(range(1, 10))
    assert loss[0][1] == pytest.approx(1 - accuracy[0][1])


def test_a_study_shows_itself(study: tuner.Study) -> None:
    best = study.best_trial
    assert repr(study) == f"Study('mine', 16 trials, best accuracy {best.value:.4g} (trial {best.number}))"
    assert (study.metric, study.direction) == ("accuracy", tuner.Direction.MAXIMIZE)


def test_a_missing_study_is_a_key_error(study: tuner.Study) -> None:
    with pytest.raises(KeyError):
        tuner.load_study("nobody")
    with pytest.raises(tuner.StudyNotFoundError, match="no study 'nobody'"):
        tuner.load_study("nobody")


def test_check_tries_one_epoch_and_stores_nothing(user_folder: Path, cli: Cli) -> None:
    code, answer, _ = cli("check", "mine.toml")
    assert code == 0
    assert "search space: 3 parameters" in answer
    assert "accuracy" in answer
    assert "next: tuner run mine.toml" in answer
    assert json.loads(cli("check", "mine.toml", "--json", "--set", "executor=inline")[1])["parameters"] == 3
    assert not (user_folder / ".tuner").exists()
    sys.modules.pop("mytask", None)


@pytest.mark.usefixtures("user_folder")
def test_check_shows_the_traceback_of_an_objective_that_fails(cli: Cli) -> None:
    code, _, messages = cli(
        "check", "mine.toml", "--set", "objective=mytask:always_raising", "--set", "executor=inline"
    )
    assert code == 3
    assert "RuntimeError: no such layer" in messages
    assert "mytask.py" in messages
    sys.modules.pop("mytask", None)


@pytest.mark.usefixtures("workplace")
def test_check_doubts_a_direction_that_is_unusual(cli: Cli) -> None:
    _, answer, _ = cli("check", "iris", "--set", "direction=maximize", "--set", "executor=inline")
    assert "note: log_loss is usually to minimize, this study is to maximize it" in answer
