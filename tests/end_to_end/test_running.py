"""Whole studies in this process: by the built-in objective, by a user's own, inline and under Ray."""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
from places import checkpoints_in

import tuner
from tuner import TrialState

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _forgotten_modules(user_folder: Path) -> Iterator[None]:
    yield
    sys.path[:] = [path for path in sys.path if path != str(user_folder)]
    sys.modules.pop("mytask", None)


def test_a_users_own_objective_and_space_are_tuned_from_the_command_line(cli: Cli) -> None:
    code, answer, messages = cli("run", "mine.toml", "--executor", "inline", "--seed", "3")
    assert code == 0, messages
    assert "best accuracy" in answer
    assert "over the default configuration" in answer
    assert "tuner best mine --top 5" in answer
    assert "[12/12]" in messages


def test_run_answers_in_json_and_in_json_alone(cli: Cli) -> None:
    _, answer, _ = cli("run", "mine.toml", "--executor", "inline", "--json")
    summary = json.loads(answer)
    assert summary["study"] == "mine"
    assert summary["finished"] == summary["target"] == 12
    assert summary["best"]["value"] >= summary["default_value"]
    assert summary["gain"] == pytest.approx(summary["best"]["value"] - summary["default_value"])


def test_the_same_seed_finds_the_same_and_another_does_not() -> None:
    first = tuner.run("mine.toml", name="first", executor="inline")
    second = tuner.run("mine.toml", name="second", executor="inline")
    third = tuner.run("mine.toml", name="third", executor="inline", seed=1)
    assert first.learning_curves() == second.learning_curves()
    assert first.learning_curves() != third.learning_curves()


@pytest.mark.usefixtures("ray_session")
def test_ray_decides_as_inline_does() -> None:
    inline = tuner.run("mine.toml", name="inline", executor="inline")
    under_ray = tuner.run("mine.toml", name="ray", parallel=1)
    assert [(t.number, t.state, t.config, t.value, t.curve) for t in inline.trials] == [
        (t.number, t.state, t.config, t.value, t.curve) for t in under_ray.trials
    ]


@pytest.mark.usefixtures("ray_session")
def test_the_built_in_objective_runs_in_parallel_and_is_tested_once_at_the_end() -> None:
    study = tuner.run("iris", trials=6, epochs=3)
    assert len(study.trials) == 6
    assert study.best_trial.state is TrialState.COMPLETE
    assert set(study.best_trial.metrics) > {"accuracy", "precision", "recall", "f1", "roc_auc", "log_loss"}
    assert study.test_metrics is not None
    assert set(study.test_metrics) == set(study.best_trial.metrics)
    assert study.resume().test_metrics == study.test_metrics


def test_wrong_numbers_fail_their_trial_with_a_reason_and_never_the_study(cli: Cli) -> None:
    code, _, messages = cli(
        "run", "mine.toml", "--executor", "inline", "--set", "objective=mytask:strange", "--set", "scheduler.name=none",
        "--trials", "9", "--set", "budget.epochs=1",
    )  # fmt: skip
    assert code == 0, messages
    _, answer, _ = cli("trials", "mine", "--state", "fail", "--json")
    reasons = Counter(trial["reason"] for trial in json.loads(answer))
    assert reasons == {"not_finite": 3, "not_a_number": 3, "no_metrics": 1, "raised": 1}


def test_when_every_trial_fails_the_exit_code_is_3_and_the_reason_is_shown(cli: Cli) -> None:
    code, _, messages = cli("run", "mine.toml", "--executor", "inline", "--set", "objective=mytask:always_raising")
    assert code == 3
    assert "RuntimeError: no such layer" in messages
    assert "Traceback" not in messages
    code, _, messages = cli("best", "mine")
    assert code == 3
    assert "no such layer" in messages


def test_some_failing_trials_do_not_fail_the_study(cli: Cli) -> None:
    code, answer, _ = cli("run", "mine.toml", "--executor", "inline", "--set", "objective=mytask:raising")
    assert code == 0
    assert "6 failed with: RuntimeError: no such layer" in answer


def test_a_metric_that_is_never_yielded_is_told_at_once_and_leaves_no_study(cli: Cli) -> None:
    code, _, messages = cli("run", "mine.toml", "--executor", "inline", "--set", "objective=mytask:misnamed")
    assert code == 2
    assert "does not yield the study's metric 'accuracy'; did you mean 'acuracy'?" in messages
    assert cli("list", "--json")[1].strip() == "[]"


def test_a_study_is_extended_by_resuming_it_with_a_larger_target(cli: Cli) -> None:
    cli("run", "mine.toml", "--executor", "inline", "--trials", "4")
    code, _, messages = cli("resume", "mine", "--trials", "7")
    assert code == 0
    assert "4 trials finished, 0 continue" in messages
    assert len(tuner.load_study("mine").trials) == 7
    assert cli("resume", "mine")[0] == 0
    assert len(tuner.load_study("mine").trials) == 7


def test_an_extended_study_equals_one_that_was_as_large_from_the_start() -> None:
    extended = tuner.run("mine.toml", name="extended", executor="inline", trials=5).resume(trials=12)
    whole = tuner.run("mine.toml", name="whole", executor="inline", trials=12)
    assert extended.learning_curves() == whole.learning_curves()


def test_time_ends_a_study_without_failing_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAUSE", "0.05")
    code, answer, _ = cli("run", "mine.toml", "--executor", "inline", "--trials", "500", "--time", "1s")
    assert code == 0
    assert "the time is up; continue with: tuner resume mine" in answer
    assert 1 < len(tuner.load_study("mine").trials) < 500


@pytest.mark.parametrize(
    ("old", "new", "diff"),
    [
        ('metric = "accuracy"', 'metric = "loss"', "~ metric: 'accuracy' -> 'loss'"),
        ('metric = "accuracy"', 'metric = "accuracy"\ndirection = "minimize"', "~ direction: 'maximize' -> 'minimize'"),
        ("epochs = 9", "epochs = 27", "~ budget.epochs: 9 -> 27"),
        ('"mytask:train"', '"mytask:raising"', "~ objective: 'mytask:train' -> 'mytask:raising'"),
    ],
)
def test_a_changed_study_file_is_refused_with_a_diff(
    old: str, new: str, diff: str, user_folder: Path, cli: Cli
) -> None:
    cli("run", "mine.toml", "--executor", "inline", "--trials", "2")
    before = tuner.load_study("mine")
    file = user_folder / "mine.toml"
    file.write_text(file.read_text().replace(old, new))
    code, _, messages = cli("resume", "mine", "--trials", "4")
    assert code == 5
    assert diff in messages
    assert tuner.load_study("mine").trials == before.trials


def test_a_changed_space_is_refused_with_a_diff(user_folder: Path, cli: Cli) -> None:
    cli("run", "mine.toml", "--executor", "inline", "--trials", "2")
    sys.modules.pop("mytask")
    file = user_folder / "mytask.py"
    file.write_text(file.read_text().replace("x=Float(0.0, 1.0, default=0.2)", "x=Float(0.0, 2.0, default=0.2)"))
    code, _, messages = cli("resume", "mine", "--trials", "4")
    assert code == 5
    assert "~ x: float 0 .. 1, default 0.2 -> float 0 .. 2, default 0.2" in messages


def test_a_study_whose_file_is_gone_goes_on_as_it_was_stored(user_folder: Path, cli: Cli) -> None:
    cli("run", "mine.toml", "--executor", "inline", "--trials", "2")
    (user_folder / "mine.toml").unlink()
    assert cli("resume", "mine", "--trials", "3")[0] == 0
    assert len(tuner.load_study("mine").trials) == 3


def test_a_study_is_resumed_from_another_folder(
    user_folder: Path, cli: Cli, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("run", "mine.toml", "--executor", "inline", "--trials", "2")
    storage = str(user_folder / ".tuner" / "studies.db")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    sys.modules.pop("mytask")
    code, answer, messages = cli("resume", "mine", "--trust", "--trials", "3", "--storage", storage)
    assert code == 0, messages
    assert f"tuner best mine --top 5 --storage {storage}" in answer


def test_optuna_shows_our_study_with_states_parameters_and_curves(user_folder: Path) -> None:
    study = tuner.run("mine.toml", executor="inline")
    shown = optuna.load_study(study_name="mine", storage=f"sqlite:///{user_folder}/.tuner/studies.db")
    assert [trial.state.name for trial in shown.trials] == [trial.state.value for trial in study.trials]
    assert [trial.intermediate_values for trial in shown.trials] == [dict(trial.curve) for trial in study.trials]
    assert shown.best_value == study.best_trial.value
    assert set(shown.trials[0].params) == {"x", "shape"}


def test_only_the_best_trials_keep_their_weights(user_folder: Path) -> None:
    study = tuner.run("mine.toml", executor="inline", trials=20)
    kept = {path.name for path in checkpoints_in(user_folder / ".tuner", "mine").glob("trial-*")}
    assert kept == {f"trial-{trial.number:05d}" for trial in study.top(5)}


def test_a_study_is_made_of_objects_and_resumed_with_them() -> None:
    def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
        for epoch in range(trial.max_epochs):
            yield {"score": trial.config["x"] * (epoch + 1)}

    space = tuner.SearchSpace(x=tuner.Float(0, 1)).require("x is not tiny", lambda config: config["x"] > 0.1)
    spec = tuner.StudySpec(
        objective=train,
        search_space=space,
        metric="score",
        name="objects",
        budget=tuner.Budget(trials=5, epochs=3),
        executor="inline",
    )
    study = tuner.run(spec)
    assert len(study.trials) == 5
    assert all(trial.config["x"] > 0.1 for trial in study.trials)
    assert len(study.resume(trials=8).trials) == 8


def test_patience_completes_trials_and_lets_a_gaussian_process_learn() -> None:
    study = tuner.run(
        tuner.StudySpec(
            objective="supervised",
            search_space=tuner.SearchSpace(
                optimizer=tuner.Choice(sgd={"lr": tuner.Float(1e-3, 1.0, log=True)}), batch_size=tuner.Choice(32)
            ),
            metric="accuracy",
            name="patient",
            settings={"dataset": "iris"},
            budget=tuner.Budget(trials=3, epochs=12),
            sampler="random",
            scheduler=tuner.Component(name="patience", options={"epochs": 2}),
            executor="inline",
        )
    )
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}
    assert any(trial.last_epoch < 12 for trial in study.trials)
