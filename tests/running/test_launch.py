"""Where a study's parts are found when it is begun and when it goes on."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import tuner
from tuner.domain.errors import ConfigurationError
from tuner.domain.study_record import STOPPED
from tuner.domain.study_writer import TrialUpdate
from tuner.running.launch import resume
from tuner.running.resume_request import ResumeRequest
from tuner.storage.fallback_file import FallbackFile
from tuner.storage.store import open_store

Cli = Callable[..., tuple[int, str, str]]

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
    resume("objects", ResumeRequest(overrides={"budget.trials": 4}))
    study, trials = open_store(None).read("objects")
    assert study.space == space
    assert len(trials) == 4


def test_a_space_with_rules_has_to_be_given_again() -> None:
    space = tuner.SearchSpace(x=tuner.Float(0, 1)).require("x is not tiny", lambda config: config["x"] > 0.1)
    tuner.run(spec(space))
    with pytest.raises(ConfigurationError, match="has rules, whose code is not stored"):
        resume("objects", ResumeRequest(overrides={"budget.trials": 4}))
    resume("objects", ResumeRequest(overrides={"budget.trials": 4}, spec=spec(space)))
    assert len(open_store(None).read("objects")[1]) == 4


NEVER_RUN = """
import sys
import tuner
study = tuner.load_study("mine").resume(executor="ray", progress=True)
assert len(study.trials) == 3
print("ray" in sys.modules)
"""


def test_a_study_that_is_done_is_not_started_again(user_folder: Path) -> None:
    tuner.run("mine.toml", executor="inline", trials=3)
    before = open_store(None).read("mine")
    resumed = subprocess.run([sys.executable, "-c", NEVER_RUN], capture_output=True, text=True, check=True)
    assert resumed.stdout == "False\n"
    told = "nothing left to do: study mine has finished its 3 trials; for more trials: tuner resume mine --trials 6"
    assert resumed.stderr == f"{told}\n"
    assert open_store(None).read("mine")[1] == before[1]


def test_resuming_what_is_done_shows_the_answer_and_exits_0(user_folder: Path, cli: Cli) -> None:
    tuner.run("mine.toml", executor="inline", trials=1)
    code, answer, messages = cli("resume", "mine")
    assert code == 0
    assert "nothing left to do: study mine has finished its 1 trial;" in messages
    assert "best accuracy" in answer


def test_a_target_that_was_lowered_to_what_is_done_is_stored(user_folder: Path) -> None:
    tuner.run("mine.toml", executor="inline", trials=3)
    store = open_store(None)
    with store.holding("mine") as writer:
        writer.annotate("spec", {**store.study("mine").spec, "budget": {"trials": 9, "epochs": 9, "seconds": None}})
        writer.annotate(STOPPED, "time")
    study = tuner.load_study("mine").resume(trials=3)
    assert study.summary.target == 3
    assert study.stop_cause is None


def test_a_study_ends_at_a_value_that_is_good_enough_and_goes_beyond_it_when_asked_to(
    cli: Cli, workplace: Path
) -> None:
    space = tuner.SearchSpace(x=tuner.Float(0, 1))
    ends = tuner.run(spec(space), sampler="random", trials=50, target_value=0.6)
    assert ends.stop_cause is tuner.StopCause.TARGET
    assert ends.best_trial.value is not None
    assert ends.best_trial.value >= 0.6
    assert max(trial.value or 0 for trial in ends.trials[:-1]) < 0.6
    assert tuner.load_study("objects").summary.is_complete
    again = tuner.load_study("objects", spec=spec(space))
    assert again.resume(sampler="random", trials=50, target_value=0.6).stop_cause is tuner.StopCause.TARGET
    assert tuner.load_study("objects").trials == ends.trials
    more = again.resume(sampler="random", trials=50, target_value=2.0, patience=5)
    assert more.stop_cause is tuner.StopCause.PATIENCE
    assert len(more.trials) > len(ends.trials)


def test_a_study_that_goes_beyond_its_early_end_is_not_complete_meanwhile() -> None:
    seen = []

    def looking(trial: tuner.Trial) -> Iterator[dict[str, float]]:
        seen.append(tuner.load_study("objects").summary.is_complete)
        yield {"score": trial.config["x"]}

    asked = replace(spec(tuner.SearchSpace(x=tuner.Float(0, 1))), objective=looking)
    assert tuner.run(asked, target_value=0.0).summary.is_complete
    tuner.load_study("objects", spec=asked).resume(target_value=2.0)
    assert seen == [False, False]


def test_how_far_trials_are_trained_is_an_option_of_run(user_folder: Path, cli: Cli) -> None:
    assert cli("run", "mine.toml", "--executor", "inline", "--trials", "1", "--epochs", "2")[0] == 0
    assert open_store(None).study("mine").spec["budget"]["epochs"] == 2
    code, _, messages = cli("run", "mine.toml", "--name", "other", "--epochs", "0")
    assert (code, "--epochs: 0 is below 1" in messages) == (2, True)


def test_the_command_line_says_why_a_study_has_ended(user_folder: Path, cli: Cli) -> None:
    code, answer, _ = cli("run", "mine.toml", "--executor", "inline", "--set", "budget.target=0.0")
    assert code == 0
    assert "the study has ended: a trial has reached the value of budget.target, 0" in answer
    code, answer, messages = cli("resume", "mine")
    assert code == 0
    assert "nothing left to do: study mine has ended" in messages
    assert "--set budget.target=none" in messages
    assert "the study has ended" in answer
    assert "continue with" not in cli("status", "mine")[1]


def test_a_study_starts_with_the_configurations_that_it_was_given(user_folder: Path) -> None:
    start = [{"x": 0.25}, {"x": 0.5}, {"x": 0.75}]
    space = tuner.SearchSpace(x=tuner.Float(0, 1))
    tuner.run(spec(space), trials=2, start=start)
    study = tuner.load_study("objects", spec=spec(space)).resume(trials=4)
    assert [trial.config["x"] for trial in study.trials[:3]] == [0.5, 0.25, 0.75]
    with pytest.raises(ConfigurationError) as raised:
        tuner.run(spec(space), name="wrong", sampler="tpee", start=[{"x": 2}, {"y": 1}])
    assert len(raised.value.problems) == 3


def test_a_grid_that_was_tried_to_its_end_leaves_nothing_to_do(user_folder: Path, cli: Cli) -> None:
    tuner.run("mine.toml", executor="inline", sampler={"name": "grid", "points": 1}, epochs=1, name="grid")
    assert len(tuner.load_study("grid").trials) < 12
    assert "nothing left to do" in cli("resume", "grid")[2]


def test_results_that_wait_to_be_stored_are_something_to_do(user_folder: Path, cli: Cli) -> None:
    tuner.run("mine.toml", executor="inline", trials=2, epochs=1)
    study, trials = open_store(None).read("mine")
    spill = FallbackFile(Path(".tuner").absolute(), study.folder_name)
    spill.keep([TrialUpdate(trial=trials[0])])
    assert "nothing left to do" not in cli("resume", "mine")[2]
    assert not spill.file.exists()
    assert "nothing left to do" in cli("resume", "mine")[2]


def test_what_is_confirmed_is_not_confirmed_again(user_folder: Path, cli: Cli) -> None:
    tuner.run("mine.toml", executor="inline", trials=2, epochs=1)
    told = cli("confirm", "mine", "--top", "1", "--seeds", "2")[2]
    assert "nothing left to do" not in told
    assert "[2/2] trial 0 again, as 1, complete at epoch 1" in told
    code, _, messages = cli("confirm", "mine", "--top", "1", "--seeds", "2")
    assert code == 0
    assert "nothing left to do: the best of study mine are confirmed" in messages
    assert "nothing left to do" not in cli("confirm", "mine", "--top", "1", "--seeds", "3")[2]
    assert (
        "trials and confirmed the best"
        in cli("resume", "mine", "--confirm", "--set", "confirm={top=1, seeds=3, run=true}")[2]
    )


@pytest.mark.parametrize("name", ["logs", "trials"])
def test_a_folder_that_no_trial_can_write_into_is_told_before_any_begins(
    name: str, user_folder: Path, cli: Cli
) -> None:
    (user_folder / ".tuner").mkdir()
    (user_folder / ".tuner" / name).write_text("in the way")
    code, _, messages = cli("run", "mine.toml", "--trials", "0")
    assert code == 2
    assert f".tuner/{name}, for " in messages
    assert "is not a folder: change its rights, or move it away" in messages
    assert "--trials: 0 is below 1" in messages
    assert not (user_folder / ".tuner" / "studies.db").exists()
    assert cli("run", "mine.toml", "--trials", "1", "--executor", "inline")[0] == 0


def test_a_reproducible_study_knows_of_a_trial_only_once_so_many_others_have_followed() -> None:
    delayed = tuner.Resources(parallel=3, parallel_mode="reproducible")
    asked = replace(spec(tuner.SearchSpace(x=tuner.Float(0, 1))), sampler="tpe", resources=delayed)
    study = tuner.run(asked, trials=6)
    known = [trial.origin.observations for trial in study.trials if trial.origin is not None]
    assert known == [None, 0, 0, 1, 2, 3]
