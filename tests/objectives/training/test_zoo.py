"""Whatever module a person brings: together it learns what it learns alone, or it is trained alone and says why."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from zoo import TOGETHER, ZOO
from zoo_objective import OfTheZoo

from tuner.domain.checkpoints import Checkpoints
from tuner.domain.config import Config
from tuner.domain.trial import Trial
from tuner.objectives.training.cohort import SupervisedCohort
from tuner.objectives.training.module_objective import OwnModel

pytestmark = pytest.mark.filterwarnings("ignore")  # what torch thinks of old ways to do things

EPOCHS = 3
TRIALS = 5


class Memory(Checkpoints):
    def __init__(self) -> None:
        self.state: Mapping[str, Any] | None = None

    def save(self, state: Mapping[str, Any]) -> None:
        self.state = state

    def load(self) -> Mapping[str, Any] | None:
        return None


class Kept(Memory):
    def __init__(self, state: Mapping[str, Any]) -> None:
        self.state = state

    def load(self) -> Mapping[str, Any] | None:
        return self.state


def trials(count: int, *, numbers: bool) -> list[Trial]:
    """Return trials with rates of their own, and with a number of two where the case is about one."""
    optimizers: list[dict[str, Any]] = [{"name": "sgd"}, {"name": "adam"}, {"name": "gradient_descent", "clip": 0.5}]
    return [
        Trial(
            config=Config(
                {
                    "number": index % 2 if numbers else 0,
                    "batch_size": 16,
                    "optimizer": {**optimizers[index % 3], "lr": 0.01 * (1 + index)},
                }
            ),
            number=index,
            seed=100 + index,
            device="cpu",
            epoch=0,
            max_epochs=EPOCHS,
            settings=Config({}),
            checkpoints=Memory(),
        )
        for index in range(count)
    ]


Curves = dict[int, list[Any]]


def trained(own: OwnModel, members: Sequence[Trial]) -> tuple[Curves, bool]:
    """Return the curves of trials that are trained in one cohort, and whether that was one batched model."""
    cohort = begun(own, members)
    batched = cohort.is_batched
    curves: Curves = {member.number: [] for member in members}
    for _ in range(EPOCHS):
        advance(cohort, curves)
    cohort.save([member.number for member in members])
    return curves, batched


def begun(own: OwnModel, members: Sequence[Trial]) -> SupervisedCohort:
    cohort = own.start(members)
    assert isinstance(cohort, SupervisedCohort)
    return cohort


def advance(cohort: SupervisedCohort, curves: Curves) -> None:
    for number, metrics in cohort.advance().items():
        if metrics is not None:
            curves.setdefault(number, []).append(metrics)


def by_key(own: OwnModel, members: Sequence[Trial]) -> list[list[Trial]]:
    """Return the trials as a study would put them together."""
    groups: dict[Any, list[Trial]] = {}
    for member in members:
        key = own.cohort_key(member.config)
        groups.setdefault(object() if key is None else key, []).append(member)
    return list(groups.values())


def assert_same(one: Trial, other: Trial, curves: tuple[Any, Any]) -> None:
    for mine, others in zip(*curves, strict=True):
        assert mine["loss"] == pytest.approx(others["loss"], rel=1e-4, abs=1e-6)
        assert mine["log_loss"] == pytest.approx(others["log_loss"], rel=1e-4, abs=1e-6)
    (mine, others) = (each.checkpoints.state for each in (one, other))  # type: ignore[attr-defined]
    assert mine["model"].keys() == others["model"].keys()
    for name, tensor in others["model"].items():
        # Adam makes steps of rounding errors where a gradient is 0, as of a bias before a softmax.
        if isinstance(tensor, Tensor) and one.config["optimizer"]["name"] != "adam":
            torch.testing.assert_close(mine["model"][name], tensor, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("name", ZOO)
def test_a_module_learns_together_what_it_learns_alone_or_says_why_not(name: str) -> None:
    expected = ZOO[name].expected
    own = OfTheZoo({"case": name}, 0)
    members = trials(TRIALS, numbers=False)
    reason = own.obstacle(members[0].config)
    if expected != TOGETHER:
        assert reason is not None
        assert expected in reason
        assert all(own.cohort_key(member.config) is None for member in members)
        trained(own, members[:1])
        return
    assert reason is None, reason
    (group,) = by_key(own, members)
    curves, batched = trained(own, group)
    assert batched
    for member in trials(TRIALS, numbers=False):
        alone, _ = trained(own, [member])
        assert_same(members[member.number], member, (curves[member.number], alone[member.number]))


@pytest.mark.parametrize("name", [name for name, each in ZOO.items() if "number" in each.build.__code__.co_consts])
def test_trials_of_different_numbers_share_a_key_only_where_the_number_is_in_a_tensor(name: str) -> None:
    own = OfTheZoo({"case": name}, 0)
    members = trials(2 * TRIALS, numbers=True)
    groups = by_key(own, members)
    assert len(groups) == (1 if name == "buffer_with_a_number" else 2)
    curves = {number: curve for group in groups for number, curve in trained(own, group)[0].items()}
    for member in trials(2 * TRIALS, numbers=True):
        alone, _ = trained(own, [member])
        assert_same(members[member.number], member, (curves[member.number], alone[member.number]))


STATEFUL = [
    "batch_norm_of_images",
    "embedding_with_padding",
    "tied_embedding",
    "weight_normalised",
    "frozen_body",
    "frozen_body_of_its_own",
    "unused_layer",
    "layer_used_twice",
    "buffer_reassigned",
    "buffer_in_no_state_dict",
    "drawn_buffer_in_no_state_dict",
    "double_precision",
    "complex_weights",
    "lazy_layers",
    "one_parameter",
]


@pytest.mark.parametrize("name", STATEFUL)
def test_a_module_goes_on_as_it_would_alone_whoever_comes_and_goes(name: str) -> None:
    own, members = OfTheZoo({"case": name}, 0), trials(TRIALS, numbers=False)
    cohort, curves = begun(own, members[:1]), Curves()
    advance(cohort, curves)
    cohort.add(members[1:])
    assert cohort.is_batched
    advance(cohort, curves)
    cohort.drop([1, 3])
    assert not cohort.is_batched
    advance(cohort, curves)
    cohort.save([2, 4])
    for member in trials(TRIALS, numbers=False):
        alone, _ = trained(own, [member])
        known = curves[member.number]
        for mine, others in zip(known, alone[member.number], strict=False):
            assert mine["loss"] == pytest.approx(others["loss"], rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("name", STATEFUL)
def test_a_saved_state_goes_on_as_if_nothing_had_been(name: str) -> None:
    own, members = OfTheZoo({"case": name}, 0), trials(TRIALS, numbers=False)
    whole, _ = trained(own, members)
    states = trials(TRIALS, numbers=False)
    cohort = begun(own, states)
    advance(cohort, {})
    cohort.save([member.number for member in states])
    again = [replace(member, epoch=1, checkpoints=Kept(member.checkpoints.state)) for member in states]  # type: ignore[attr-defined]
    for group in (again[:1], again[1:]):
        curves = Curves()
        cohort = begun(own, group)
        advance(cohort, curves)
        for number, curve in curves.items():
            assert curve[0]["loss"] == pytest.approx(whole[number][1]["loss"], rel=1e-4, abs=1e-6)


def test_what_is_frozen_and_equal_is_held_once() -> None:
    own, members = OfTheZoo({"case": "low_rank_adaptation"}, 0), trials(TRIALS, numbers=False)
    cohort = begun(own, members)
    batch = cohort.batch
    assert batch is not None
    assert batch.weights == 4 * 2 + 2 * 6 + 6 * 3 + 3
    bodies = {batch.row(member.number).still["body.weight"].data_ptr() for member in members}
    assert len(bodies) == 1
    before = batch.row(0).still["body.weight"].clone()
    cohort.advance()
    assert torch.equal(batch.row(0).still["body.weight"], before)


def test_what_is_frozen_and_not_equal_is_each_members_own() -> None:
    own, members = OfTheZoo({"case": "frozen_body_of_its_own"}, 0), trials(TRIALS, numbers=False)
    batch = begun(own, members).batch
    assert batch is not None
    one, other = (batch.row(number).still["0.weight"] for number in (0, 1))
    assert not torch.equal(one, other)


def test_a_build_draws_from_every_generator_by_the_trials_seed_and_leaves_them_as_they_were() -> None:
    own = OfTheZoo({"case": "weights_drawn_by_numpy"}, 0)
    states = []
    for disturbance in (1, 2):
        np.random.seed(disturbance)  # noqa: NPY002
        random.seed(disturbance)
        before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
        (member, *_) = trials(1, numbers=False)
        trained(own, [member])
        states.append(member.checkpoints.state)  # type: ignore[attr-defined]
        assert before == (random.getstate(), np.random.get_state()[1].tolist())  # type: ignore[index]  # noqa: NPY002
    torch.testing.assert_close(states[0]["model"], states[1]["model"], rtol=0, atol=0)


def test_asking_for_a_key_changes_nothing_that_a_model_in_training_reads() -> None:
    own, (member, *_) = OfTheZoo({"case": "class_attribute_set_in_build"}, 0), trials(1, numbers=False)
    cohort, curves = begun(own, [member]), Curves()
    advance(cohort, curves)
    own.cohort_key(Config({**member.config, "number": 1}))
    advance(cohort, curves)
    alone, _ = trained(own, trials(1, numbers=False))
    assert curves[0] == alone[0][:2]
