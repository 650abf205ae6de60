"""A person's own model as an objective: trained together where it can be, and told why where it cannot."""

import math
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from types import SimpleNamespace

import pytest
import torch
from memory_checkpoints import Forgetful
from torch import Tensor, nn
from torch.nn import functional

import tuner
from tuner import Choice, Dropout, Float, Int, OwnModel, SearchSpace, Task
from tuner.domain.config import Config
from tuner.domain.trial import Trial

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
        (lambda _: Reading(), "layer 'reader' (GRU) cannot be run for many trials at once"),
        (lambda _: Scaled(1.0, Lock()), "an attribute 'extra' of type lock, which cannot be compared"),
        (lambda _: Looking(2, 2), "the model (Looking) cannot be run for many trials at once"),
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


ONE_LAYER = SearchSpace(optimizer=Choice(adam={"lr": Float(1e-3, 1e-1, log=True)}), batch_size=Choice(16, default=16))


def asking(
    build: Callable[[Config], object],
    inputs: Callable[[Tensor], object] = lambda inputs: inputs,
    targets: Callable[[Tensor], object] = lambda targets: targets,
    task: Task = Task.CLASSIFICATION,
) -> OwnModel:
    """Return an objective on points, with inputs and targets as a person may give them."""
    asked = task

    class Asking(OwnModel):
        task = asked

        def build(self, config: Config) -> nn.Module:
            return build(config)  # type: ignore[return-value]

        def examples(self, split: str) -> tuple[Tensor, Tensor] | None:
            points, inside = circle(["train", "validation", "test"].index(split), 48)
            answers = inside if task is Task.CLASSIFICATION else points.norm(dim=1)
            return inputs(points), targets(answers)  # type: ignore[return-value]

    return Asking({}, 0)


def first_metrics(own: OwnModel) -> dict[str, float]:
    """Return what the default configuration measures after an epoch."""
    (metrics,) = own.start([lone_trial(ONE_LAYER.default)]).advance().values()
    assert isinstance(metrics, dict)
    return metrics


def lone_trial(config: Config) -> Trial:
    return Trial(
        config=config,
        number=0,
        seed=1,
        device="cpu",
        epoch=0,
        max_epochs=2,
        settings=Config({}),
        checkpoints=Forgetful(),
    )


def linear(outputs: int) -> Callable[[Config], nn.Module]:
    return lambda _: nn.Linear(2, outputs)


@pytest.mark.parametrize(
    ("targets", "task", "outputs"),
    [
        (lambda targets: targets[:, None], Task.REGRESSION, 1),
        (lambda targets: targets.double(), Task.REGRESSION, 1),
        (lambda targets: targets[:, None], Task.CLASSIFICATION, 2),
        (lambda targets: targets.int(), Task.CLASSIFICATION, 2),
        (lambda targets: targets.bool(), Task.CLASSIFICATION, 2),
        (lambda targets: targets.float(), Task.CLASSIFICATION, 2),
        (lambda targets: targets.numpy(), Task.CLASSIFICATION, 2),
    ],
)
def test_targets_of_another_type_or_shape_mean_the_same_where_they_can_mean_one_thing(
    targets: Callable[[Tensor], object], task: Task, outputs: int
) -> None:
    own, plain = asking(linear(outputs), targets=targets, task=task), asking(linear(outputs), task=task)
    assert own.problems(ONE_LAYER) == ()
    assert first_metrics(own) == pytest.approx(first_metrics(plain))


def test_a_value_may_be_answered_without_a_dimension_of_its_own() -> None:
    own = asking(lambda _: nn.Sequential(nn.Linear(2, 1), nn.Flatten(0)), task=Task.REGRESSION)
    assert own.problems(ONE_LAYER) == ()
    assert first_metrics(own) == pytest.approx(first_metrics(asking(linear(1), task=Task.REGRESSION)))


@pytest.mark.parametrize(
    ("build", "inputs"),
    [
        (linear(2), lambda inputs: inputs.double()),
        (linear(2), lambda inputs: inputs.numpy()),
        (lambda _: nn.Linear(2, 2).double(), lambda inputs: inputs),
        (lambda _: nn.LazyLinear(2), lambda inputs: inputs),
    ],
)
def test_inputs_are_read_in_the_precision_of_the_model(
    build: Callable[[Config], nn.Module], inputs: Callable[[Tensor], object]
) -> None:
    own = asking(build, inputs=inputs)
    assert own.problems(ONE_LAYER) == ()
    assert own.cohort_key(ONE_LAYER.default) is not None
    assert first_metrics(own).keys() == first_metrics(asking(linear(2))).keys()


@pytest.mark.parametrize(
    ("own", "wanted"),
    [
        (
            asking(linear(2), targets=lambda targets: targets + 1),
            "an output for each class, counted from 0: (batch, 3)",
        ),
        (asking(linear(1)), "an output for each class, counted from 0: (batch, 2)"),
        (asking(linear(2), targets=lambda targets: targets - 1), "whole numbers from 0"),
        (asking(linear(2), targets=lambda targets: targets + 0.5), "classes, whole numbers from 0"),
        (asking(linear(2), targets=lambda targets: functional.one_hot(targets, 2)), "a class for each: (48,)"),
        (asking(linear(2), targets=lambda targets: targets[1:]), "a class for each: (48,)"),
        (asking(linear(2), task=Task.REGRESSION), "one value each: (batch, 1)"),
        (asking(linear(1), targets=lambda each: each / 0, task=Task.REGRESSION), "targets that are not finite"),
        (asking(lambda _: nn.LSTM(2, 2)), "one tensor of the shape (batch, outputs)"),
        (asking(lambda _: nn.Unflatten(1, (1, 2))), "nothing to train"),
        (asking(lambda _: nn.Sequential(nn.Linear(2, 2), nn.Unflatten(1, (1, 2)))), "(batch, outputs)"),
        (asking(lambda _: 3), "a torch.nn.Module"),
        (asking(linear(2), inputs=lambda inputs: inputs[:0], targets=lambda targets: targets[:0]), "no examples"),
        (asking(linear(2), inputs=lambda inputs: inputs.tolist()), "two tensors"),
    ],
)
def test_what_nothing_can_be_trained_with_is_refused_before_a_run_with_what_is_wanted(
    own: OwnModel, wanted: str
) -> None:
    (problem,) = own.problems(ONE_LAYER)
    assert wanted in problem


def test_a_mistake_in_a_persons_code_is_told_with_its_line_before_a_run() -> None:
    def examples(_: Tensor) -> Tensor:
        raise KeyError("points")

    (problem,) = asking(linear(2), inputs=examples).problems(ONE_LAYER)
    assert "KeyError: 'points'" in problem
    assert f"{Path(__file__).name}:" in problem


def test_a_mistake_in_a_persons_model_is_the_trials_failure_and_names_the_layer() -> None:
    own = asking(lambda _: nn.Sequential(nn.Linear(2, 4), nn.Linear(3, 2)))
    assert own.problems(ONE_LAYER) == ()
    assert own.cohort_key(ONE_LAYER.default) is None
    (note,) = own.notes(ONE_LAYER)
    assert "it fails by itself, RuntimeError: mat1 and mat2 shapes cannot be multiplied" in note
    assert "in layer '1' (Linear) of the model, given inputs of (16, 2)" in note
    with pytest.raises(RuntimeError, match="mat1 and mat2") as caught:
        first_metrics(own)
    assert caught.value.__notes__ == ["in layer '1' (Linear) of the model, given inputs of (16, 2)"]


def test_a_choice_that_trains_alone_is_named() -> None:
    space = SearchSpace(reads=Choice("linear", "gru"), batch_size=Choice(16, default=16))
    own = asking(lambda config: Reading() if config["reads"] == "gru" else nn.Linear(2, 2))
    (note,) = own.notes(space)
    assert note.startswith("trials with reads = 'gru' are trained one by one: layer 'reader' (GRU)")


KEPT = SimpleNamespace(scale=1.0)


class Secretive(nn.Linear):
    def forward(self, inputs: Tensor) -> Tensor:
        scale: float = KEPT.scale
        return super().forward(inputs) * scale


def test_a_number_that_is_kept_where_nobody_looks_is_noticed_by_what_it_does() -> None:
    def build(config: Config) -> nn.Module:
        KEPT.scale = 1 + config["dropout"]
        return Secretive(2, 2)

    own = objective(build)
    assert own.cohort_key(config()) is not None
    assert own.cohort_key(config(dropout=0.4)) is None
    assert "a number that is kept outside of it" in str(own.obstacle(config(dropout=0.4)))
