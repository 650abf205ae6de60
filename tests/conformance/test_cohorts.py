"""A trial that is trained together with others has the learning curve that it has alone, whatever they are made of."""

import copy
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import pytest
import torch
from memory_checkpoints import InMemory

from tuner.domain.config import Config
from tuner.domain.trial import Metrics, Trial
from tuner.objectives._components import DATASETS, PARTS, declared
from tuner.objectives.supervised import Supervised
from tuner.objectives.training.batched import BatchedTrainer
from tuner.objectives.training.cohort import SupervisedCohort

EPOCHS = 2
SMALL: Mapping[str, Mapping[str, Any]] = {
    "mlp": {"width": 6, "depth": 1},
    "real_mlp": {"width": 6, "depth": 1, "dropout": 0.0},
    "cnn": {"channels": 2, "depth": 1},
    "rnn": {"width": 5},
    "transformer": {"width": 4, "depth": 1, "heads": 2},
}
DATA = {
    "CLASSIFICATION": {"IMAGE": "digits", "SEQUENCE": "digits_rows", "TABLE": "iris"},
    "REGRESSION": {"TABLE": "diabetes"},
}


def trial(number: int, config: Mapping[str, Any], *, epoch: int = 0, state: Mapping[str, Any] | None = None) -> Trial:
    return Trial(
        config=Config(config),
        number=number,
        seed=100 + number,
        device="cpu",
        epoch=epoch,
        max_epochs=8,
        settings=Config({}),
        checkpoints=InMemory(state),
    )


def supervised(dataset: str) -> Supervised:
    # A tenth trains: what is compared does not depend on how much there is.
    return Supervised(
        {"dataset": dataset, "validation": 0.1, "test": 0.7 if dataset.startswith("digits") else 0.3}, seed=1
    )


Curves = dict[int, list[Metrics]]


def trained(cohort: Any, epochs: int, curves: Curves | None = None) -> Curves:
    curves = {} if curves is None else curves
    for _ in range(epochs):
        for number, metrics in cohort.advance().items():
            assert metrics is not None
            curves.setdefault(number, []).append(metrics)
    return curves


def alone(objective: Supervised, trials: Sequence[Trial], epochs: int = EPOCHS) -> Curves:
    curves: Curves = {}
    for each in trials:
        trained(objective.start([each]), epochs, curves)
    return curves


def together(objective: Supervised, trials: Sequence[Trial]) -> SupervisedCohort:
    cohort = objective.start(trials)
    assert isinstance(cohort, SupervisedCohort)
    assert cohort.is_batched
    return cohort


def assert_same(curves: Curves, others: Curves) -> None:
    assert curves.keys() == others.keys()
    for number, curve in others.items():
        for mine, other in zip(curves[number], curve, strict=True):
            assert mine["parameters"] == other["parameters"], number
            assert mine["loss"] == pytest.approx(other["loss"], rel=2e-3, abs=1e-5), number
            # A prediction on the edge between two classes may fall to either side.
            for name in mine.keys() & {"accuracy"}:
                assert mine[name] == pytest.approx(other[name], abs=0.03), number


NUMBERS: Mapping[str, Sequence[Any]] = {
    "lr": (0.003, 0.01, 0.03),
    "momentum": (0.0, 0.5, 0.9),
    "nesterov": (True, False, True),
    "weight_decay": (0.0, 0.01, 0.1),
    "beta1": (0.8, 0.9, 0.95),
    "beta2": (0.99, 0.999, 0.9),
    "clip": (0.0, 0.5, 1.0),
    "label_smoothing": (0.0, 0.1, 0.2),
    "gamma": (0.5, 2.0, 3.0),
    "delta": (0.5, 1.0, 2.0),
}


def varied(kind: str, name: str, index: int) -> dict[str, Any]:
    """Return a member with other numbers for every index."""
    return {"name": name, **{field: NUMBERS[field][index % 3] for field in PARTS[kind].fields(name)}}


def cases() -> Iterator[tuple[str, str, str]]:
    for architecture in PARTS["architecture"].names:
        for loss in PARTS["loss"].names:
            (task, *_) = declared("loss", loss, "tasks")
            readable = declared("architecture", architecture, "inputs")
            kinds = [kind for kind in DATA[task] if kind in readable]
            if kinds:
                yield architecture, loss, DATA[task][kinds[0]]


@pytest.mark.parametrize(("architecture", "loss", "dataset"), list(cases()))
def test_every_optimizer_trains_as_it_does_alone(architecture: str, loss: str, dataset: str) -> None:
    """Two members of each optimizer in one cohort, every number of them different."""
    configs = [
        {
            "architecture": {"name": architecture, **SMALL[architecture]},
            "loss": varied("loss", loss, index),
            "optimizer": varied("optimizer", optimizer, index),
            "batch_size": 64,
        }
        for optimizer in PARTS["optimizer"].names
        for index in (1, 2)
    ]
    trials = [trial(number, config) for number, config in enumerate(configs)]
    objective = supervised(dataset)
    assert_same(trained(together(objective, trials), EPOCHS), alone(objective, trials))


BASE: Mapping[str, Any] = {"architecture": {"name": "mlp", **SMALL["mlp"]}, "batch_size": 16}


@pytest.mark.parametrize(
    ("dataset", "configs"),
    [
        ("iris", [{"lr_schedule": name} for name in PARTS["lr_schedule"].names]),
        ("iris", [{"lr_schedule": {"name": "cosine", "warmup": share}} for share in (0.0, 0.05, 0.2)]),
        ("iris", [{"loss": name} for name in ("cross_entropy", "focal", "binary_cross_entropy")]),
        ("wine", [{"scaling": name} for name in PARTS["scaling"].names]),
        ("diabetes", [{"transformation": name} for name in PARTS["transformation"].names]),
        ("wine", [{"architecture": {"name": "mlp", "normalisation": "batch"}}] * 3),
        ("wine", [{"architecture": {"name": "mlp", "normalisation": "layer", "activation": "gelu"}}] * 3),
        ("digits", [{"architecture": {"name": "cnn", "channels": 2, "normalisation": "batch"}, "batch_size": 64}] * 3),
        ("digits", [{"architecture": {"name": "cnn", "channels": 2, "normalisation": "layer"}, "batch_size": 64}] * 3),
        ("digits_rows", [{"architecture": {"name": "cnn", "channels": 2, "depth": 3}, "batch_size": 64}] * 3),
        ("digits_rows", [{"architecture": {"name": "rnn", "width": 4, "depth": 2}, "batch_size": 64}] * 3),
        ("digits_rows", [{"architecture": {"name": "rnn", "cell": "lstm", "width": 4}, "batch_size": 64}] * 3),
        (
            "digits_rows",
            [{"architecture": {"name": "rnn", "cell": "lstm", "width": 4, "depth": 2}, "batch_size": 64}] * 3,
        ),
        ("iris", [{"architecture": {"name": "transformer", "width": 8, "depth": 2}, "batch_size": 32}] * 3),
    ],
    ids=str,
)
def test_whatever_members_differ_in_they_train_as_they_do_alone(
    dataset: str, configs: Sequence[Mapping[str, Any]]
) -> None:
    trials = [trial(number, {**BASE, **config}) for number, config in enumerate([*configs, *configs])]
    objective = supervised(dataset)
    assert_same(trained(together(objective, trials), EPOCHS), alone(objective, trials))


@pytest.fixture(scope="module")
def own_table(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A table of 120 rows with a number, two categories with gaps, and a class that is rare."""
    rng = random.Random(0)
    lines = []
    for _ in range(120):
        colour, size, number = rng.choice("rgb"), rng.choice(["S", "M", "L", ""]), rng.gauss(0, 1)
        lines.append(f"{number:.3f},{colour},{size},{'rare' if number > 1 and colour != 'r' else 'common'}")
    file = tmp_path_factory.mktemp("data") / "own.csv"
    file.write_text("number,colour,size,label\n" + "\n".join(lines) + "\n")
    return str(file)


@pytest.mark.parametrize("encoding", ["one_hot", {"name": "embedding", "dimension": 3}], ids=str)
def test_encoded_categories_and_weighted_classes_train_as_they_do_alone(own_table: str, encoding: object) -> None:
    objective = Supervised({"dataset": own_table, "target": "label"}, seed=1)
    trials = [
        trial(number, {**BASE, "encoding": encoding, "class_weights": weights, "loss": loss, "scaling": scaling})
        for number, (weights, loss, scaling) in enumerate(
            product(("none", "balanced"), ("cross_entropy", "focal"), ("standard", "none"))
        )
    ]
    assert_same(trained(together(objective, trials), EPOCHS), alone(objective, trials))


@pytest.mark.parametrize("numbers", ["periodic", "piecewise_linear"])
@pytest.mark.parametrize("encoding", ["one_hot", {"name": "embedding", "dimension": 3}], ids=str)
def test_encoded_numbers_train_as_they_do_alone(own_table: str, numbers: str, encoding: object) -> None:
    """Frequencies that begin with another spread are other initial weights, and no other model."""
    objective = Supervised({"dataset": own_table, "target": "label"}, seed=1)
    fields = {"waves": 5} if numbers == "periodic" else {"bins": 6}
    trials = []
    for number, scaling in enumerate(("standard", "minmax", "robust", "none")):
        chosen = {"name": numbers, **fields, **({"spread": 0.1 * 3**number} if numbers == "periodic" else {})}
        trials.append(trial(number, {**BASE, "encoding": encoding, "number_encoding": chosen, "scaling": scaling}))
    assert len({objective.cohort_key(each.config) for each in trials}) == 1
    assert_same(trained(together(objective, trials), EPOCHS), alone(objective, trials))


def test_weights_make_classes_weigh_the_same_in_training_and_change_nothing_in_measuring(own_table: str) -> None:
    objective = Supervised({"dataset": own_table, "target": "label"}, seed=1)
    still = {**BASE, "optimizer": {"name": "gradient_descent", "lr": 0.0}}
    untrained = alone(objective, [trial(0, still), trial(0, {**still, "class_weights": "balanced"})], 1)
    assert untrained[0][0] == untrained[0][1]
    learning = {**BASE, "optimizer": {"name": "adam", "lr": 0.01}}
    plain, weighted = (
        alone(objective, [trial(0, {**learning, "class_weights": weights})], 6)[0][-1]
        for weights in ("none", "balanced")
    )
    assert weighted["recall"] > plain["recall"] + 0.1


def some(*numbers: int) -> list[Trial]:
    """Return trials of one shape with several optimizers among them."""
    names = PARTS["optimizer"].names
    return [
        trial(number, {**BASE, "optimizer": varied("optimizer", names[number % len(names)], number)})
        for number in numbers
    ]


def test_a_member_that_leaves_does_not_change_the_others() -> None:
    objective = supervised("iris")
    cohort = together(objective, some(0, 1, 2, 3, 4, 5))
    curves = trained(cohort, 1)
    cohort.drop([1, 4])
    trained(cohort, 1, curves)
    whole = alone(objective, some(0, 2, 3, 5))
    assert_same({number: curves[number] for number in whole}, whole)


def test_a_cohort_of_which_few_are_left_goes_on_one_by_one() -> None:
    objective = supervised("iris")
    cohort = together(objective, some(0, 1, 2, 3))
    curves = trained(cohort, 1)
    cohort.drop([0, 3])
    assert not cohort.is_batched
    trained(cohort, 1, curves)
    whole = alone(objective, some(1, 2))
    assert_same({number: curves[number] for number in whole}, whole)


def test_a_member_that_joins_starts_at_its_own_first_epoch() -> None:
    objective = supervised("iris")
    cohort = objective.start(some(0))
    curves = trained(cohort, 1)
    cohort.add(some(1, 2, 3))
    trained(cohort, 1, curves)
    cohort.add(some(4))
    trained(cohort, 1, curves)
    for number, epochs in {0: 3, 1: 2, 2: 2, 3: 2, 4: 1}.items():
        assert_same({number: curves[number]}, alone(objective, some(number), epochs))


def saved(cohort: SupervisedCohort, trials: Sequence[Trial]) -> list[Mapping[str, Any]]:
    cohort.save([each.number for each in trials])
    states = [each.load() for each in trials]
    assert all(states)
    return [state for state in states if state]


def going_on(trials: Sequence[Trial], states: Sequence[Mapping[str, Any]]) -> list[Trial]:
    return [trial(each.number, each.config, epoch=1, state=state) for each, state in zip(trials, states, strict=True)]


def test_trials_of_a_cohort_go_on_alone_and_those_that_were_alone_together() -> None:
    objective = supervised("iris")
    trials = some(0, 1, 2, 3, 4, 5, 6)
    whole = {number: curve[1:] for number, curve in alone(objective, trials).items()}
    cohort = together(objective, trials)
    trained(cohort, 1)
    from_a_cohort = going_on(trials, saved(cohort, trials))
    assert_same(alone(objective, from_a_cohort, 1), whole)
    states = []
    for each in some(0, 1, 2, 3, 4, 5, 6):
        single = objective.start([each])
        assert isinstance(single, SupervisedCohort)
        trained(single, 1)
        states += saved(single, [each])
    assert_same(trained(together(objective, going_on(trials, states)), 1), whole)


def test_a_saved_state_does_not_change_as_training_goes_on() -> None:
    objective = supervised("iris")
    trials = some(0, 1, 2, 3)
    kept: list[Mapping[str, Any]] = []
    trials[0].checkpoints.save = kept.append  # type: ignore[assignment,method-assign]
    cohort = together(objective, trials)
    trained(cohort, 1)
    cohort.save([0])
    before = copy.deepcopy(kept[0]["model"])
    trained(cohort, 1)
    assert all(torch.equal(before[name], kept[0]["model"][name]) for name in before)


@pytest.mark.parametrize("members", [(0, 1, 2, 3), (0, 1)], ids=["batched", "in turn"])
def test_an_exploited_state_goes_on_with_the_members_own_numbers(members: tuple[int, ...]) -> None:
    objective = supervised("iris")

    def adam(number: int, lr: float) -> Trial:
        return trial(number, {**BASE, "optimizer": {"name": "adam", "lr": lr}})

    cohort = objective.start([adam(number, 0.01) for number in members])
    assert isinstance(cohort, SupervisedCohort)
    trained(cohort, 1)
    cohort.exploit(adam(1, 0.02), source=0)
    cohort.save([0, 1])
    found = trained(cohort, 1)

    source = adam(0, 0.01)
    reference = objective.start([source])
    assert isinstance(reference, SupervisedCohort)
    trained(reference, 1)
    (state,) = saved(reference, [source])
    assert_same({1: found[1]}, alone(objective, [trial(1, adam(1, 0.02).config, epoch=1, state=state)], 1))


def test_a_member_that_explodes_explodes_alone() -> None:
    objective = supervised("iris")
    mild = some(0, 1, 2)
    wild = trial(7, {**BASE, "optimizer": {"name": "gradient_descent", "lr": 1e30}})
    curves = trained(together(objective, [*mild, wild]), EPOCHS)
    assert not all(torch.isfinite(torch.tensor(each["loss"])) for each in curves.pop(7))
    assert_same(curves, alone(objective, mild))


def test_each_member_drops_out_its_own_share() -> None:
    objective = supervised("iris")
    trials = [
        trial(number, {**BASE, "architecture": {"name": "mlp", **SMALL["mlp"], "dropout": share}})
        for number, share in enumerate([0.0, 0.0, 0.5, 0.0])
    ]
    curves = trained(together(objective, trials), EPOCHS)
    whole = alone(objective, trials[:2])
    assert_same({number: curves[number] for number in whole}, whole)
    undisturbed = alone(objective, [trial(2, trials[0].config)])
    assert curves[2][0]["loss"] != pytest.approx(undisturbed[2][0]["loss"], rel=1e-4)


def test_what_does_not_fit_into_memory_is_a_memory_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(BatchedTrainer, "train", full)
    cohort = together(supervised("iris"), some(0, 1, 2, 3))
    with pytest.raises(MemoryError, match="out of memory"):
        cohort.advance()


def test_the_key_is_the_shape_and_nothing_else() -> None:
    objective = supervised("wine")
    base = Config({"architecture": {"name": "mlp", "width": 8, "dropout": 0.1}, "batch_size": 32, "scaling": "none"})

    def key(**changes: Any) -> object:
        return objective.cohort_key(Config({**base, **changes}))

    assert key(architecture={"name": "mlp", "width": 8, "dropout": 0.4}) == key()
    assert key(optimizer="sgd", loss="focal", lr_schedule="cosine", scaling="minmax") == key()
    assert key(architecture={"name": "mlp", "width": 9, "dropout": 0.1}) != key()
    assert key(batch_size=64) != key()
    assert key(encoding="embedding") == key(class_weights="balanced") == key()  # wine has no categories
    assert DATASETS["wine"]().kind.name == "TABLE"


def test_the_encoding_is_part_of_the_shape_where_there_is_something_to_encode(own_table: str) -> None:
    objective = Supervised({"dataset": own_table, "target": "label"}, seed=1)
    encodings = ("one_hot", "embedding", {"name": "embedding", "dimension": 2})
    assert len({objective.cohort_key(Config({**BASE, "encoding": encoding})) for encoding in encodings}) == 3
