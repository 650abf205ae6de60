"""A model that was exported answers as it did in its study, and its folder is whole or not there."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from commands import PROGRAM, TEMPLATE
from models.conftest import KINDS, Place
from places import checkpoints_in
from safetensors.torch import load_file

import tuner
from tuner import Budget, Choice, SearchSpace, StudySpec
from tuner.domain.errors import ConfigurationError, ModelError
from tuner.domain.goal import Goal
from tuner.domain.new_study import NewStudy
from tuner.domain.objective import Objective
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.objectives import build_objective
from tuner.objectives._components import DATASETS
from tuner.objectives._tasks import Task
from tuner.objectives.datasets._splitting import split
from tuner.storage.store import open_store

FRESH = """
import sys, numpy, pandas, tuner
for kind in sys.argv[1:]:
    model = tuner.load_model(kind)
    inputs = pandas.read_csv("table.csv") if kind == "table" else numpy.load(f"{kind}-inputs.npy")
    answers = model.predict_proba(inputs) if model.is_classifier else model.predict(inputs)
    numpy.save(f"{kind}-answers.npy", answers)
    numpy.save(f"{kind}-predicted.npy", model.predict(inputs))
"""


def test_a_fresh_process_answers_with_an_export_as_the_study_does_to_the_last_bit(
    trained: Place, tmp_path: Path
) -> None:
    for kind, (dataset, _) in KINDS.items():
        inputs, _ = DATASETS[dataset]().load()
        trained.study(kind).export(tmp_path / kind)
        np.save(tmp_path / f"{kind}-inputs.npy", inputs)
    table = _table(tmp_path / "table.csv")
    table.export(tmp_path / "table")
    (tmp_path / "fresh.py").write_text(FRESH)
    answered = TEMPLATE.run("fresh.py", *KINDS, "table", main=PROGRAM, cwd=tmp_path)
    assert answered.returncode == 0, answered.stderr
    rows = {kind: (trained.study(kind), np.load(tmp_path / f"{kind}-inputs.npy")) for kind in KINDS}
    for kind, (study, inputs) in {**rows, "table": (table, pd.read_csv(tmp_path / "table.csv"))}.items():
        model = study.best_model()
        answers = model.predict_proba(inputs) if model.is_classifier else model.predict(inputs)
        assert np.load(tmp_path / f"{kind}-answers.npy").tobytes() == answers.tobytes()
        assert np.load(tmp_path / f"{kind}-predicted.npy").tolist() == model.predict(inputs).tolist()


def _table(path: Path) -> tuner.Study:
    """Return a study of a file with numbers, dates, categories and gaps, which it writes to `path`."""
    rng = np.random.default_rng(0)
    city = rng.choice(["Rome", "Oslo", ""], 90)
    frame = pd.DataFrame({"income": rng.normal(30, 8, 90), "city": city, "since": "2024-03-01"})
    frame.loc[::7, "since"] = "2024-10-31"
    frame.loc[::5, "income"] = np.nan
    frame["buys"] = np.where(frame["income"].fillna(30) + 8 * (city == "Oslo") > 32, "yes", "no")
    frame.to_csv(path, index=False)
    study: tuner.Study = tuner.run(
        StudySpec(
            name="table",
            objective="supervised",
            search_space=SearchSpace(encoding=Choice("embedding")),
            metric="loss",
            direction="minimize",
            settings={"dataset": str(path), "target": "buys"},
            budget=Budget(trials=1, epochs=1),
            executor="inline",
        ),
        storage=str(path.with_suffix(".db")),
    )
    return study


@pytest.mark.parametrize("kind", KINDS)
def test_the_models_answers_to_the_validation_rows_are_worth_what_the_study_says(trained: Place, kind: str) -> None:
    study, dataset = trained.study(kind), DATASETS[KINDS[kind][0]]()
    inputs, targets = dataset.load()
    rows = split(targets, task=dataset.task, validation=0.2, test=0.2, seed=0).validation
    answers, metrics = study.best_model().predict(inputs[rows]), study.best_trial.metrics
    if dataset.task is Task.CLASSIFICATION:
        classes = study.best_model().classes_
        assert np.mean(answers == classes[targets[rows]]) == pytest.approx(metrics["accuracy"])
    else:
        assert np.abs(answers - targets[rows]).mean() == pytest.approx(metrics["mae"])


def test_an_export_holds_tensors_json_and_text_for_its_owner_alone(exported: Path) -> None:
    assert sorted(file.name for file in exported.iterdir()) == [
        "README.md",
        "model.json",
        "model.safetensors",
        "preprocessing.safetensors",
    ]
    assert exported.stat().st_mode & 0o077 == 0
    for file in exported.iterdir():
        assert file.stat().st_mode & 0o077 == 0
        assert b"pickle" not in file.read_bytes()
        # A safetensors file begins with the length of its header in 8 bytes, whatever those are; a pickle does with 80.
        is_tensors = file.suffix == ".safetensors" and file.read_bytes()[8:9] == b"{"
        assert is_tensors or not file.read_bytes().startswith((b"\x80", b"PK"))
    assert set(load_file(exported / "model.safetensors")) == set(_network(exported))


def _network(folder: Path) -> dict[str, object]:
    weights: dict[str, object] = dict(tuner.load_model(folder).save().weights)
    return weights


def test_model_json_says_what_the_model_is_and_where_it_comes_from(exported: Path, trained: Place) -> None:
    study = trained.study("transformer")
    said = json.loads((exported / "model.json").read_text())
    assert said["config"] == study.best_trial.config
    assert said["metrics"] == {"validation": dict(study.best_trial.metrics), "test": dict(study.test_metrics or {})}
    assert said["study"]["trial"] == study.best_trial.number
    assert said["versions"]["tuner"] == tuner.__version__


def test_another_trial_that_has_its_weights_can_be_chosen(trained: Place, tmp_path: Path) -> None:
    study = trained.study("mlp")
    other = next(trial for trial in study.trials if trial.number != study.best_trial.number)
    folder = study.export(tmp_path / "other", trial=other.number)
    said = json.loads((folder / "model.json").read_text())
    assert said["study"]["trial"] == other.number
    assert list(said["metrics"]) == ["validation"]


@pytest.mark.parametrize(("number", "problem"), [(7, "has no trial 7"), (-1, "has no trial -1")])
def test_a_trial_that_is_not_there_cannot_be_chosen(trained: Place, number: int, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        trained.study("mlp").best_model(number)


def test_weights_that_are_gone_or_damaged_are_named_with_the_trials_that_have_theirs(tmp_path: Path) -> None:
    study = tuner.run(
        "iris", storage=str(tmp_path / "studies.db"), executor="inline", trials=2, epochs=1, scheduler="none"
    )
    (weights,) = (checkpoints_in(tmp_path, "iris") / f"trial-{study.best_trial.number:05d}").iterdir()
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ModelError, match=f"the weights of trial {study.best_trial.number}") as caught:
        study.best_model()
    assert caught.value.hint.endswith(f"takes one that has them: {1 - study.best_trial.number}")
    assert caught.value.exit_code == 4


def test_a_folder_with_something_in_it_is_left_alone(trained: Place, exported: Path) -> None:
    study = trained.study("transformer")
    before = (exported / "model.json").read_bytes()
    with pytest.raises(ConfigurationError, match="not empty"):
        trained.study("mlp").export(exported)
    assert (exported / "model.json").read_bytes() == before
    study.export(exported, force=True)
    (exported / "diary.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"has diary\.txt, which is not of an export"):
        study.export(exported, force=True)
    assert (exported / "diary.txt").read_text() == "mine"


def test_force_puts_another_model_in_the_place_of_an_export(trained: Place, exported: Path) -> None:
    trained.study("mlp").export(exported, force=True)
    assert json.loads((exported / "model.json").read_text())["study"]["name"] == "mlp"
    assert [path.name for path in exported.parent.iterdir()] == ["model"]


def test_an_export_that_fails_leaves_nothing(trained: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.objectives.training.onnx_export._LIBRARIES", ("a_library_nobody_has",))
    with pytest.raises(ConfigurationError, match="ONNX needs a_library_nobody_has") as caught:
        trained.study("mlp").export(tmp_path / "model", onnx=True)
    assert caught.value.hint == "pip install 'tuner[onnx]'"
    assert [*tmp_path.iterdir()] == []


def test_onnx_answers_as_torch_does(trained: Place, tmp_path: Path) -> None:
    import onnxruntime  # noqa: PLC0415 - a second that no other test needs

    study = trained.study("mlp")
    folder = study.export(tmp_path / "model", onnx=True)
    assert str(Path(__file__).parents[2]).encode() not in (folder / "model.onnx").read_bytes()
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    inputs, _ = DATASETS["wine"]().load()
    model = study.best_model()
    prepared = model.inputs(inputs).numpy()  # type: ignore[attr-defined]
    for rows in (1, len(inputs)):
        (probabilities,) = session.run(["probabilities"], {"inputs": prepared[:rows]})
        np.testing.assert_allclose(probabilities, model.predict_proba(inputs[:rows]), atol=1e-6)


def test_arrays_and_tables_are_read_alike_whatever_the_order_of_the_columns(trained: Place) -> None:
    model = trained.study("transformer").best_model()
    inputs, _ = DATASETS["iris"]().load()
    frame = pd.DataFrame(inputs, columns=list(model.columns or ()))
    frame.insert(0, "id", "x")
    expected = model.predict_proba(inputs)
    assert model.predict_proba(frame[frame.columns[::-1]]).tobytes() == expected.tobytes()
    assert model.predict_proba(inputs.astype(np.float64)).tobytes() == expected.tobytes()


def test_what_cannot_be_read_is_told_all_at_once(trained: Place) -> None:
    model = trained.study("transformer").best_model()
    inputs, _ = DATASETS["iris"]().load()
    frame = pd.DataFrame(inputs[:3], columns=list(model.columns or ()))
    with pytest.raises(ConfigurationError, match="is missing") as caught:
        model.predict(frame.rename(columns={"petal width (cm)": "petal widht (cm)"}).drop(columns="sepal width (cm)"))
    assert len(caught.value.problems) == 2
    assert "is it 'petal widht (cm)'" in caught.value.problems[1]
    wordy = frame.astype(object)
    wordy.iloc[1, 0], wordy.iloc[2, 3] = "long", "wide"
    with pytest.raises(ConfigurationError, match="'long' is not a number") as caught:
        model.predict(wordy)
    assert len(caught.value.problems) == 2
    for shape in ((4,), (3, 5), (0, 4), (), (3, 2, 2)):
        with pytest.raises(ConfigurationError):
            model.predict(np.zeros(shape))


def test_a_gap_is_filled_as_it_was_in_training(trained: Place) -> None:
    model = trained.study("transformer").best_model()
    inputs, _ = DATASETS["iris"]().load()
    inputs[0, 1] = np.nan
    assert np.isfinite(model.predict_proba(inputs)).all()


def test_a_model_of_values_has_no_classes_and_no_probabilities(trained: Place) -> None:
    model = trained.study("values").best_model()
    assert not model.is_classifier
    assert not hasattr(model, "classes_")
    with pytest.raises(AttributeError, match="no probabilities"):
        model.predict_proba(DATASETS["diabetes"]().load()[0])


def test_making_a_model_draws_nothing_from_torchs_generator(trained: Place) -> None:

    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    trained.study("mlp").best_model()
    assert torch.equal(torch.rand(1), expected)


def test_the_repetitions_of_a_study_make_models_with_the_split_of_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = str(tmp_path / "studies.db")
    study = tuner.run("iris", storage=storage, executor="inline", trials=1, epochs=1, scheduler="none", seed=7)
    study.confirm(top=1, seeds=2)
    jobs: list[WorkerSpec] = []

    def building(worker_spec: WorkerSpec) -> Objective:
        jobs.append(worker_spec)
        return build_objective(worker_spec)

    monkeypatch.setattr("tuner.models.study_trainings.build_objective", building)
    of_search = study.best_model()
    of_repetitions = tuner.load_study("iris:confirm", storage=storage).best_model()
    rows = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]])
    assert [worker_spec.seed for worker_spec in jobs] == [7, 7]
    np.testing.assert_array_equal(of_search.predict_proba(rows), of_repetitions.predict_proba(rows))


def test_repetitions_go_on_with_their_study_alone(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "studies.db"))
    goal = Goal.of("score", tuner.Direction.MAXIMIZE)
    for name in ("s", "s:confirm"):
        store.create(NewStudy(name=name, goal=goal, space=tuner.SearchSpace(x=tuner.Float(0, 1)), spec={}, source={}))
    with pytest.raises(ConfigurationError, match="'s:confirm' are the repetitions of study 's'") as refused:
        tuner.load_study("s:confirm", storage=str(tmp_path / "studies.db")).resume()
    assert refused.value.hint == f"tuner confirm s --storage {tmp_path / 'studies.db'}"
