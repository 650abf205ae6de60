"""Studies whose best configurations are trained again."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import final

import numpy as np
import pytest
from places import checkpoints_in

import tuner
from tuner.domain.event import Event, EventKind, Listener
from tuner.domain.study import Confirm
from tuner.domain.study_record import is_companion
from tuner.domain.trial import TrialRecord, TrialState
from tuner.running import launch
from tuner.running.components import RunComponents
from tuner.running.resume_request import ResumeRequest
from tuner.storage.store import open_store

Cli = Callable[..., tuple[int, str, str]]
OVERRIDES = {
    "executor": "inline",
    "budget.trials": 7,
    "budget.epochs": 3,
    "confirm.top": 3,
    "confirm.seeds": 3,
    "search_space": "tabular_classifier",
    "sampler": "tpe",  # of its first seven trials several are complete
}


def run(name: str, **overrides: object) -> tuner.Study:
    launch.run("iris", overrides={**OVERRIDES, "name": name, **overrides})
    return tuner.load_study(name)


def repetitions(name: str) -> tuple[TrialRecord, ...]:
    return open_store(None).repetitions(name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("confirmed")


@pytest.fixture
def study(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuner.Study:
    """A study that was confirmed, run once for all tests that only look at it."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("TUNER_STORAGE", raising=False)
    return tuner.load_study("iris") if "iris" in open_store(None) else run("iris")


def test_the_best_configurations_and_the_default_are_trained_again(study: tuner.Study) -> None:
    confirmation = study.confirmation
    assert confirmation is not None
    assert len(confirmation.candidates) == 3
    assert {len(each.estimate.values) for each in confirmation.candidates} == {3}
    assert confirmation.default is not None
    assert [trial.last_epoch for trial in repetitions("iris")] == [3] * 9
    assert len(study.trials) == 7


def test_best_is_the_winner_and_says_how_sure_that_is(study: tuner.Study, cli: Cli) -> None:
    confirmation = study.confirmation
    assert confirmation is not None
    assert study.best_trial.number == confirmation.winner.number
    (best,) = json.loads(cli("best", "iris", "--json")[1])["trials"]
    assert best["number"] == confirmation.winner.number
    assert best["confirmed"]["mean"] == confirmation.winner.estimate.mean
    assert best["confirmed"]["low"] <= best["confirmed"]["mean"] <= best["confirmed"]["high"]
    assert "mean of 3 trainings" in cli("best", "iris")[1]
    top = json.loads(cli("best", "iris", "--top", "7", "--json")[1])["trials"]
    assert ["confirmed" in trial for trial in top] == sorted(("confirmed" in trial for trial in top), reverse=True)


def test_the_repetitions_of_the_winner_and_the_default_are_tested_and_keep_their_weights(
    study: tuner.Study, folder: Path
) -> None:
    confirmation = study.confirmation
    assert confirmation is not None
    assert confirmation.default is not None
    assert (confirmation.test_gain is None) == (confirmation.winner is confirmation.default)
    tested = {each.number: each for each in (confirmation.winner, confirmation.default)}.values()
    expected = sorted(each.number for candidate in tested for each in candidate.repetitions)
    assert [each.number for each in repetitions("iris") if each.test_metrics is not None] == expected
    kept = sorted(checkpoints_in(folder / ".tuner", "iris:confirm").glob("trial-*"))
    assert [int(path.name.removeprefix("trial-")) for path in kept] == expected
    assert study.test_metrics is not None
    assert study.test_metrics["accuracy"] == confirmation.test["accuracy"].mean


def test_repetitions_are_no_study_of_their_own_to_people(study: tuner.Study, cli: Cli) -> None:
    assert [each["study"] for each in json.loads(cli("list", "--json")[1])] == ["iris"]
    code, _, errors = cli("best", "iris:")
    assert code == 2
    assert "it has: iris;" in errors


def test_fresh_seeds_give_fresh_values(study: tuner.Study) -> None:
    curves = [tuple(trial.curve.items()) for trial in (*study.trials, *repetitions("iris"))]
    metrics = [tuple(trial.metrics.values()) for trial in (*study.trials, *repetitions("iris")) if trial.metrics]
    assert len(set(metrics)) == len(metrics)
    assert all(curves)


@final
class Interrupting(Listener):
    """Ends the run, as Ctrl-C does, when so many repetitions are over."""

    def __init__(self, components: RunComponents, after: int) -> None:
        self._left = after if is_companion(components.spec.name) else -1

    def notify(self, event: Event) -> None:
        if event.kind is EventKind.FINISHED:
            self._left -= 1
            if self._left == 0:
                raise KeyboardInterrupt


@pytest.mark.usefixtures("workplace")
def test_a_confirmation_that_was_interrupted_ends_as_if_it_had_not_been() -> None:
    whole = run("whole", **{"resources.cohort": 1})

    def listeners(components: RunComponents, trials: Sequence[TrialRecord]) -> Sequence[Listener]:
        return [Interrupting(components, after=4)]

    overrides = {**OVERRIDES, "name": "cut", "resources.cohort": 1}
    with pytest.raises(tuner.StudyInterrupted):
        launch.run("iris", overrides=overrides, listeners=listeners)
    assert tuner.load_study("cut").confirmation is None
    resumed = tuner.load_study("cut").resume()
    assert resumed.confirmation is not None
    assert whole.confirmation is not None
    assert resumed.confirmation.describe() == whole.confirmation.describe()
    assert [each.curve for each in repetitions("cut")] == [each.curve for each in repetitions("whole")]


@pytest.mark.usefixtures("workplace")
def test_a_study_that_goes_on_is_confirmed_again_without_training_twice() -> None:
    before = run("iris")
    first = {each.number: each for each in repetitions("iris")}
    launch.resume("iris", ResumeRequest(overrides={"budget.trials": 12}))
    after = before.refresh()
    assert after.confirmation is not None
    again = repetitions("iris")
    assert {each.number: each.curve for each in again if each.number in first} == {
        number: each.curve for number, each in first.items()
    }
    best = min(trial.value for trial in after.trials if trial.state is TrialState.COMPLETE and trial.value is not None)
    assert any(each.search_value == best for each in after.confirmation.candidates)
    assert {len(each.estimate.values) for each in after.confirmation.candidates} == {3}


def test_generator_objectives_are_confirmed_when_that_is_wanted(user_folder: Path, cli: Cli) -> None:
    study = tuner.run("mine.toml", executor="inline", trials=8)
    assert study.confirmation is None
    code, answer, errors = cli("confirm", "mine", "--top", "2", "--seeds", "2", "--executor", "inline")
    assert code == 0, errors
    assert "the mean of 2 trainings" in answer
    confirmation = study.refresh().confirmation
    assert confirmation is not None
    assert len(confirmation.candidates) == 2
    assert len(study.trials) == 8


def test_a_section_in_the_study_file_is_enough(user_folder: Path) -> None:
    (user_folder / "sure.toml").write_text((user_folder / "mine.toml").read_text() + "\n[confirm]\nseeds = 2\n")
    study = tuner.run("sure.toml", executor="inline", trials=6)
    assert study.confirmation is not None
    assert {len(each.estimate.values) for each in study.confirmation.candidates} == {2}


@pytest.mark.usefixtures("workplace")
def test_a_search_without_a_complete_trial_is_not_confirmed(user_folder: Path, cli: Cli) -> None:
    with pytest.raises(tuner.NoUsableTrialError):
        tuner.run("mine.toml", executor="inline", time="0.001s")
    code, _, errors = cli("confirm", "mine", "--executor", "inline")
    assert code == 3
    assert "no trial of study 'mine' is complete" in errors


@pytest.mark.usefixtures("workplace")
def test_schedules_cannot_be_confirmed_and_say_so(cli: Cli) -> None:
    code, _, errors = cli("run", "iris", "--scheduler", "pbt", "--confirm")
    assert code == 2
    assert "confirm: under pbt a trial has several configurations" in errors


def test_every_repetition_keeps_what_each_validation_row_contributes(study: tuner.Study) -> None:
    for each in repetitions("iris"):
        assert each.rows is not None
        values = np.frombuffer(each.rows.data, "<f4")
        assert values.mean() == pytest.approx(each.value)
        assert each.rows.total == len(values) > 1
        assert (each.test_rows is None) == (each.test_metrics is None)
    assert {each.rows.total for each in repetitions("iris") if each.rows} == {30}


def correct(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    for epoch in range(trial.epoch, trial.max_epochs):
        rows = [1.0] * (epoch + 1 + trial.config["x"]) + [0.0]
        if trial.row_metric is not None:
            trial.keep_rows(rows)
        yield {"accuracy": sum(rows) / len(rows)}


def test_a_function_keeps_the_rows_of_its_best_epoch_where_it_gives_them(workplace: Path) -> None:
    spec = tuner.StudySpec(
        objective=correct,
        search_space=tuner.SearchSpace(x=tuner.Int(1, 9)),
        metric="accuracy",
        budget=tuner.Budget(trials=3, epochs=2),
        executor="inline",
        confirm=Confirm(run=True, top=2, seeds=2),
    )
    study = tuner.run(spec)
    found = repetitions(study.name)
    assert [each.rows.total for each in found if each.rows] == [each.config["x"] + 3 for each in found]
    assert len([*workplace.rglob("*.f32")]) == len(found)
    study.delete()
    assert not [*workplace.rglob("*.f32")]
