"""Studies of several metrics and with constraints, from a file to the front, and as Optuna sees them."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna_dashboard._serializer import serialize_frozen_trial

import tuner
from tuner import ConfigurationError, Direction, Float, Int, NoUsableTrialError, ResumeRefusedError, SearchSpace
from tuner import TrialState as State
from tuner.spec.overrides import Overrides

Cli = Callable[..., tuple[int, str, str]]

STUDY = """
objective = "supervised"
search_space = "tabular_classifier"
metrics = ["accuracy", "parameters"]
constraints = ["parameters <= 1000"]
executor = "inline"

[settings]
dataset = "iris"

[budget]
trials = 14
epochs = 2
"""

SPACE = SearchSpace(quality=Float(0, 1), size=Int(1, 100))

pytestmark = pytest.mark.usefixtures("workplace")


@pytest.fixture
def irises(workplace: Path) -> Path:
    """A study file in the working directory."""
    file = workplace / "irises.toml"
    file.write_text(STUDY)
    return file


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where a study of the file has been run, to be looked at alone."""
    folder = tmp_path_factory.mktemp("several")
    (folder / "irises.toml").write_text(STUDY)
    place = str(folder / "studies.db")
    tuner.run(folder / "irises.toml", storage=place)
    return place


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    """Better the larger the model, and a little better with every epoch."""
    for epoch in range(trial.epoch, trial.max_epochs):
        value = trial.config["quality"] + trial.config["size"] / 100 + epoch / 1000
        yield {"value": value, "parameters": trial.config["size"]}


def spec(**given: Any) -> tuner.StudySpec:
    return tuner.StudySpec(
        **{
            "objective": train,
            "search_space": SPACE,
            "metric": "value",
            "budget": tuner.Budget(trials=12, epochs=3),
            "executor": "inline",
            "scheduler": "none",
            **given,
        }
    )


def optunas(name: str, storage: str = ".tuner/studies.db") -> optuna.Study:
    return optuna.load_study(study_name=name, storage=f"sqlite:///{Path(storage).absolute()}")


def test_a_study_of_two_metrics_ends_with_a_front_that_optuna_finds_too(storage: str) -> None:
    study = tuner.load_study("irises", storage)
    front = study.best_trials
    assert study.directions == (Direction.MAXIMIZE, Direction.MINIMIZE)
    assert {trial.number for trial in front} == {trial.number for trial in optunas("irises", storage).best_trials}
    assert len(front) > 1
    assert study.best_trial == front[0] == study.top(1)[0]
    assert study.top(len(front)) == front
    assert all(trial.metrics["parameters"] <= 1000 for trial in front)
    assert study.test_metrics is not None
    assert study.test_metrics["parameters"] == front[0].metrics["parameters"]


def test_a_trial_that_is_too_large_for_good_ends_at_once_and_optuna_and_its_dashboard_know_why(storage: str) -> None:
    study = tuner.load_study("irises", storage)
    stopped = [trial for trial in study.trials if trial.state is State.PRUNED]
    assert stopped
    assert all((trial.last_epoch, trial.metrics["parameters"] > 1000) == (1, True) for trial in stopped)
    optuna_study = optunas("irises", storage)
    for trial, seen in zip(study.trials, optuna_study.trials, strict=True):
        (excess,) = seen.constraints.values()
        assert (excess > 0) is (trial.metrics["parameters"] > 1000)
        assert serialize_frozen_trial(0, seen, {})["constraints"] == [excess]


@pytest.mark.parametrize("scheduler", ["none", "asha", "hyperband"])
def test_an_interrupted_study_of_several_metrics_ends_as_an_uninterrupted_one(scheduler: str) -> None:
    several = {"metric": "", "metrics": ["value", "parameters"], "directions": ["maximize", "minimize"]}
    asked = spec(**several, scheduler=scheduler, budget=tuner.Budget(trials=12, epochs=9))
    whole = tuner.run(asked, name="whole", trials=20)
    parts = tuner.run(asked, name="parts", trials=13).resume(trials=20)
    assert [(t.state, t.config, t.curve, t.metrics) for t in parts.trials] == [
        (t.state, t.config, t.curve, t.metrics) for t in whole.trials
    ]
    assert [trial.number for trial in parts.best_trials] == [trial.number for trial in whole.best_trials]


def test_with_several_metrics_asha_stops_what_others_beat_and_says_so(cli: Cli) -> None:
    several = {"metric": "", "metrics": ["value", "parameters"], "directions": ["maximize", "minimize"]}
    study = tuner.run(spec(**several, scheduler="asha", budget=tuner.Budget(trials=30, epochs=9)), name="halved")
    stopped = [trial for trial in study.trials if trial.state is State.PRUNED]
    assert stopped
    assert {trial.last_epoch for trial in stopped} <= {1, 3}
    for trial in stopped:
        rivals = [each for each in study.trials if each.number < trial.number]
        assert any(
            each.curve[trial.last_epoch] >= trial.curve[trial.last_epoch]
            and each.metrics["parameters"] <= trial.metrics["parameters"]
            for each in rivals
            if trial.last_epoch in each.curve
        )
    code, shown, _ = cli("explain", "halved", str(stopped[0].number))
    assert code == 0
    assert "by all metrics" in shown


def test_optunas_own_sampler_goes_on_with_our_study(irises: Path) -> None:
    tuner.run(irises, trials=11, epochs=1)
    study = optunas("irises")
    study.sampler = optuna.samplers.TPESampler(seed=0)
    assert study.ask({"batch_size": study.trials[0].distributions["batch_size"]}).number == 11


def test_a_study_cannot_go_on_for_something_else(irises: Path) -> None:
    with suppress(NoUsableTrialError):  # whether one of two meets the constraint does not matter here
        tuner.run(irises, trials=2)
    irises.write_text(STUDY.replace("1000", "2000"))
    with pytest.raises(ResumeRefusedError, match="constraints"):
        tuner.load_study("irises").resume(trials=4)
    irises.write_text(STUDY.replace('"parameters"]', '"loss"]'))
    with pytest.raises(ResumeRefusedError, match="metrics"):
        tuner.load_study("irises").resume(trials=4)


def test_best_is_the_front_in_words_and_as_json(storage: str, cli: Cli) -> None:
    study = tuner.load_study("irises", storage)
    count = len(study.best_trials)
    _, words, _ = cli("best", "irises", "--storage", storage)
    title, header, *rows = [line for line in words.splitlines() if line.strip()]
    assert title == f"Pareto front {count} of {_complete(study)} complete trials"
    assert header.split() == ["trial", "accuracy", "parameters", "epoch", "configuration"]
    assert [int(row.split()[0]) for row in rows[:count]] == [each.number for each in study.best_trials]
    answer = json.loads(cli("best", "irises", "--json", "--storage", storage)[1])
    assert (answer["metrics"], answer["directions"]) == (["accuracy", "parameters"], ["maximize", "minimize"])
    assert (answer["metric"], answer["direction"]) == ("accuracy", "maximize")
    assert [each["values"] for each in answer["trials"]] == [
        [trial.value, trial.metrics["parameters"]] for trial in study.best_trials
    ]
    assert len(json.loads(cli("best", "irises", "--top", "1", "--json", "--storage", storage)[1])["trials"]) == 1


def _complete(study: tuner.Study) -> int:
    return sum(trial.state is State.COMPLETE for trial in study.trials)


def test_with_one_metric_and_a_constraint_trials_are_still_stopped_early() -> None:
    study = tuner.run(
        spec(direction="maximize", constraints=["parameters <= 50"], scheduler="asha", name="bound"), trials=24
    )
    best = study.best_trial
    meeting = [each for each in study.trials if each.state is State.COMPLETE and each.metrics["parameters"] <= 50]
    assert best.value == max(each.value or 0.0 for each in meeting)
    assert any(each.state is State.PRUNED and each.metrics["parameters"] <= 50 for each in study.trials)
    assert optunas("bound").best_trial.number == best.number


def test_a_study_that_nothing_meets_says_what_comes_closest(cli: Cli) -> None:
    with pytest.raises(NoUsableTrialError, match="comes closest and breaks value >= 3") as raised:
        tuner.run(spec(direction="maximize", constraints=["value >= 3"], name="hopeless"))
    study = tuner.load_study("hopeless")
    closest = max(study.trials, key=lambda trial: trial.value or 0.0)
    assert f"trial {closest.number} comes closest" in str(raised.value)
    with pytest.raises(NoUsableTrialError, match="comes closest and breaks value >= 3"):
        _ = study.best_trial
    assert study.top(3) == study.best_trials == ()
    code, _, message = cli("best", "hopeless")
    assert (code, "meets the constraints" in message) == (3, True)
    assert "no trial meets the constraints yet" in cli("status", "hopeless")[1]
    listed = cli("trials", "hopeless")[1].splitlines()
    assert all("value >= 3" in line for line in listed[1:])
    assert {each["violated"][0] for each in json.loads(cli("trials", "hopeless", "--json")[1])} == {"value >= 3"}


def test_the_end_of_a_run_that_nothing_meets_is_no_success(irises: Path, cli: Cli) -> None:
    code, answer, message = cli("run", irises, "--trials", "3", "--set", 'constraints=["parameters <= 1"]')
    assert code == 3
    assert "trial 1 stopped at epoch 1, accuracy" in message
    assert "parameters <= 1\n" in message
    assert "no trial meets the constraints yet" in answer
    assert "3 of them break a constraint" in answer
    assert "comes closest and breaks parameters <= 1 (it has " in message


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"metrics": ["value", "parameters"]}, "does not say which way 'value' is better; give one for each metric"),
        (
            {"metrics": ["value", "parameters"], "directions": ["maximize", "minimize"], "scheduler": "median"},
            "median: it",
        ),
        ({"metrics": ["value", "parameters"], "directions": ["maximize", "minimize"], "scheduler": "pbt"}, "pbt: it"),
    ],
)
def test_what_several_metrics_cannot_do_is_told_before_anything_runs(given: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        tuner.run(spec(**{"metric": "", **given}))


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"metrics": ["accuracy", "parametrs"]}, "metrics: the objective does not yield 'parametrs'; did you mean"),
        ({"constraints": ["latncy_ms <= 1"]}, "constraints: the objective does not yield 'latncy_ms'; did you mean"),
    ],
)
def test_a_metric_that_the_objective_does_not_yield_names_the_nearest(
    irises: Path, asked: Overrides, problem: str
) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        tuner.run(irises, **asked)


def test_a_generator_has_to_yield_every_metric_that_is_looked_at() -> None:
    with pytest.raises(ConfigurationError, match="does not yield the study's metric 'latency_ms'"):
        tuner.run(spec(direction="maximize", constraints=["latency_ms <= 5"], name="wanting"))


def test_a_front_shows_in_the_end_of_a_run(irises: Path, cli: Cli) -> None:
    code, answer, messages = cli("run", irises, "--trials", "4", "--set", "budget.epochs=1")
    assert code == 0, messages
    assert "Pareto front" in answer
    assert "accuracy" in messages
    assert ", parameters " in messages


def test_a_direction_against_the_usual_one_is_doubted(irises: Path, cli: Cli) -> None:
    _, _, messages = cli("run", irises, "--trials", "1", "--set", 'directions=["maximize", "maximize"]')
    assert "note: parameters is usually to minimize, this study is to maximize it" in messages
