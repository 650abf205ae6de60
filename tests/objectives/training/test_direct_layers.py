"""Direct layers compute for many rows what each computes alone; what they do not know is left to vmap."""

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from tuner.objectives.architectures._layers import Dropout
from tuner.objectives.architectures._tabular import BlendedActivation, ColumnScale, ScaledLinear
from tuner.objectives.training.direct_layers import DirectModel

ROWS = 3

Make = Callable[[], nn.Module]

VECTORS: Mapping[str, Make] = {
    "linear": lambda: nn.Linear(6, 4),
    "linear_without_bias": lambda: nn.Linear(6, 4, bias=False),
    "layer_norm": lambda: nn.LayerNorm(6),
    "layer_norm_without_affine": lambda: nn.LayerNorm(6, elementwise_affine=False),
    "layer_norm_without_bias": lambda: nn.LayerNorm(6, bias=False),
    "batch_norm": lambda: nn.BatchNorm1d(6),
    "batch_norm_without_affine": lambda: nn.BatchNorm1d(6, affine=False, momentum=0.3, eps=1e-3),
    "group_norm": lambda: nn.GroupNorm(2, 6),
    "of_tables": lambda: nn.Sequential(
        ColumnScale(6), ScaledLinear(6, 5), BlendedActivation("mish", 5), ScaledLinear(5, 2, is_last=True)
    ),
    "perceptron": lambda: nn.Sequential(
        nn.Flatten(), nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.GELU()), nn.Identity(), nn.Linear(5, 2)
    ),
}
IMAGES: Mapping[str, Make] = {
    "convolution": lambda: nn.Conv2d(4, 6, 3, padding="same"),
    "convolution_of_groups": lambda: nn.Conv2d(4, 6, (3, 2), stride=2, padding=1, groups=2, bias=False),
    "dilated": lambda: nn.Conv2d(4, 2, 2, dilation=2),
    "batch_norm": lambda: nn.BatchNorm2d(4),
    "group_norm": lambda: nn.GroupNorm(2, 4),
    "layer_norm": lambda: nn.LayerNorm((4, 6, 5)),
    "layer_norm_of_lines": lambda: nn.LayerNorm(5),
    "linear_of_lines": lambda: nn.Linear(5, 3),
    "max_pool": lambda: nn.MaxPool2d(2),
    "mean_pool": lambda: nn.AdaptiveAvgPool2d(1),
    "flat": nn.Flatten,
    "partly_flat": lambda: nn.Flatten(2, 3),
    "flat_from_behind": lambda: nn.Flatten(-2, -1),
    "network": lambda: nn.Sequential(
        nn.Conv2d(4, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)
    ),
}
SEQUENCES: Mapping[str, Make] = {
    "convolution": lambda: nn.Conv1d(4, 6, 3, padding="same"),
    "batch_norm": lambda: nn.BatchNorm1d(4),
    "max_pool": lambda: nn.MaxPool1d(2),
}
CASES = [
    *((make, (6,)) for make in VECTORS.values()),
    *((make, (4, 6, 5)) for make in IMAGES.values()),
    *((make, (4, 7)) for make in SEQUENCES.values()),
]
NAMES = [f"{kind}:{name}" for kind, cases in zip("VIS", (VECTORS, IMAGES, SEQUENCES), strict=True) for name in cases]


def models(make: Make) -> list[nn.Module]:
    """Return models of one shape with different weights and statistics."""
    torch.manual_seed(0)
    made = [make() for _ in range(ROWS)]
    for model in made:
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.data.uniform_(0.1, 1)
    return made


def stacked(made: list[nn.Module]) -> dict[str, Tensor]:
    every = [{**dict(model.named_parameters()), **dict(model.named_buffers())} for model in made]
    return {name: torch.stack([each[name].detach().clone() for each in every]) for name in every[0]}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("make", "shape"), CASES, ids=NAMES)
def test_rows_compute_and_learn_as_each_does_alone(make: Make, shape: tuple[int, ...], *, training: bool) -> None:
    made = models(make)
    direct = DirectModel.of(made[0])
    assert direct is not None
    tensors = stacked(made)
    parameters = [tensors[name].requires_grad_() for name, _ in made[0].named_parameters()]
    inputs = torch.randn(ROWS, 8, *shape)
    outputs = direct(tensors, inputs, training=training)
    if parameters:
        found = torch.autograd.grad(outputs.square().sum(), parameters)
    for row, model in enumerate(made):
        alone = model.train(training)(inputs[row])
        torch.testing.assert_close(outputs[row], alone, rtol=1e-4, atol=1e-5)
        if parameters:
            expected = torch.autograd.grad(alone.square().sum(), [*model.parameters()])
            for mine, each in zip(found, expected, strict=True):
                torch.testing.assert_close(mine[row], each, rtol=1e-3, atol=1e-3)
        for name, buffer in model.named_buffers():
            torch.testing.assert_close(tensors[name][row], buffer, rtol=1e-4, atol=1e-5)


def test_dropout_of_the_catalogue_has_a_share_for_each_row() -> None:
    direct = DirectModel.of(Dropout(0.0))
    assert direct is not None
    ones, shares = torch.ones(4, 50, 1000), torch.tensor([0.0, 0.25, 0.9, 1.0])
    torch.manual_seed(0)
    found = direct({"share": shares}, ones, training=True)
    assert (found == 0).float().mean((1, 2)).tolist() == pytest.approx(shares.tolist(), abs=0.01)
    assert found.mean((1, 2)).tolist() == pytest.approx([1, 1, 1, 0], abs=0.05)
    assert torch.equal(direct({"share": shares}, ones, training=False), ones)


def test_torchs_dropout_draws_for_each_row_or_the_same_for_all_as_a_model_alone() -> None:
    layer = nn.Dropout(0.4)
    direct = DirectModel.of(layer)
    assert direct is not None
    inputs = torch.randn(ROWS, 8, 100)
    torch.manual_seed(1)
    alone = functional_call(layer, {}, inputs[0])
    torch.manual_seed(1)
    same = direct({}, inputs, training=True, draws_same=True)
    torch.testing.assert_close(same[0], alone)
    assert torch.equal(same[0] == 0, same[1] == 0)
    different = direct({}, inputs, training=True)
    assert not torch.equal(different[0] == 0, different[1] == 0)


def test_torchs_dropout_takes_a_share_of_each_row() -> None:
    layer = nn.Sequential(nn.Dropout(0.4))
    direct = DirectModel.of(layer, [("0", "p")])
    assert direct is not None
    torch.manual_seed(0)
    found = direct({}, torch.ones(2, 50, 1000), {("0", "p"): torch.tensor([0.2, 0.7])}, training=True)
    assert (found == 0).float().mean((1, 2)).tolist() == pytest.approx([0.2, 0.7], abs=0.01)


class _Doubled(nn.Linear):
    def forward(self, inputs: Tensor) -> Tensor:
        return 2 * super().forward(inputs)


def _hooked() -> nn.Module:
    layer = nn.Linear(2, 2)
    layer.register_forward_hook(lambda *_: None)
    return layer


def _patched() -> nn.Module:
    layer = nn.Linear(2, 2)
    layer.forward = lambda inputs: inputs  # type: ignore[method-assign, assignment]
    return layer


def _twice() -> nn.Module:
    layer = nn.Linear(2, 2)
    return nn.Sequential(layer, layer)


@pytest.mark.parametrize(
    "make",
    [
        _hooked,
        _patched,
        _twice,
        lambda: _Doubled(2, 2),
        lambda: nn.Sequential(nn.Linear(2, 2), nn.Bilinear(2, 2, 2)),
        lambda: nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)),
        lambda: nn.BatchNorm1d(2, track_running_stats=False),
        lambda: nn.BatchNorm1d(2, momentum=None),
        lambda: nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular"),
        lambda: nn.MaxPool1d(2, return_indices=True),
        lambda: nn.ReLU(inplace=True),
    ],
)
def test_what_computes_something_else_is_not_direct(make: Make) -> None:
    assert DirectModel.of(make()) is None


def test_a_number_of_each_row_that_no_direct_layer_takes_is_not_direct() -> None:
    assert DirectModel.of(nn.LeakyReLU(0.1), [("", "negative_slope")]) is None
