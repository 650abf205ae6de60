"""What every loss promises."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tuner.objectives._components import PARTS, declared
from tuner.objectives._tasks import Task
from tuner.objectives.losses._loss import Loss

LOSSES = PARTS["loss"]
CLASSIFICATION = [name for name in LOSSES.names if Task.CLASSIFICATION in LOSSES[name].tasks]


def _batch(task: Task) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    if task is Task.CLASSIFICATION:
        outputs = torch.randn(40, 5, generator=generator, requires_grad=True)
        return outputs, torch.randint(5, (40,), generator=generator)
    return torch.randn(40, 1, generator=generator, requires_grad=True), torch.randn(40, generator=generator)


@pytest.mark.parametrize("name", LOSSES.names)
def test_a_loss_is_one_finite_number_per_example_with_a_finite_slope(name: str) -> None:
    for task in LOSSES[name].tasks:
        outputs, targets = _batch(task)
        rows = LOSSES[name]()(outputs, targets)
        rows.mean().backward()
        assert rows.shape == (40,)
        assert (rows >= 0).all()
        assert outputs.grad is not None
        assert outputs.grad.isfinite().all()
        assert (outputs.grad != 0).any()


@pytest.mark.parametrize("name", LOSSES.names)
def test_a_loss_is_a_final_member_whose_tasks_are_read_without_importing_it(name: str) -> None:
    member = LOSSES[name]
    assert issubclass(member, Loss)
    assert member.__final__
    assert declared("loss", name, "tasks") == {task.name for task in member.tasks}


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_a_perfect_answer_costs_almost_nothing_and_is_finite_however_sure(name: str) -> None:
    outputs = torch.full((3, 3), -200.0).fill_diagonal_(200.0).requires_grad_()
    rows = LOSSES[name]()(outputs, torch.arange(3))
    rows.sum().backward()
    assert rows.max() < 1e-6
    assert outputs.grad is not None
    assert outputs.grad.isfinite().all()


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_probabilities_sum_to_one_and_rank_classes_as_the_outputs_do(name: str) -> None:
    outputs = torch.cat([torch.randn(20, 4), torch.full((1, 4), -300.0)])
    probabilities = LOSSES[name]().probabilities(outputs)
    assert torch.allclose(probabilities.sum(dim=1), torch.ones(21))
    assert torch.equal(probabilities.argmax(dim=1), outputs.argmax(dim=1))


def _one_against_rest(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(outputs, functional.one_hot(targets, 5).float())


def _focal(outputs: Tensor, targets: Tensor) -> Tensor:
    right = outputs.softmax(dim=1).gather(1, targets[:, None])[:, 0]
    return (-((1 - right) ** 1.5) * right.log()).mean()


def _huber(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.huber_loss(outputs[:, 0], targets, delta=0.3)


REFERENCES: list[tuple[str, dict[str, float], Callable[[Tensor, Tensor], Tensor]]] = [
    ("cross_entropy", {}, functional.cross_entropy),
    (
        "cross_entropy",
        {"label_smoothing": 0.1},
        lambda outputs, targets: functional.cross_entropy(outputs, targets, label_smoothing=0.1),
    ),
    ("binary_cross_entropy", {}, _one_against_rest),
    ("focal", {"gamma": 0.0}, functional.cross_entropy),
    ("focal", {"gamma": 1.5}, _focal),
    ("mean_squared_error", {}, lambda outputs, targets: functional.mse_loss(outputs[:, 0], targets)),
    ("mean_absolute_error", {}, lambda outputs, targets: functional.l1_loss(outputs[:, 0], targets)),
    ("huber", {"delta": 0.3}, _huber),
]


@pytest.mark.parametrize(("name", "fields", "reference"), REFERENCES)
def test_the_mean_of_a_loss_is_the_textbook_value(
    name: str, fields: dict[str, float], reference: Callable[[Tensor, Tensor], Tensor]
) -> None:
    (task,) = LOSSES[name].tasks
    outputs, targets = _batch(task)
    torch.testing.assert_close(LOSSES[name](**fields)(outputs, targets).mean(), reference(outputs, targets))


def test_label_smoothing_makes_certainty_costly() -> None:
    sure = torch.full((3, 3), -20.0).fill_diagonal_(20.0)
    for name in ("cross_entropy", "binary_cross_entropy"):
        plain, smoothed = LOSSES[name](), LOSSES[name](label_smoothing=0.2)
        assert smoothed(sure, torch.arange(3)).mean() > plain(sure, torch.arange(3)).mean() + 0.5
