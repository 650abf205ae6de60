"""Numbers that layers keep as attributes: every member of a cohort has its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from memory_checkpoints import Forgetful, InMemory
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize

import tuner
from tuner import Float, OwnModel, SearchSpace
from tuner.domain.config import Config
from tuner.domain.trial import Trial
from tuner.objectives._tasks import Task
from tuner.objectives.architectures._layers import dropped_out
from tuner.objectives.losses._loss import Loss
from tuner.objectives.training import layer_attributes
from tuner.objectives.training.batched_functions import TakingColumns
from tuner.objectives.training.cohort import SupervisedCohort
from tuner.search.cohort_policy import CohortPolicy, CohortSettings

Build = Callable[[float], nn.Module]


class Tempered(nn.Module):
    """Divides by a number of its own."""

    def __init__(self, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.inner = nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.inner(inputs) / self.temperature
        return outputs


class Reaching(nn.Module):
    """Reads a number of another layer's."""

    def __init__(self, slope: float) -> None:
        super().__init__()
        self.tempered = Tempered(slope)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = functional.leaky_relu(self.tempered(inputs), self.tempered.temperature)
        return outputs


class Branching(Tempered):
    """Decides by the number: that cannot be done for many at once."""

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.inner(inputs)
        return outputs * 2 if self.temperature > 0.2 else outputs


class Stretched(nn.Module):
    """Makes a weight longer."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.number = number

    def forward(self, weight: Tensor) -> Tensor:
        return weight * (1 + self.number)


class Twice(nn.Module):
    """Has a layer in two places, which is hooked, a weight that is computed, and a number behind a property."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.first = self.second = nn.Linear(4, 4)
        self.__dict__["slope"] = number
        self.out = nn.Linear(4, 3)
        parametrize.register_parametrization(self.out, "weight", Stretched(number))
        self.second.register_forward_hook(lambda _, __, outputs: outputs * 1.5)

    @property
    def slope(self) -> float:
        """The number, under a name that cannot be set."""
        number: float = self.__dict__["slope"]
        return number

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.out(functional.leaky_relu(self.second(self.first(inputs)), self.slope, inplace=True))
        return outputs


class Hooked(nn.Module):
    """A hook reads the number of the layer that it hangs on."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.inner = Tempered(1.0)
        self.inner.temperature = number
        self.inner.register_forward_hook(lambda layer, _, outputs: outputs + layer.temperature)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.inner(inputs)
        return outputs.square()


class Dropping(nn.Module):
    """Leaves out a share by torch's function, for which there is no layer."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.inner = nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return functional.dropout(self.inner(input=inputs), self.share, self.training)


class Peeking(Tempered):
    """Computes something else where its number is not a number."""

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.inner(inputs)
        return outputs * (self.temperature if isinstance(self.temperature, float) else 1.0)


class Cooling(Tempered):
    """Changes its number as it trains."""

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            self.temperature *= 0.9
        return super().forward(inputs)


class Attending(nn.Module):
    """Attends over four steps of one feature, with torch's layer."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.embed = nn.Linear(1, 8)
        self.attention = nn.MultiheadAttention(8, 2, dropout=share, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        steps = self.embed(inputs[..., None])
        outputs: Tensor = self.head(self.attention(steps, steps, steps, need_weights=False)[0].mean(dim=1))
        return outputs


class Encoding(nn.Module):
    """Reads four steps with torch's own encoder."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.embed = nn.Linear(1, 8)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, dropout=share, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.encoder(self.embed(inputs[..., None])).mean(dim=1))
        return outputs


def within(layer: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), layer, nn.Linear(8, 3))


EXACT: Mapping[str, Build] = {
    "leaky_relu": lambda number: within(nn.LeakyReLU(number)),
    "elu": lambda number: within(nn.ELU(number)),
    "celu": lambda number: within(nn.CELU(number)),
    "softplus": lambda number: within(nn.Softplus(number)),
    "softshrink": lambda number: within(nn.Softshrink(number)),
    "hardshrink": lambda number: within(nn.Hardshrink(number)),
    "layer_norm": lambda number: within(nn.LayerNorm(8, eps=number)),
    "temperature": Tempered,
    "another's": Reaching,
    "twice": Twice,
    "hooked": Hooked,
    "several": lambda number: within(nn.Sequential(nn.LayerNorm(8, eps=number), nn.LeakyReLU(number), nn.ELU(number))),
    "in place": lambda number: within(nn.LeakyReLU(number, inplace=True)),
    "double": lambda number: within(nn.LeakyReLU(number)).double(),
    "numpy": lambda number: Tempered(np.sqrt(number)),
}
RANDOM: Mapping[str, Build] = {
    "dropout": lambda number: within(nn.Dropout(number)),
    "attention": Attending,
    "encoder": Encoding,
    "alone": lambda number: nn.Sequential(nn.Linear(4, 3), nn.Dropout(number)),
    "channels": lambda number: nn.Sequential(
        nn.Unflatten(1, (1, 4)), nn.Conv1d(1, 8, 2), nn.Dropout1d(number), nn.Flatten(), nn.Linear(24, 3)
    ),
    "rows": lambda number: within(nn.Dropout1d(number)),
    "volumes": lambda number: nn.Sequential(
        nn.Linear(4, 8), nn.Unflatten(1, (2, 2, 2)), nn.Dropout3d(number), nn.Flatten(), nn.Linear(8, 3)
    ),
    "in place": lambda number: within(nn.Dropout(number, inplace=True)),
    "by a function": Dropping,
    "beside other numbers": lambda number: within(
        nn.Sequential(nn.LayerNorm(8, eps=0.01 + number), nn.Dropout(number), nn.LeakyReLU(number))
    ),
    "beside statistics": lambda number: within(nn.Sequential(nn.BatchNorm1d(8), nn.Dropout(number))),
}


class Built(OwnModel):
    """Classifies noise."""

    def examples(self, split: str) -> tuple[Tensor, Tensor] | None:
        generator = torch.Generator().manual_seed(len(split))
        return torch.randn(96, 4, generator=generator), torch.randint(3, (96,), generator=generator)


def built(make: Build) -> Built:
    class Own(Built):
        def build(self, config: Config) -> nn.Module:
            return make(config["number"])

    return Own({}, 0)


def trial(number: int, value: float) -> Trial:
    return Trial(
        config=Config({"number": value, "batch_size": 32, "optimizer": {"name": "sgd", "lr": 0.05}}),
        number=number,
        seed=number,
        device="cpu",
        epoch=0,
        max_epochs=9,
        settings=Config({}),
        checkpoints=Forgetful(),
    )


def losses(cohort: Any, epochs: int = 3) -> dict[int, list[float]]:
    found: dict[int, list[float]] = {}
    for _ in range(epochs):
        for number, metrics in cohort.advance().items():
            found.setdefault(number, []).append(metrics["loss"])
    return found


VALUES = (0.1, 0.35, 0.6, 0.85, 0.1)


@pytest.mark.parametrize("make", EXACT.values(), ids=EXACT.keys())
def test_members_with_numbers_of_their_own_train_as_each_does_alone(make: Build) -> None:
    own = built(make)
    trials = [trial(number, value) for number, value in enumerate(VALUES)]
    assert len({own.cohort_key(each.config) for each in trials} - {None}) == 1
    cohort = own.start(trials)
    assert isinstance(cohort, SupervisedCohort)
    assert cohort.is_batched
    together = losses(cohort)
    for each in trials:
        assert together[each.number] == pytest.approx(losses(own.start([each]))[each.number], rel=1e-4), each.number


@pytest.mark.parametrize("make", EXACT.values(), ids=EXACT.keys())
def test_members_that_have_the_number_in_common_train_as_each_does_alone(make: Build) -> None:
    own = built(make)
    trials = [trial(number, 0.35) for number in range(4)]
    cohort = own.start([trial(9, 0.8), *trials])  # whose model is the template, and who leaves
    losses(cohort, 0)
    cohort.drop([9])
    together = losses(cohort)
    for each in trials:
        assert together[each.number] == pytest.approx(losses(own.start([each]))[each.number], rel=1e-4)


@pytest.mark.parametrize("make", RANDOM.values(), ids=RANDOM.keys())
def test_each_member_drops_out_its_own_share(make: Build) -> None:
    own = built(make)
    trials = [trial(number, value) for number, value in enumerate((0.0, 0.0, 0.9, 0.0))]
    assert len({own.cohort_key(each.config) for each in trials} - {None}) == 1
    cohort = own.start(trials)
    assert isinstance(cohort, SupervisedCohort)
    assert cohort.is_batched
    together = losses(cohort)
    for number in (0, 1, 3):
        alone = losses(own.start([trials[number]]))
        assert together[number] == pytest.approx(alone[number], rel=1e-4)
    undisturbed = losses(own.start([trial(2, 0.0)]))
    assert together[2] != pytest.approx(undisturbed[2], rel=1e-3)


SHAPES = {
    "dropout1d": [(4, 6), (4, 3, 6)],
    "dropout2d": [(4, 3, 5, 5), (4, 3, 6)],
    "dropout3d": [(4, 3, 2, 2), (4, 3, 2, 2, 2)],
}


@pytest.mark.parametrize(("name", "shape"), [(name, shape) for name, shapes in SHAPES.items() for shape in shapes])
@pytest.mark.filterwarnings("ignore:dropout")
def test_what_is_dropped_together_is_what_torch_drops_together(name: str, shape: tuple[int, ...]) -> None:
    drop, inputs = getattr(functional, name), torch.ones(shape)

    def together(found: Tensor) -> tuple[int, ...]:
        """The dimensions along which what is dropped is the same."""
        kept = found > 0
        return tuple(dim for dim in range(kept.dim()) if bool((kept == kept.narrow(dim, 0, 1)).all()))

    with TakingColumns():
        mine = [together(drop(inputs, torch.tensor(0.5), training=True)) for _ in range(30)]
    torchs = [together(drop(inputs, 0.5, training=True)) for _ in range(30)]
    assert min(mine, key=len) == min(torchs, key=len)


class Branches(nn.Module):
    """Looks in training at what kind of number it has."""

    def __init__(self, number: float) -> None:
        super().__init__()
        self.head, self.dropout, self.scale = nn.Linear(4, 3), nn.Dropout(1e-7 * (1 + number)), number

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.dropout(inputs))
        return outputs * self.scale if self.training and isinstance(self.scale, float) else outputs


def test_a_number_whose_kind_is_looked_at_in_training_beside_dropout_splits_cohorts() -> None:
    own = built(Branches)
    assert len({own.cohort_key(trial(number, value).config) for number, value in enumerate((0.1, 0.35, 0.6))}) == 3


@dataclass(frozen=True)
class Mixed(Loss):
    """Broadcasts a column of its numbers over the batch, and hides it in a mean."""

    tasks: ClassVar = frozenset(Task)
    share: float = 0.0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        errors = (outputs - functional.one_hot(targets, 3)).square().mean(dim=1, keepdim=True)
        return (errors + self.share * errors.sqrt()).mean(dim=-1)


@dataclass(frozen=True)
class Counting(Loss):
    """Uses a whole number as one."""

    tasks: ClassVar = frozenset(Task)
    times: int = 1

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        every = [functional.cross_entropy(outputs, targets, reduction="none") for _ in range(self.times)]
        return torch.stack(every).sum(dim=0)


def with_loss(make: Callable[[float], Loss]) -> Built:
    class Own(Built):
        def build(self, config: Config) -> nn.Module:
            return within(nn.Tanh())

        def loss(self, config: Config) -> Loss:
            return make(config["number"])

    return Own({}, 0)


def test_a_loss_that_mixes_the_numbers_of_its_examples_is_trained_alone_though_its_number_is_0_by_default() -> None:
    own = with_loss(lambda number: Mixed(share=number))
    reason = own.obstacle(trial(0, 0.0).config)
    assert reason is not None
    assert "the loss Mixed computes something else where its numbers differ" in reason


def test_losses_with_other_whole_numbers_are_computed_apart_in_one_cohort() -> None:
    own = with_loss(lambda number: Counting(times=1 + int(4 * number)))
    trials = [trial(number, value) for number, value in enumerate((0.0, 0.25, 0.5, 0.75))]
    cohort = own.start(trials)
    assert isinstance(cohort, SupervisedCohort)
    together = losses(cohort)
    for each in trials:
        assert together[each.number] == pytest.approx(losses(own.start([each]))[each.number], rel=1e-4)


def test_a_number_that_cannot_vary_splits_cohorts_and_is_searched_all_the_same() -> None:
    own = built(Branching)
    assert own.cohort_key(trial(0, 0.1).config) == own.cohort_key(trial(1, 0.1).config)
    assert own.cohort_key(trial(0, 0.1).config) != own.cohort_key(trial(1, 0.5).config)
    space = SearchSpace(number=Float(0.0, 1.0), lr=Float(0.0, 1.0))
    rule = CohortPolicy(space, own.cohort_key, CohortSettings(size=8), trials=64)
    assert rule.fixed(space.default) == {}


def test_members_whose_other_numbers_differ_are_never_trained_as_one() -> None:
    own = built(Branching)
    cohort = own.start([trial(number, value) for number, value in enumerate(VALUES)])
    assert isinstance(cohort, SupervisedCohort)
    assert not cohort.is_batched


@pytest.mark.parametrize("number", [0.0, 0.25, 0.5])
def test_a_number_that_is_read_in_another_way_than_it_is_computed_with_splits_cohorts(number: float) -> None:
    own = built(Peeking)
    keys = {own.cohort_key(trial(0, each).config) for each in (number, 0.9)}
    assert None not in keys
    assert len(keys) == 2


def test_a_number_that_changes_in_training_is_its_trials_own_affair() -> None:
    own = built(Cooling)
    assert own.cohort_key(trial(0, 0.5).config) is None
    reason = own.obstacle(trial(0, 0.5).config)
    assert reason == "the model has an attribute 'temperature' that changes as it trains"


def test_a_number_that_cannot_vary_leaves_the_others_their_columns() -> None:
    class Both(OwnModel):
        def build(self, config: Config) -> nn.Module:
            return nn.Sequential(Branching(config["number"]), nn.ELU(config["share"]), nn.Linear(3, 3))

        def examples(self, split: str) -> tuple[Tensor, Tensor] | None:
            return built(Tempered).examples(split)

    own = Both({}, 0)

    def key(number: float, share: float) -> Any:
        return own.cohort_key(Config({**trial(0, number).config, "share": share}))

    assert key(0.1, 0.3) is not None
    assert key(0.1, 0.3) == key(0.1, 0.8)
    assert key(0.1, 0.3) != key(0.15, 0.3)
    assert key(0.15, 0.3) == key(0.15, 0.8)


def test_a_number_that_is_kept_twice_and_varies_in_one_place_alone_is_found() -> None:
    kept: dict[str, float] = {}

    class Hidden(Tempered):
        def forward(self, inputs: Tensor) -> Tensor:
            return super().forward(inputs) * kept["factor"]

    def make(number: float) -> nn.Module:
        kept["factor"] = number
        return Hidden(number)

    own = built(make)
    assert own.cohort_key(trial(0, 0.1).config) is not None
    assert own.cohort_key(trial(1, 0.6).config) != own.cohort_key(trial(0, 0.1).config)


@pytest.mark.parametrize("make", [*EXACT.values(), *RANDOM.values()], ids=[*EXACT, *RANDOM])
def test_a_member_saves_what_it_would_alone_and_goes_on_with_the_numbers_of_its_configuration(make: Build) -> None:
    own = built(make)
    members = [replace(trial(number, value), checkpoints=InMemory()) for number, value in enumerate(VALUES)]
    cohort = own.start(members)
    assert isinstance(cohort, SupervisedCohort)
    losses(cohort, 1)
    assert cohort.is_batched
    cohort.save([0, 1])
    (lone,) = (replace(trial(1, VALUES[1]), checkpoints=InMemory()),)
    alone = own.start([lone])
    losses(alone, 1)
    alone.save([1])
    states: list[Any] = [each.checkpoints.load() for each in (members[1], lone)]
    assert states[0]["model"].keys() == states[1]["model"].keys()
    assert "buffers" not in states[0]
    cohort.drop([2, 3, 4])
    assert not cohort.is_batched
    for number in (0, 1):
        model = cohort.learners[number].model
        own_numbers = layer_attributes.numbers(make(VALUES[number]))
        assert layer_attributes.numbers(model) == own_numbers


def test_who_goes_on_with_another_ones_weights_keeps_its_own_number() -> None:
    own = built(EXACT["leaky_relu"])
    trials = [trial(number, value) for number, value in enumerate(VALUES)]
    cohort = own.start(trials)
    assert isinstance(cohort, SupervisedCohort)
    losses(cohort, 1)
    cohort.exploit(trials[1], 3)
    assert cohort.is_batched
    batch = cohort.batch
    assert batch is not None
    assert torch.equal(batch.row(1).weights, batch.row(3).weights)
    assert [*batch.row(1).columns.values()] == [VALUES[1]]


def test_a_share_of_activations_is_left_out_without_changing_their_mean() -> None:
    torch.manual_seed(0)
    ones = torch.ones(4, 50_000)
    shares = torch.tensor([0.0, 0.25, 0.9, 1.0])
    found = torch.stack([dropped_out(row, share) for row, share in zip(ones, shares, strict=True)])
    assert torch.equal(found[0], ones[0])
    assert found[1].mean().item() == pytest.approx(1, abs=0.02)
    assert found[2].mean().item() == pytest.approx(1, abs=0.05)
    assert (found == 0).float().mean(1).tolist() == pytest.approx([0.0, 0.25, 0.9, 1.0], abs=0.01)


def test_sixty_four_trials_with_a_continuous_share_have_as_many_shares_and_train_together(workplace: Path) -> None:
    study = tuner.run(
        tuner.StudySpec(
            name="shares",
            objective=f"{__name__}:Shares",
            search_space=SearchSpace(number=Float(0.0, 0.5), lr=Float(0.01, 0.1)),
            metric="log_loss",
            direction="minimize",
            budget=tuner.Budget(trials=64, epochs=2),
            executor="inline",
            sampler="random",
            seed=3,
        ),
        storage=str(workplace / "tuner.db"),
    )
    assert len({trial.config["number"] for trial in study.trials}) == 64
    batching = study.summary.batching
    assert batching.share > 0.9
    assert batching.size > 4


class Shares(Built):
    """Leaves out the share that the configuration chose, by torch's own layer."""

    def build(self, config: Config) -> nn.Module:
        return within(nn.Dropout(config["number"]))
