"""Ensembles: picked at the end of a run, exported as one model with the single one beside it, and said everywhere."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tuner
from tuner import Budget, Choice, Float, SearchSpace, StudySpec
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


def test_a_model_whose_trainings_on_all_rows_are_gone_says_so(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(here, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    next(each for each in Path().rglob("all-rows-*") if "amount" in str(each)).write_bytes(b"")
    with pytest.raises(ModelError, match="has lost the weights"):
        tuner.load_study("amount").best_model()


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
