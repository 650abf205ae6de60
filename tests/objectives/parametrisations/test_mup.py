"""What each parametrisation promises."""

import pytest
import torch

from tuner.objectives._components import PARAMETRISATIONS
from tuner.objectives.architectures.decoder import Decoder
from tuner.objectives.optimizers._optimizer import Family, TensorKind
from tuner.objectives.parametrisations._parametrisation import Growth, Parametrisation

BASE, WIDE = Growth(width=1.0), Growth(width=8.0, depth=2.0)


@pytest.mark.parametrize("name", PARAMETRISATIONS.names)
def test_at_the_base_all_are_the_standard_one(name: str) -> None:
    found: Parametrisation = PARAMETRISATIONS[name]()
    rates = [found.role(kind, BASE).rate(family) for kind in TensorKind for family in Family]
    assert rates == [1.0] * len(rates)
    assert found.output_spread(BASE) == found.output_multiplier(BASE) == found.residual_multiplier(BASE) == 1


def test_hidden_matrices_learn_more_slowly_in_a_wide_model() -> None:
    role = PARAMETRISATIONS["mup"]().role(TensorKind.HIDDEN, WIDE)
    assert role.rate(Family.ADAPTIVE) == 1 / 8
    assert role.rate(Family.GRADIENT) == 1
    assert role.rate(Family.ORTHOGONAL) == pytest.approx(8**-0.5)


def test_inputs_and_outputs_learn_by_the_width_under_gradient_descent() -> None:
    for kind in (TensorKind.INPUT, TensorKind.OUTPUT):
        assert PARAMETRISATIONS["mup"]().role(kind, WIDE).rate(Family.GRADIENT) == 8
        assert PARAMETRISATIONS["mup"]().role(kind, WIDE).rate(Family.ADAPTIVE) == 1


def test_residual_blocks_of_a_deep_model_count_less_in_complete_p_only() -> None:
    multipliers = {name: PARAMETRISATIONS[name]().residual_multiplier(WIDE) for name in PARAMETRISATIONS.names}
    assert multipliers == {"standard": 1.0, "mup": 1.0, "complete_p": 0.5}


@pytest.mark.parametrize(("name", "grows"), [("mup", False), ("standard", True)])
def test_a_step_of_adam_changes_the_outputs_as_much_at_every_width_in_mup_only(name: str, *, grows: bool) -> None:
    """The coordinate check: how much logits change in a few steps, at 8 times the width against the base."""

    def change(width: int) -> float:
        torch.manual_seed(0)
        model = Decoder(width=width, depth=1, parametrisation=name).build((16,), 32)
        tokens = torch.randint(32, (16, 17))
        roles = model.roles()  # type: ignore[operator]
        groups = [
            {"params": [weight], "lr": 0.02 * roles[key].rate(Family.ADAPTIVE)}
            for key, weight in model.named_parameters()
        ]
        optimizer = torch.optim.Adam(groups)
        before = model(tokens[:, :-1]).detach()
        for _ in range(3):
            optimizer.zero_grad()
            logits = model(tokens[:, :-1])
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return float((model(tokens[:, :-1]).detach() - before).square().mean().sqrt())

    assert (change(256) > 2 * change(32)) is grows
