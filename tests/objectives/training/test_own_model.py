"""A person's own model as an objective: trained together where it can be, and told why where it cannot."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import tuner
from tuner import Choice, Dropout, Float, Int, OwnModel, SearchSpace, Task
from tuner.domain.config import Config

SPACE = SearchSpace(
    width=Choice(4, 8),
    dropout=Float(0.0, 0.5, default=0.0),
    optimizer=Choice(adam={"lr": Float(1e-3, 1e-1, log=True, default=1e-2)}, sgd={"lr": Float(1e-2, 1.0, log=True)}),
    batch_size=Choice(16, default=16),
)


def circle(seed: int, count: int) -> tuple[Tensor, Tensor]:
    """Return points and whether they lie in a circle."""
    points = torch.rand(count, 2, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    return points, (points.norm(dim=1) < 0.8).long()


class Circle(OwnModel):
    """Says whether a point lies in a circle."""

    def build(self, config: Config) -> nn.Module:
        width = config["width"]
        return nn.Sequential(nn.Linear(2, width), nn.Tanh(), Dropout(config["dropout"]), nn.Linear(width, 2))

    def examples(self, split: str) -> tuple[Tensor, Tensor] | None:
        return circle(["train", "validation", "test"].index(split), 128)


class Scaled(nn.Module):
    """Keeps a number of its own outside of tensors."""

    def __init__(self, factor: float, extra: object = None) -> None:
        super().__init__()
        self.factor = factor
        self.extra = extra
        self.inner = nn.Linear(2, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.inner(inputs) * self.factor
        return outputs


class Looking(nn.Linear):
    """Decides by the values of a tensor."""

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = super().forward(inputs)
        return outputs if outputs.sum() > 0 else -outputs


class Reading(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.reader = nn.GRU(1, 2, batch_first=True)

    def forward(self, inputs: Tensor) -> Tensor:
        states: Tensor = self.reader(inputs[..., None])[0]
        return states[:, -1]


def objective(build: Callable[[Config], nn.Module]) -> Circle:
    class Other(Circle):
        def build(self, config: Config) -> nn.Module:
            return build(config)

    return Other({}, 0)


def config(**values: float) -> Config:
    return Config({**SPACE.default, **values})


def test_models_of_one_shape_share_a_key_whatever_their_numbers() -> None:
    own = Circle({}, 0)
    assert own.cohort_key(config()) is not None
    assert own.cohort_key(config(dropout=0.4)) == own.cohort_key(config())
    assert own.cohort_key(config(width=8)) != own.cohort_key(config())
    assert own.cohort_key(config(batch_size=32)) != own.cohort_key(config())


def test_a_whole_number_outside_of_tensors_is_part_of_the_shape_and_a_real_one_is_not() -> None:
    whole = objective(lambda each: Scaled(each["width"]))
    assert whole.cohort_key(config()) == whole.cohort_key(config())
    assert whole.cohort_key(config()) != whole.cohort_key(config(width=8))
    real = objective(lambda each: Scaled(each["dropout"]))
    assert real.cohort_key(config()) == real.cohort_key(config(dropout=0.4))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (lambda _: Reading(), "layer 'reader' is torch's GRU"),
        (lambda _: Scaled(1.0, object()), "an attribute 'extra' of type object, which cannot be compared"),
        (lambda _: Looking(2, 2), "data-dependent control flow"),
    ],
)
def test_what_cannot_be_trained_together_says_why_and_is_trained_alone(
    build: Callable[[Config], nn.Module], reason: str
) -> None:
    own = objective(build)
    assert own.cohort_key(config()) is None
    (note,) = own.notes(SPACE)
    assert note.startswith("trials are trained one by one: ")
    assert reason in note


def test_what_can_be_trained_together_needs_no_note() -> None:
    assert Circle({}, 0).notes(SPACE) == ()


def test_trials_in_a_cohort_have_the_curves_they_have_alone(workplace: Path) -> None:
    space = SearchSpace(
        width=Choice(8, default=8), dropout=Choice(0.0, default=0.0), optimizer=Choice(adam={"lr": Float(1e-3, 0.1)})
    )

    def study(name: str, cohort: int) -> tuner.Study:
        return tuner.run(
            tuner.StudySpec(
                name=name,
                objective=f"{__name__}:Circle",
                search_space=space,
                metric="log_loss",
                direction="minimize",
                budget=tuner.Budget(trials=8, epochs=5),
                sampler="random",
                scheduler="none",
                executor="inline",
                resources=tuner.Resources(cohort=cohort),
            )
        )

    together, alone = study("together", 8), study("alone", 1)
    for one, other in zip(together.trials, alone.trials, strict=True):
        assert one.config == other.config
        assert one.curve == pytest.approx(dict(other.curve), rel=1e-4)
    assert together.best_trial.value == pytest.approx(alone.best_trial.value, rel=1e-4)


def test_values_are_learned_as_they_are(workplace: Path) -> None:
    study = tuner.run(
        tuner.StudySpec(
            name="sine",
            objective=f"{__name__}:Sine",
            search_space=SearchSpace(width=Int(8, 8), optimizer=Choice(adam={"lr": Float(1e-3, 0.1, log=True)})),
            metric="r2",
            budget=tuner.Budget(trials=8, epochs=27),
            executor="inline",
        )
    )
    assert study.best_trial.value is not None
    assert study.best_trial.value > 0.8


class Sine(OwnModel):
    """Learns a sine."""

    task = Task.REGRESSION

    def build(self, config: Config) -> nn.Module:
        return nn.Sequential(nn.Linear(1, config["width"]), nn.Tanh(), nn.Linear(config["width"], 1))

    def examples(self, split: str) -> tuple[Tensor, Tensor] | None:
        if split == "test":
            return None
        angles = torch.linspace(-math.pi, math.pi, 256 if split == "train" else 101)[:, None]
        return angles, angles.sin()[:, 0]


def test_a_loss_of_ones_own_is_a_method_away() -> None:
    from tuner.objectives.losses.focal import Focal  # noqa: PLC0415

    class Own(Circle):
        def loss(self, config: Config) -> Focal:
            return Focal(gamma=config["dropout"])

    loss = Own({}, 0).loss(config(dropout=0.0))
    outputs, classes = torch.randn(4, 2), torch.tensor([0, 1, 0, 1])
    expected = functional.cross_entropy(outputs, classes, reduction="none")
    torch.testing.assert_close(loss(outputs, classes), expected)
