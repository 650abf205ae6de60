"""Whatever module a person brings: together it learns what it learns alone, or it is trained alone and says why."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from zoo import TOGETHER, ZOO

from tuner.domain.config import Config
from tuner.domain.trial import Checkpoints, Trial
from tuner.objectives.training.cohort import SupervisedCohort
from tuner.objectives.training.own_model import OwnModel

pytestmark = pytest.mark.filterwarnings("ignore")  # what torch thinks of old ways to do things

EPOCHS = 3
TRIALS = 5


def some_inputs(kind: str, count: int, generator: torch.Generator) -> Tensor:
    if kind == "tokens":
        return torch.randint(0, 9, (count, 5), generator=generator)
    shape = {"vectors": (4,), "sequences": (5, 3), "images": (1, 6, 6)}[kind]
    return torch.randn(count, *shape, generator=generator)


class Any3(OwnModel):
    """Tells three classes apart with a module of the zoo, which the settings name."""

    def build(self, config: Config) -> nn.Module:
        return ZOO[self.settings["case"]].build(config)

    def examples(self, split: str) -> tuple[Tensor, Tensor] | None:
        generator = torch.Generator().manual_seed(["train", "validation", "test"].index(split))
        inputs = some_inputs(ZOO[self.settings["case"]].reads, 42 if split == "train" else 24, generator)
        sums = inputs.float().flatten(1).sum(1)
        return inputs, (sums > -0.5).long() + (sums > 0.5).long()


class Memory(Checkpoints):
    def __init__(self) -> None:
        self.state: Mapping[str, Any] | None = None

    def save(self, state: Mapping[str, Any]) -> None:
        self.state = state

    def load(self) -> Mapping[str, Any] | None:
        return None


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


def trained(own: OwnModel, members: Sequence[Trial]) -> tuple[dict[int, list[Any]], bool]:
    """Return the curves of trials that are trained in one cohort, and whether that was one batched model."""
    cohort = own.start(members)
    assert isinstance(cohort, SupervisedCohort)
    batched = cohort.is_batched
    curves: dict[int, list[Any]] = {member.number: [] for member in members}
    for _ in range(EPOCHS):
        for number, metrics in cohort.advance().items():
            curves[number].append(metrics)
    cohort.save([member.number for member in members])
    return curves, batched


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
    own = Any3({"case": name}, 0)
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
    own = Any3({"case": name}, 0)
    members = trials(2 * TRIALS, numbers=True)
    groups = by_key(own, members)
    assert len(groups) == (1 if name == "buffer_with_a_number" else 2)
    curves = {number: curve for group in groups for number, curve in trained(own, group)[0].items()}
    for member in trials(2 * TRIALS, numbers=True):
        alone, _ = trained(own, [member])
        assert_same(members[member.number], member, (curves[member.number], alone[member.number]))
