"""What every optimizer promises."""

from collections.abc import Mapping

import pytest
import torch
from torch import nn

from tuner.objectives._components import PARTS
from tuner.objectives.optimizers._optimizer import Optimizer

OPTIMIZERS = PARTS["optimizer"]


def _descend(name: str, fields: Mapping[str, object], steps: int) -> list[float]:
    """Return the values of a bowl along the way down."""
    weights = nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = OPTIMIZERS[name](**fields).build([weights])
    values = []
    for _ in range(steps):
        value = weights.square().sum()
        values.append(value.item())
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return values


@pytest.mark.parametrize("name", OPTIMIZERS.names)
def test_an_optimizer_lowers_a_quadratic(name: str) -> None:
    values = _descend(name, {"lr": 0.02}, 60)
    assert values[-1] < values[0] * 0.9


@pytest.mark.parametrize("name", OPTIMIZERS.names)
def test_an_optimizer_stands_still_at_rate_zero(name: str) -> None:
    assert set(_descend(name, {"lr": 0.0}, 5)) == {5.0}


@pytest.mark.parametrize("name", OPTIMIZERS.names)
def test_an_optimizer_has_a_rate_and_a_largest_gradient_and_every_field_changes_what_it_builds(name: str) -> None:
    fields = OPTIMIZERS.fields(name)
    assert issubclass(OPTIMIZERS[name], Optimizer)
    assert OPTIMIZERS[name].__final__
    assert {"lr", "clip"} <= set(fields)
    assert OPTIMIZERS[name]().clip == 0
    changed = {"lr": 0.123, "momentum": 0.5, "nesterov": False, "weight_decay": 0.3, "beta1": 0.7, "beta2": 0.8}
    for field in set(fields) - {"clip"}:
        given = {"lr": 0.05} | {field: changed[field]}
        assert _settings(name, given) != _settings(name, {"lr": 0.05})


def _settings(name: str, fields: Mapping[str, object]) -> dict[str, object]:
    (group,) = OPTIMIZERS[name](**fields).build([nn.Parameter(torch.zeros(1))]).param_groups
    return {key: value for key, value in group.items() if key != "params"}


@pytest.mark.parametrize("name", OPTIMIZERS.names)
def test_an_optimizer_goes_on_from_its_state_as_if_it_had_not_stopped(name: str) -> None:
    def run(*, interrupted: bool) -> torch.Tensor:
        weights = nn.Parameter(torch.tensor([1.0, -2.0]))
        optimizer = OPTIMIZERS[name]().build([weights])
        for step in range(6):
            if interrupted and step == 3:
                state = optimizer.state_dict()
                optimizer = OPTIMIZERS[name]().build([weights])
                optimizer.load_state_dict(state)
            weights.grad = weights.detach() * 2
            optimizer.step()
        return weights.detach()

    assert torch.equal(run(interrupted=True), run(interrupted=False))


def test_momentum_of_zero_is_allowed_where_nesterov_is_on() -> None:
    assert _descend("sgd", {"lr": 0.1, "momentum": 0.0, "nesterov": True}, 3)[-1] < 5
