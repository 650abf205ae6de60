"""Ensembles: picked at the end of a run, exported as one model with the single one beside it, and said everywhere."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tuner
from tuner import Budget, Choice, Component, Float, SearchSpace, StudySpec
from tuner.analysis.study_answer import NOTE, StudyAnswer, answer_failure
from tuner.domain.errors import ModelError
from tuner.domain.study import Confirm
from tuner.models.final_answer import settle_answer
from tuner.storage.store import open_store

Cli = Callable[..., tuple[int, str, str]]

SPACE = SearchSpace(optimizer=Choice(adamw={"lr": Float(1e-4, 0.1, log=True, default=0.01)}))


def written(folder: Path) -> pd.DataFrame:
    """Write a table whose two classes follow from its numbers, but for noise."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    frame = pd.DataFrame(x.round(4), columns=["a", "b", "c"])
    frame["kind"] = np.where(x[:, 0] + x[:, 1] ** 2 + rng.normal(size=300) > 1.5, "rare", "usual")
    frame["amount"] = (100 * (x[:, 0] + np.sin(x[:, 1])) + 10 * rng.normal(size=300)).round(3)
    frame.to_csv(folder / "table.csv", index=False)
    return frame


def spec(target: str, metric: str, direction: str, **more: object) -> StudySpec:
    return StudySpec(
        name=target,
        objective="supervised",
        search_space=SPACE,
        metric=metric,
        direction=direction,
        settings={"dataset": "table.csv", "target": target},
        budget=Budget(trials=3, epochs=2),
        scheduler="none",
        confirm=Confirm(top=2, seeds=2, run=True),
        executor="inline",
        **more,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with studies of both targets of a table."""
    folder = tmp_path_factory.mktemp("answers")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        written(folder)
        tuner.run(spec("kind", "f1", "maximize"))
        tuner.run(spec("amount", "rmse", "minimize"))
        yield folder


@pytest.fixture
def here(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(place)
    return place


def answer(name: str) -> StudyAnswer:
    found = tuner.load_study(name).summary.answer
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["kind", "amount"])
def test_the_winners_trainings_are_averaged_and_others_are_picked(here: Path, name: str) -> None:
    found = answer(name)
    assert found.ensemble is not None
    confirmation = tuner.load_study(name).confirmation
    assert confirmation is not None
    winners = {each.number for each in confirmation.winner.complete}
    assert winners <= {each.number for each in found.ensemble.members if each.study == f"{name}:confirm"}
    assert len(found.pool) == 4 + 3
    assert {each.study for each in found.pool} == {name, f"{name}:confirm"}


@pytest.mark.parametrize("name", ["kind", "amount"])
def test_the_ensemble_is_handed_out(here: Path, name: str) -> None:
    found = answer(name)
    assert found.judged_by == {"kind": "log_loss", "amount": "mse"}[name]
    assert found.used is found.ensemble
    assert type(tuner.load_study(name).best_model()).__name__ == "EnsembleModel"


def test_what_is_averaged_was_trained_once_more_on_the_validation_rows_too(here: Path) -> None:
    found = answer("amount").used
    assert found.all_rows
    assert found.test is not None
    states = [*here.rglob("all-rows-*.safetensors")]
    assert len([each for each in states if "amount" in str(each)]) == len(found.members)


def test_what_answers_by_a_threshold_stays_as_it_was_when_that_was_made(here: Path) -> None:
    found = answer("kind").used
    assert found.calibration["threshold"] is not None
    assert not found.all_rows
    assert not [each for each in here.rglob("all-rows-*.safetensors") if "kind" in str(each)]


def test_without_all_rows_the_average_is_of_what_the_search_trained(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy("table.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    tuner.run(spec("amount", "rmse", "minimize", answer={"all_rows": False}))
    found = answer("amount")
    assert found.is_ensemble
    assert not found.used.all_rows
    assert not [*tmp_path.rglob("all-rows-*")]


def test_what_continued_from_other_trials_weights_does_not_begin_anew_on_all_rows(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy("table.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    asked = replace(
        spec("amount", "rmse", "minimize", seed=2),
        budget=Budget(trials=4, epochs=4),
        confirm=Confirm(run=False),
        scheduler=Component(name="pbt", options={"interval": 1, "quantile": 0.5}),
    )
    study = tuner.run(asked)
    found = answer("amount").used
    assert any(study.trials[each.number].schedule for each in found.members)
    assert not found.all_rows
    assert study.best_model() is not None


def test_a_model_whose_trainings_on_all_rows_are_gone_says_so(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(here, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    next(each for each in Path().rglob("all-rows-*") if "amount" in str(each)).write_bytes(b"")
    with pytest.raises(ModelError, match="has lost the weights"):
        tuner.load_study("amount").best_model()


def test_a_resumed_study_trains_on_all_rows_what_is_gone(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(here, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    before = answer("amount").used.fairest[1].value
    gone, *others = sorted(each for each in Path().rglob("all-rows-*") if "amount" in str(each))
    kept = [each.stat().st_mtime_ns for each in others]
    gone.unlink()
    study = tuner.load_study("amount").resume()
    assert gone.exists()
    assert [each.stat().st_mtime_ns for each in others] == kept
    assert study.best_model() is not None
    assert answer("amount").used.fairest[1].value == pytest.approx(before, rel=1e-3)


def test_a_signal_while_all_rows_train_says_how_the_study_continues(
    here: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    shutil.copytree(here, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    next(each for each in Path().rglob("all-rows-*") if "amount" in str(each)).unlink()
    with monkeypatch.context() as patch:
        patch.setattr("tuner.objectives.supervised.Supervised.train_on_all", interrupted)
        code, _, said = cli("resume", "amount")
    assert code == 130
    assert "study amount: making its model, an average of " in said
    assert "everything that was recorded is saved; continue with: tuner resume amount" in said
    assert cli("resume", "amount")[0] == 0
    assert answer("amount").used.all_rows


def test_a_resumed_study_hands_out_what_is_asked_for_by_now(
    here: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(here, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    assert cli("resume", "amount", "--set", "answer.all_rows=false")[0] == 0
    assert not answer("amount").used.all_rows
    assert cli("resume", "amount", "--set", "answer.all_rows=true")[0] == 0
    assert answer("amount").used.all_rows


@pytest.mark.parametrize("name", ["kind", "amount"])
def test_its_values_have_intervals_for_new_rows_and_its_size_is_the_sum_of_its_members(here: Path, name: str) -> None:
    found = answer(name)
    for model in (found.single, found.ensemble):
        assert model is not None
        assert model.test is not None
        for split in (model.validation, model.test):
            assert split.rows == 60
            assert split.estimate.low < split.value < split.estimate.high
        assert model.latency_ms > 0
    assert found.ensemble is not None
    assert found.ensemble.weights == len(found.ensemble.members) * found.single.weights


@pytest.mark.parametrize("name", ["kind", "amount"])
def test_what_is_exported_answers_as_the_study_does_and_as_what_was_measured(
    here: Path, tmp_path: Path, name: str
) -> None:
    study, frame = tuner.load_study(name), pd.read_csv("table.csv")
    study.export(tmp_path / "model")
    model, loaded = study.best_model(), tuner.load_model(tmp_path / "model")
    assert type(model).__name__ == ("EnsembleModel")
    assert (model.predict(frame) == loaded.predict(frame)).all()
    if model.is_classifier:
        assert model.predict_proba(frame).tobytes() == loaded.predict_proba(frame).tobytes()
    assert not list((tmp_path / "model").rglob("*.pkl"))
    card = (tmp_path / "model" / "README.md").read_text()
    assert "average of" in card
    # Answers of `kind` need a threshold, for which its members stay as they were.
    assert ("| metric | validation, before | validation, single model | test |" in card) is (name == "amount")
    assert ("those on the test data are of the model as it is here" in card) is (name == "amount")


def test_without_a_test_split_nothing_is_said_to_have_measured_a_model_of_all_rows(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    shutil.copy("table.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    asked = spec("amount", "rmse", "minimize")
    study = tuner.run(replace(asked, settings={**asked.settings, "test": 0.0}))
    assert answer("amount").used.all_rows
    study.export("model")
    assert "no data was kept apart that could measure" in Path("model/README.md").read_text()
    assert "no data was kept apart" not in Path("model/single/README.md").read_text()
    _, said, _ = cli("best", "amount")
    assert "their value is from before" in said
    assert "test value" not in said


def test_the_single_model_lies_beside_the_ensemble(here: Path, tmp_path: Path, cli: Cli) -> None:
    name = "kind"
    code, said, _ = cli("export", name, str(tmp_path / "model"))
    assert code == 0
    assert "the average of" in said
    single = tuner.load_model(tmp_path / "model" / "single")
    assert type(single).__name__ == "TrainedModel"
    assert cli("export", name, str(tmp_path / "model"), "--force")[0] == 0
    assert json.loads((tmp_path / "model" / "model.json").read_text())["format"] == 2
    assert json.loads((tmp_path / "model" / "single" / "model.json").read_text())["format"] == 1
    code, answered, _ = cli("predict", str(tmp_path / "model"), "table.csv")
    assert code == 0
    assert len(answered.splitlines()) == 301


def test_an_ensemble_that_was_changed_is_refused(here: Path, tmp_path: Path) -> None:
    name = "kind"
    tuner.load_study(name).export(tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").write_bytes(b"no")
    with pytest.raises(ModelError, match="is damaged"):
        tuner.load_model(tmp_path / "model")


def test_the_threshold_for_f1_is_used_to_predict(here: Path) -> None:
    found = answer("kind").used
    threshold = found.calibration["threshold"]
    assert threshold is not None
    model, frame = tuner.load_study("kind").best_model(), pd.read_csv("table.csv")
    second = model.predict_proba(frame)[:, 1]
    assert (model.predict(frame) == np.where(second > threshold, "usual", "rare")).all()


def test_the_summary_and_the_report_say_what_the_model_is(here: Path, cli: Cli, tmp_path: Path) -> None:
    _, said, _ = cli("best", "kind")
    assert "model: " in said
    assert "calibrated: log loss on test rows" in said
    code, _, _ = cli("report", "kind", "-o", str(tmp_path / "kind.md"))
    assert code == 0
    text = (tmp_path / "kind.md").read_text()
    assert "## The model" in text
    assert "probability of the answer" in text


def test_without_ensembles_the_model_is_one_training(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy("table.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    study = tuner.run(spec("kind", "f1", "maximize", answer={"ensemble": False}))
    found = study.summary.answer
    assert found is not None
    assert found.ensemble is None
    assert found.why_single == "answer.ensemble is false"
    study.export("model")
    assert not Path("model/single").exists()


def test_a_model_that_cannot_be_made_ends_no_run_and_its_reason_is_stored(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no memory is left")

    monkeypatch.setattr("tuner.objectives.training.trainer_factory.final_model", fail)
    store = open_store(None)
    with store.holding("amount") as writer:
        kept = store.study("amount").notes[NOTE]
        writer.annotate(NOTE, None)
    try:
        settle_answer(store, "amount")
        assert "RuntimeError: no memory is left" in answer_failure(store.study("amount"))
        with store.holding("amount"):
            settle_answer(store, "amount")  # another process continues it
    finally:
        with store.holding("amount") as writer:
            writer.annotate(NOTE, kept)
        store.close()


def test_an_objective_whose_models_cannot_be_averaged_is_refused_an_ensemble(workplace: Path, cli: Cli) -> None:
    code, _, said = cli("check", "graph", "--set", "answer.ensemble=true")
    assert code == 2
    assert "answer.ensemble: GraphLearning does not say how its models are averaged" in said
