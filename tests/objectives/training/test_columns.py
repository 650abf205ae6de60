"""Numbers that layers keep as attributes: every member of a cohort has its own."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tuner import Float, OwnModel, SearchSpace
from tuner.cohorts import Cohorts
from tuner.domain.config import Config
from tuner.domain.trial import Checkpoints, Trial
from tuner.objectives.training.cohort import SupervisedCohort

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
}
RANDOM: Mapping[str, Build] = {
    "dropout": lambda number: within(nn.Dropout(number)),
    "attention": Attending,
    "encoder": Encoding,
    "alone": lambda number: nn.Sequential(nn.Linear(4, 3), nn.Dropout(number)),
    "channels": lambda number: nn.Sequential(
        nn.Unflatten(1, (1, 4)), nn.Conv1d(1, 8, 2), nn.Dropout1d(number), nn.Flatten(), nn.Linear(24, 3)
    ),
}


class Built(OwnModel):
    """Classifies noise."""

    def examples(self, split: str) -> tuple[Tensor, Tensor] | None:
        generator = torch.Generator().manual_seed(len(split))
        return torch.randn(96, 4, generator=generator), torch.randint(3, (96,), generator=generator)


class Forgotten(Checkpoints):
    def save(self, state: Mapping[str, Any]) -> None:
        pass

    def load(self) -> None:
        return None


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
        checkpoints=Forgotten(),
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


def test_a_number_that_cannot_vary_splits_cohorts_and_is_searched_all_the_same() -> None:
    own = built(Branching)
    assert own.cohort_key(trial(0, 0.1).config) == own.cohort_key(trial(1, 0.1).config)
    assert own.cohort_key(trial(0, 0.1).config) != own.cohort_key(trial(1, 0.5).config)
    space = SearchSpace(number=Float(0.0, 1.0), lr=Float(0.0, 1.0))
    rule = Cohorts(space, own.cohort_key, size=8, trials=64)
    assert rule.held(space.default) == {}


def test_members_whose_other_numbers_differ_are_never_trained_as_one() -> None:
    own = built(Branching)
    cohort = own.start([trial(number, value) for number, value in enumerate(VALUES)])
    assert isinstance(cohort, SupervisedCohort)
    assert not cohort.is_batched


def test_a_model_with_columns_saves_and_computes_alone_what_it_does_without() -> None:
    own = built(EXACT["leaky_relu"])
    config = trial(0, 0.35).config
    torch.manual_seed(3)
    plain = own.build(config)
    torch.manual_seed(3)
    columned = own.columned(config)
    assert columned.state_dict().keys() == plain.state_dict().keys()
    inputs = torch.randn(5, 4)
    assert torch.equal(columned(inputs), plain(inputs))
