import math
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from memory_checkpoints import InMemory

from tuner import Cohort, Direction, Trial
from tuner.domain.config import Config
from tuner.domain.goal import LATENCY_MS
from tuner.domain.objective import Objective
from tuner.domain.trial import Metrics
from tuner.objectives._components import PARTS
from tuner.objectives._tasks import Input
from tuner.objectives.finetune import Finetune
from tuner.objectives.graph import GraphLearning
from tuner.objectives.language import Language
from tuner.objectives.supervised import Supervised
from tuner.registry.catalogue import Catalogue

SPACES = Catalogue("tuner.search_spaces", "search space")


def _trial(config: Mapping[str, Any], *, max_epochs: int = 4) -> Trial:
    return Trial(
        config=Config(config),
        number=3,
        seed=11,
        device="cpu",
        epoch=0,
        max_epochs=max_epochs,
        settings=Config({}),
        checkpoints=InMemory(),
    )


def _supervised(dataset: str = "iris", **settings: Any) -> Supervised:
    return Supervised({"dataset": dataset, **settings}, seed=5)


def _advance(cohort: Cohort) -> Metrics:
    (metrics,) = cohort.advance().values()
    assert isinstance(metrics, Mapping)
    return metrics


def _train(objective: Objective, trial: Trial, epochs: int) -> list[Metrics]:
    cohort = objective.start([trial])
    metrics = [_advance(cohort) for _ in range(epochs)]
    cohort.save([trial.number])
    return metrics


DROPPING = {"dropout": 0.3, "normalisation": "batch"}
RESUMED = [
    ("digits", {"architecture": {"name": "mlp", **DROPPING}, "optimizer": "adamw", "lr_schedule": "one_cycle"}),
    ("digits", {"architecture": {"name": "cnn", "channels": 4, **DROPPING}, "optimizer": "nadam"}),
    ("digits_rows", {"architecture": {"name": "rnn", "width": 8, "depth": 2, **DROPPING}, "optimizer": "rmsprop"}),
    ("wine", {"architecture": {"name": "transformer", "width": 8, "dropout": 0.3}, "optimizer": {"name": "adam"}}),
    ("diabetes", {"optimizer": {"name": "sgd", "clip": 1.0}, "lr_schedule": {"name": "cosine", "warmup": 0.3}}),
    ("iris", {"optimizer": "adagrad", "loss": "focal", "transformation": "quantile"}),
]


@pytest.mark.parametrize(("dataset", "config"), RESUMED, ids=str)
def test_a_trial_that_was_interrupted_goes_on_exactly_as_if_it_had_not_been(
    dataset: str, config: Mapping[str, Any]
) -> None:
    whole, stopped = _trial(config), _trial(config)
    uninterrupted = _train(_supervised(dataset), whole, 4)
    before = _train(_supervised(dataset), stopped, 2)
    after = _train(_supervised(dataset), replace(stopped, epoch=2), 2)
    assert [*before, *after] == uninterrupted
    assert _supervised(dataset).test(stopped) == _supervised(dataset).test(whole)


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        ("image_classifier", "digits"),
        ("sequence_classifier", "digits_rows"),
        ("tabular_classifier", "breast_cancer"),
        ("tabular_regressor", "diabetes"),
    ],
)
def test_the_default_of_every_space_trains_and_is_tested(name: str, dataset: str) -> None:
    objective = _supervised(dataset)
    trial = _trial(SPACES[name].default)
    (metrics,) = _train(objective, trial, 1)
    assert metrics.keys() == objective.metrics().keys() - {LATENCY_MS}
    assert all(math.isfinite(value) for value in metrics.values())
    tested = objective.test(trial)
    assert tested is not None
    assert tested.keys() == metrics.keys()


def _finetuning(space: str, folder: Path) -> Objective:
    rows = [f'"{word} text number {number}",{word}' for number in range(40) for word in ("good", "bad")]
    (folder / "texts.csv").write_text("\n".join(["text,kind", *rows]))
    (folder / "text.txt").write_text("\n\n".join(rows))
    given = {"base": "random", "context": 16, "steps": 2}
    if space == "finetune":
        return Finetune({**given, "dataset": str(folder / "text.txt")}, seed=0)
    classes = {"task": "classification", "dataset": str(folder / "texts.csv"), "target": "kind"}
    return Finetune({**given, **classes}, seed=0)


def _objective_of(space: str, folder: Path) -> Objective:
    """Return an objective that the space is made for, on few examples."""
    if space == "language":
        (folder / "text.txt").write_text("\n\n".join(f"{number} is a number" * 3 for number in range(200)))
        return Language({"dataset": str(folder / "text.txt"), "context": 8, "width": 16, "steps": 2}, seed=0)
    if space.startswith("finetune"):
        return _finetuning(space, folder)
    if space == "graph_classifier":
        return GraphLearning({"dataset": "digits_neighbours"}, seed=0)
    if space == "graph_regressor":
        ring = np.arange(60)
        edges = np.stack([ring, np.roll(ring, 1)])
        np.savez(folder / "ring.npz", x=np.eye(60), y=np.linspace(0, 1, 60), edges=edges)
        return GraphLearning({"dataset": str(folder / "ring.npz")}, seed=0)
    dataset = {"image_classifier": "digits", "sequence_classifier": "digits_rows"}
    return _supervised(dataset.get(space, "diabetes" if space.endswith("regressor") else "iris"))


@pytest.mark.parametrize("name", SPACES.names)
def test_the_far_ends_of_every_space_train_without_an_error(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNER_CACHE", str(tmp_path / "cache"))
    objective = _objective_of(name, tmp_path)
    known = {*(objective.metrics() or {})}
    for quantile in (0.0, 0.55, 1.0):
        config = SPACES[name].build(lambda _, parameter, at=quantile: parameter.at(at))
        assert _train(objective, _trial(config), 1)[0].keys() == known - {LATENCY_MS}


TABULAR = frozenset({Input.IMAGE, Input.SEQUENCE, Input.TABLE})
"""What supervised learning reads: graphs and texts have objectives of their own."""
MEMBERS = [
    (kind, name)
    for kind in PARTS
    for name in PARTS[kind].names
    if kind != "architecture" or TABULAR & PARTS[kind][name].inputs
]


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_every_member_that_fits_can_be_chosen_by_its_name_alone(kind: str, name: str) -> None:
    dataset = "diabetes" if name in ("huber", "mean_absolute_error", "mean_squared_error") else "iris"
    dataset = "digits" if name in ("cnn", "rnn") else dataset
    (metrics,) = _train(_supervised(dataset), _trial({kind: name}), 1)
    assert all(math.isfinite(value) for value in metrics.values())


def test_training_helps() -> None:
    first, *_, last = _train(_supervised("digits"), _trial({"optimizer": {"name": "adamw", "lr": 0.005}}), 4)
    assert last["loss"] < first["loss"]
    assert last["accuracy"] > 0.9


def test_trials_of_one_seed_are_equal_and_their_split_is_the_studys() -> None:
    assert _train(_supervised(), _trial({}), 2) == _train(_supervised(), _trial({}), 2)
    other = Supervised({"dataset": "iris"}, seed=6)
    assert _train(_supervised(), _trial({}), 2) != _train(other, _trial({}), 2)


def test_a_batch_larger_than_the_training_split_is_the_whole_of_it() -> None:
    whole, larger = (_train(_supervised(), _trial({"batch_size": size}), 2) for size in (90, 1000))
    assert whole == larger


def test_a_trial_that_diverges_measures_nan_and_goes_on() -> None:
    measured = _train(_supervised("diabetes"), _trial({"optimizer": {"name": "gradient_descent", "lr": 1e30}}), 2)
    assert math.isnan(measured[-1]["mse"])
    assert math.isnan(measured[-1]["loss"])


def test_a_cohort_ends_after_the_last_epoch_and_says_nothing_of_dropped_trials() -> None:
    cohort = _supervised().start([_trial({}, max_epochs=1)])
    _advance(cohort)
    assert cohort.advance() == {3: None}
    cohort.drop([1])
    assert cohort.advance() == {3: None}
    cohort.drop([3])
    assert cohort.advance() == {}


def test_there_are_no_test_metrics_without_a_test_split_and_no_metrics_of_an_untrained_trial() -> None:
    trial = _trial({})
    with pytest.raises(ValueError, match="trial 3 has no saved state"):
        _supervised().test(trial)
    _train(_supervised(test=0), trial, 1)
    assert _supervised(test=0).test(trial) is None


def test_the_state_that_is_saved_has_nothing_of_the_data_in_it() -> None:
    trial = _trial({"optimizer": "sgd"})
    _train(_supervised(), trial, 1)
    state = trial.load()
    assert state is not None
    assert state.keys() == {"model", "optimizer"}


def test_metrics_are_named_with_their_directions() -> None:
    assert _supervised("wine").metrics()["accuracy"] is Direction.MAXIMIZE
    assert _supervised("diabetes").metrics()["rmse"] is Direction.MINIMIZE


BASE: dict[str, Any] = {
    "architecture": {"name": "mlp", "width": 8, "dropout": 0.0},
    "batch_size": 16,
    "cleaning": "mean",
}


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": {"name": "mlp", "width": 8, "dropout": 0.4}},
        {"optimizer": "sgd"},
        {"loss": "focal"},
        {"scaling": "minmax"},
    ],
    ids=str,
)
def test_trials_whose_tensors_have_the_same_shapes_share_their_cohort_key(change: dict[str, Any]) -> None:
    objective = _supervised()
    assert objective.cohort_key(Config(BASE)) == objective.cohort_key(Config(BASE | change))


@pytest.mark.parametrize(
    "change", [{"architecture": {"name": "mlp", "width": 9}}, {"batch_size": 32}, {"cleaning": "median"}], ids=str
)
def test_trials_whose_tensors_differ_in_shape_do_not(change: dict[str, Any]) -> None:
    objective = _supervised()
    assert objective.cohort_key(Config(BASE)) != objective.cohort_key(Config(BASE | change))
    assert hash(objective.cohort_key(Config(BASE | change)))


def test_asking_the_objective_questions_imports_neither_torch_nor_scikit_learn() -> None:
    program = """
import sys
from tuner.objectives._tasks import Input
from tuner.objectives.graph import GraphLearning
from tuner.objectives.language import Language
from tuner.objectives.supervised import Supervised
from tuner.search_spaces.image_classifier import space
objective = Supervised({"dataset": "digits"}, 0)
objective.metrics(), objective.problems(space), objective.cohort_key(space.default)
assert not {"torch", "sklearn"} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_global_generators_are_not_what_a_trial_depends_on() -> None:
    torch.manual_seed(0)
    first = _train(_supervised(), _trial({}), 2)
    torch.manual_seed(1)
    assert _train(_supervised(), _trial({}), 2) == first


@pytest.mark.parametrize("members", [1, 6])
def test_half_the_bits_learn_about_as_well(members: int) -> None:
    def curve(precision: str) -> list[float]:
        objective = _supervised(precision=precision)
        trials = [replace(_trial({}), number=number, seed=number) for number in range(members)]
        cohort = objective.start(trials)
        outcomes = [cohort.advance()[0] for _ in range(4)]
        return [outcome["loss"] for outcome in outcomes if isinstance(outcome, Mapping)]

    rounded, exact = curve("bfloat16"), curve("float32")
    assert rounded != exact
    assert rounded == pytest.approx(exact, rel=0.05)
    assert rounded[-1] < rounded[0]


@pytest.mark.parametrize(("warmup_steps", "says"), [(16, False), (17, True)])
def test_a_warm_up_that_is_longer_than_all_of_training_is_said(warmup_steps: int, says: bool) -> None:  # noqa: FBT001
    config = {"lr_schedule": {"name": "wsd", "warmup_steps": warmup_steps, "decay": 0.2}, "batch_size": 30}
    cohort = _supervised(validation=0.1, test=0.1).start([_trial(config)])  # 120 examples are 4 batches, 4 times
    cohort.advance()
    assert (
        "the warm-up takes 17 steps, and all of training 16, so the full rate is never reached"
        in cohort.notes().get(3, "")
    ) is says
