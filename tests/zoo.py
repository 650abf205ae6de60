"""Modules as people write them, each with what a cohort has to make of it.

`TOGETHER` are trained as one batched model and learn what they learn alone; the others are trained alone, for a reason
in which the text given here occurs. Every build reads `number`, which differs from trial to trial, or none at all.
"""

# mypy: disable-error-code="operator, no-untyped-call, has-type"

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, parametrize, spectral_norm, weight_norm

from tuner import Dropout
from tuner.domain.config import Config

TOGETHER = ""

Build = Callable[[Config], nn.Module]


class Case:
    """A module, what it reads, and what is expected of it."""

    def __init__(self, build: Build, expected: str, reads: str) -> None:
        self.build = build
        self.expected = expected
        self.reads = reads


ZOO: dict[str, Case] = {}


def case(expected: str = TOGETHER, *, reads: str = "vectors") -> Callable[[Build], Build]:
    """Put what the decorated function builds into the zoo, under the function's name."""

    def placed(build: Build) -> Build:
        ZOO[build.__name__] = Case(build, expected, reads)
        return build

    return placed


class Applied(nn.Module):
    """A module whose forward pass is a function of itself and its inputs."""

    def __init__(self, forward: Callable[..., Tensor], **layers: Any) -> None:
        super().__init__()
        self._forward = forward
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, inputs: Tensor) -> Tensor:
        return self._forward(self, inputs)


def head(width: int = 6) -> nn.Linear:
    return nn.Linear(width, 3)


# Normalisation


@case()
def batch_norm(_: Config) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6, bias=False), nn.BatchNorm1d(6), nn.ReLU(), head())


@case()
def batch_norm_without_running_statistics(_: Config) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6, bias=False), nn.BatchNorm1d(6, track_running_stats=False), nn.ReLU(), head())


@case("layer '1' (BatchNorm1d)")
def batch_norm_with_a_cumulative_average(_: Config) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6, bias=False), nn.BatchNorm1d(6, momentum=None), nn.ReLU(), head())


@case(reads="images")
def batch_norm_of_images(_: Config) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))


@case(reads="images")
def instance_norm(_: Config) -> nn.Module:
    norm = nn.InstanceNorm2d(2, affine=True, track_running_stats=True)
    return nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), norm, nn.Flatten(), nn.Linear(32, 3))


@case(reads="images")
def group_norm(_: Config) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.Flatten(), nn.Linear(64, 3))


@case()
def layer_norm(_: Config) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.LayerNorm(6), nn.GELU(), head())


@case()
def rms_norm(_: Config) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.RMSNorm(6), nn.SiLU(), head())


@case(reads="images")
def local_response_norm(_: Config) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.LocalResponseNorm(2), nn.Flatten(), nn.Linear(64, 3))


class FrozenStatistics(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6))
        self.out = head()

    def train(self, mode: bool = True) -> "FrozenStatistics":  # noqa: FBT001, FBT002 - torch's signature
        super().train(mode)
        self.body[1].eval()
        return self

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.out(self.body(inputs).relu())
        return outputs


@case()
def batch_norm_that_is_never_in_training(_: Config) -> nn.Module:
    return FrozenStatistics()


@case()
def batch_norm_built_in_evaluation(_: Config) -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 6, bias=False), nn.BatchNorm1d(6), head())
    model[1].eval()
    return model


# Attention, recurrence, convolution, embeddings


@case(reads="sequences")
def multihead_attention(_: Config) -> nn.Module:
    attention = nn.MultiheadAttention(4, 2, batch_first=True)
    return Applied(
        lambda me, x: me.out(me.attention(me.into(x), me.into(x), me.into(x))[0].mean(1)),
        into=nn.Linear(3, 4),
        attention=attention,
        out=head(4),
    )


@case(reads="sequences")
def attention_with_a_mask(_: Config) -> nn.Module:
    def forward(me: Any, x: Tensor) -> Tensor:
        mask = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
        x = me.into(x)
        outputs: Tensor = me.out(me.attention(x, x, x, attn_mask=mask, need_weights=False)[0][:, -1])
        return outputs

    return Applied(forward, into=nn.Linear(3, 4), attention=nn.MultiheadAttention(4, 2, batch_first=True), out=head(4))


@case(reads="sequences")
def transformer_encoder_layer(_: Config) -> nn.Module:
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)
    return Applied(lambda me, x: me.out(me.layer(me.into(x)).mean(1)), into=nn.Linear(3, 4), layer=layer, out=head(4))


@case(reads="sequences")
def transformer_encoder(_: Config) -> nn.Module:
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True, norm_first=True)
    body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    return Applied(lambda me, x: me.out(me.body(me.into(x)).mean(1)), into=nn.Linear(3, 4), body=body, out=head(4))


@case(reads="sequences")
def scaled_dot_product(_: Config) -> nn.Module:
    def forward(me: Any, x: Tensor) -> Tensor:
        query, key, value = me.into(x).chunk(3, -1)
        outputs: Tensor = me.out(functional.scaled_dot_product_attention(query, key, value).mean(1))
        return outputs

    return Applied(forward, into=nn.Linear(3, 12), out=head(4))


@case("layer 'layer' (GRU)", reads="sequences")
def gru(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(me.layer(x)[0][:, -1]), layer=nn.GRU(3, 5, batch_first=True), out=head(5))


@case("layer 'layer' (LSTM)", reads="sequences")
def lstm(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(me.layer(x)[0][:, -1]), layer=nn.LSTM(3, 5, batch_first=True), out=head(5))


@case(reads="sequences")
def gru_cell(_: Config) -> nn.Module:
    def forward(me: Any, x: Tensor) -> Tensor:
        state = x.new_zeros(len(x), 5)
        for step in x.unbind(1):
            state = me.cell(step, state)
        outputs: Tensor = me.out(state)
        return outputs

    return Applied(forward, cell=nn.GRUCell(3, 5), out=head(5))


@case(reads="sequences")
def recurrence_by_hand(_: Config) -> nn.Module:
    def forward(me: Any, x: Tensor) -> Tensor:
        state = x.new_zeros(len(x), 5)
        for step in x.unbind(1):
            state = torch.tanh(me.into(step) + me.over(state))
        outputs: Tensor = me.out(state)
        return outputs

    return Applied(forward, into=nn.Linear(3, 5), over=nn.Linear(5, 5), out=head(5))


@case(reads="images")
def convolutions(_: Config) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, padding_mode="circular"),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 4, 3, groups=2, dilation=1),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, 3),
    )


@case(reads="images")
def max_pooling_and_upsampling(_: Config) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.MaxPool2d(2), nn.Upsample(scale_factor=2), nn.Flatten(), nn.Linear(32, 3)
    )


@case(reads="images")
def transposed_convolution(_: Config) -> nn.Module:
    return nn.Sequential(nn.ConvTranspose2d(1, 2, 2, stride=2), nn.ELU(), nn.Flatten(), nn.Linear(288, 3))


@case(reads="sequences")
def convolution_along_a_sequence(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(me.conv(x.mT).amax(-1)), conv=nn.Conv1d(3, 6, 2), out=head())


@case(reads="tokens")
def embedding(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(me.words(x).mean(1)), words=nn.Embedding(9, 6), out=head())


@case(reads="tokens")
def embedding_with_padding(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(me.words(x).sum(1)), words=nn.Embedding(9, 6, padding_idx=0), out=head())


@case("layer 'words'", reads="tokens")
def embedding_with_padding_by_function(_: Config) -> nn.Module:
    class Words(nn.Embedding):
        def forward(self, codes: Tensor) -> Tensor:
            return functional.embedding(codes, self.weight, padding_idx=self.padding_idx)

    return Applied(lambda me, x: me.out(me.words(x).sum(1)), words=Words(9, 6, padding_idx=0), out=head())


@case(reads="tokens")
def embedding_with_a_largest_norm(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(me.words(x).mean(1)), words=nn.Embedding(9, 6, max_norm=1.0), out=head())


@case(reads="tokens")
def tied_embedding(_: Config) -> nn.Module:
    words, back = nn.Embedding(9, 6), nn.Linear(6, 9, bias=False)
    back.weight = words.weight
    return Applied(lambda me, x: me.out(me.back(me.words(x).mean(1)).tanh()), words=words, back=back, out=head(9))


@case(reads="tokens")
def tied_embedding_with_padding(_: Config) -> nn.Module:
    words, back = nn.Embedding(9, 6, padding_idx=0), nn.Linear(6, 9, bias=False)
    back.weight = words.weight
    return Applied(lambda me, x: me.out(me.back(me.words(x).mean(1)).tanh()), words=words, back=back, out=head(9))


# Parametrisations


@case()
def weight_normalised(_: Config) -> nn.Module:
    return nn.Sequential(parametrizations.weight_norm(nn.Linear(4, 6)), nn.Tanh(), head())


@case("layer '0' has an attribute 'weight'")
def weight_normalised_the_old_way(_: Config) -> nn.Module:
    return nn.Sequential(weight_norm(nn.Linear(4, 6)), nn.Tanh(), head())


@case("layer '0.parametrizations.weight.0' (_SpectralNorm)")
def spectrally_normalised(_: Config) -> nn.Module:
    return nn.Sequential(parametrizations.spectral_norm(nn.Linear(4, 6)), nn.Tanh(), head())


@case("layer '0' has an attribute 'weight'")
def spectrally_normalised_the_old_way(_: Config) -> nn.Module:
    return nn.Sequential(spectral_norm(nn.Linear(4, 6)), nn.Tanh(), head())


class Symmetric(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight.triu() + weight.triu(1).mT


@case()
def parametrised_by_hand(_: Config) -> nn.Module:
    layer = nn.Linear(4, 4)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    return nn.Sequential(layer, nn.Tanh(), head(4))


# Hooks


@case()
def forward_hook_with_a_number(config: Config) -> nn.Module:
    model, scale = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), head()), 1 + config["number"] % 2
    model[0].register_forward_hook(lambda _, __, outputs: outputs * scale)
    return model


@case()
def forward_pre_hook(_: Config) -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), head())
    model[1].register_forward_pre_hook(lambda _, inputs: (inputs[0] * 2,))
    return model


@case("layer '0' has a parameter 'weight' with a hook")
def parameter_hook(_: Config) -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), head())
    model[0].weight.register_hook(lambda gradient: gradient * 0.5)
    return model


@case("layer '0' has a parameter 'weight' with a hook")
def hook_after_the_gradient(_: Config) -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), head())
    model[0].weight.register_post_accumulate_grad_hook(
        lambda parameter: setattr(parameter, "grad", parameter.grad * 0.5)
    )
    return model


@case("layer '0' has a hook in _forward_hooks that changes as it trains")
def hook_that_keeps_what_it_sees(_: Config) -> nn.Module:
    model, seen = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), head()), []
    model[0].register_forward_hook(lambda _, __, outputs: seen.append(float(outputs.detach().mean())))
    return model


# Frozen, unused, shared


@case()
def frozen_body(_: Config) -> nn.Module:
    body = nn.Linear(4, 6).requires_grad_(False)
    with torch.no_grad():
        body.weight.copy_(torch.linspace(-1, 1, 24).view(6, 4))
        body.bias.zero_()
    return nn.Sequential(body, nn.Tanh(), head())


@case()
def frozen_body_of_its_own(_: Config) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6).requires_grad_(False), nn.Tanh(), head())


@case()
def frozen_bias(_: Config) -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), head())
    model[0].bias.requires_grad_(False)
    return model


class Adapted(nn.Module):
    """A frozen layer with a small trained one beside it."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self.body = nn.Linear(4, 6).requires_grad_(False)
        nn.init.constant_(self.body.weight, 0.1)
        nn.init.zeros_(self.body.bias)
        self.down = nn.Linear(4, rank, bias=False)
        self.up = nn.Linear(rank, 6, bias=False)
        nn.init.zeros_(self.up.weight)
        self.out = head()

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.out((self.body(inputs) + self.up(self.down(inputs))).tanh())
        return outputs


@case()
def low_rank_adaptation(_: Config) -> nn.Module:
    return Adapted(2)


@case()
def unused_layer(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(me.into(x).tanh()), into=nn.Linear(4, 6), spare=nn.Linear(4, 6), out=head())


@case()
def layer_used_twice(_: Config) -> nn.Module:
    layer = nn.Linear(4, 4)
    return nn.Sequential(layer, nn.Tanh(), layer, nn.Tanh(), head(4))


@case()
def shared_bias(_: Config) -> nn.Module:
    one, other = nn.Linear(4, 6), nn.Linear(6, 6)
    other.bias = one.bias
    return nn.Sequential(one, nn.Tanh(), other, nn.Tanh(), head())


@case("shares memory with")
def parameters_that_overlap(_: Config) -> nn.Module:
    one, other = nn.Linear(4, 4), nn.Linear(4, 4)
    other.weight.data = one.weight.data.view(4, 4)
    return nn.Sequential(one, nn.Tanh(), other, nn.Tanh(), head(4))


class Teacher(nn.Module):
    """Follows a running mean of its own weights, which asks for no gradient and changes all the same."""

    def __init__(self) -> None:
        super().__init__()
        self.student, self.out = nn.Linear(4, 6), head()
        self.teacher = nn.Linear(4, 6).requires_grad_(False)

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            with torch.no_grad():
                self.teacher.weight.mul_(0.9).add_(self.student.weight, alpha=0.1)
        outputs: Tensor = self.out((self.student(inputs) + self.teacher(inputs)).tanh())
        return outputs


@case("layer 'teacher' asks for no gradient and is changed all the same")
def teacher(_: Config) -> nn.Module:
    return Teacher()


# Buffers


class Running(nn.Module):
    """Subtracts a running mean, which it keeps in one of several ways."""

    def __init__(self, way: str, *, persistent: bool = True) -> None:
        super().__init__()
        self.way = way
        self.register_buffer("mean", torch.zeros(4), persistent=persistent)
        self.out = head(4)

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            now = inputs.detach().mean(0)
            if self.way == "in place":
                self.mean.mul_(0.9).add_(now, alpha=0.1)
            else:
                self.mean = 0.9 * self.mean + 0.1 * now
        outputs: Tensor = self.out(inputs - self.mean)
        return outputs


@case()
def buffer_changed_in_place(_: Config) -> nn.Module:
    return Running("in place")


@case()
def buffer_reassigned(_: Config) -> nn.Module:
    return Running("anew")


@case()
def buffer_in_no_state_dict(_: Config) -> nn.Module:
    return Running("in place", persistent=False)


@case()
def buffer_with_a_number(config: Config) -> nn.Module:
    model = Applied(lambda me, x: me.out(x * me.scale), out=head(4))
    model.register_buffer("scale", torch.tensor(1.0 + config["number"]), persistent=False)
    return model


@case()
def drawn_buffer_in_no_state_dict(_: Config) -> nn.Module:
    model = Applied(lambda me, x: me.out((x @ me.projection).cos()), out=head())
    model.register_buffer("projection", torch.randn(4, 6), persistent=False)
    return model


@case("the model has an attribute 'projection' that is another one each time the model is built")
def drawn_tensor_as_attribute(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out((x @ me.projection).cos()), out=head(), projection=torch.randn(4, 6))


@case()
def tensor_as_attribute(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out((x * me.scale).cos()), out=head(4), scale=torch.arange(4.0))


@case("that changes as it trains")
def buffer_that_appears_in_training(_: Config) -> nn.Module:
    def forward(me: Any, x: Tensor) -> Tensor:
        if me.mean is None:
            me.mean = x.detach().mean(0)
        outputs: Tensor = me.out(x - me.mean)
        return outputs

    model = Applied(forward, out=head(4))
    model.register_buffer("mean", None)
    return model


# Numbers outside of tensors


class Sloped(nn.Module):
    slope = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(4, 6), head()

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.out(functional.leaky_relu(self.into(inputs), self.slope))
        return outputs


@case()
def class_attribute_set_in_build(config: Config) -> nn.Module:
    Sloped.slope = float(config["number"] % 2)
    return Sloped()


@case()
def class_made_in_build(config: Config) -> nn.Module:
    class Made(Sloped):
        slope = float(config["number"] % 2)

    return Made()


SLOPE = 1.0


class Global(Sloped):
    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.out(functional.leaky_relu(self.into(inputs), SLOPE))
        return outputs


@case()
def global_set_in_build(config: Config) -> nn.Module:
    global SLOPE  # noqa: PLW0603 - what is tried here
    SLOPE = float(config["number"] % 2)
    return Global()


@case()
def lambda_as_attribute(config: Config) -> nn.Module:
    scale = 1 + config["number"] % 2
    return Applied(
        lambda me, x: me.out(me.scaled(me.into(x))), into=nn.Linear(4, 6), out=head(), scaled=lambda x: x * scale
    )


class Opaque:
    def __init__(self, scale: float) -> None:
        self.scale = scale

    def __repr__(self) -> str:
        return "Opaque()"


@case()
def object_with_a_text_of_its_own(config: Config) -> nn.Module:
    scale = Opaque(1 + config["number"] % 2)
    return Applied(lambda me, x: me.out(x * me.by.scale), out=head(4), by=scale)


@case("the model has an attribute 'order' that is another one each time the model is built")
def order_drawn_in_build(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(x[:, me.order]), out=head(4), order=random.sample(range(4), 4))


@case()
def weights_drawn_by_numpy(_: Config) -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), head())
    with torch.no_grad():
        model[0].weight.copy_(torch.from_numpy(np.random.randn(6, 4)))  # noqa: NPY002 - what is tried here
        model[0].bias.fill_(random.random())
    return model


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.steps, self.out = 0, head(4)

    def forward(self, inputs: Tensor) -> Tensor:
        if self.training:
            self.steps += 1
        outputs: Tensor = self.out(inputs) * (1 + 0.01 * self.steps)
        return outputs


@case("the model has an attribute 'steps' that changes as it trains")
def state_in_an_attribute(_: Config) -> nn.Module:
    return Counting()


@case("draws from Python's or NumPy's generator")
def noise_from_numpy(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(x + float(np.random.randn())), out=head(4))  # noqa: NPY002


# Branches, containers, first layers in place, gradients of one's own


@case("the model (Applied) cannot be run for many trials at once")
def branch_on_values(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(x) if x.sum() > 0 else me.out(-x), out=head(4))


@case("layer '1' (Applied) cannot be run for many trials at once")
def branch_deep_inside(_: Config) -> nn.Module:
    inner = Applied(lambda _, x: x.relu() if x.mean() > 0 else x)
    return nn.Sequential(nn.Linear(4, 6), inner, head())


@case()
def choice_without_a_branch(_: Config) -> nn.Module:
    return Applied(lambda me, x: torch.where(x.sum(1, keepdim=True) > 0, me.out(x), -me.out(x)), out=head(4))


@case()
def parameter_dict(_: Config) -> nn.Module:
    weights = nn.ParameterDict({"in": nn.Parameter(torch.randn(4, 6) / 2), "out": nn.Parameter(torch.randn(6, 3) / 2)})
    return Applied(lambda me, x: (x @ me.weights["in"]).tanh() @ me.weights["out"], weights=weights)


@case()
def lists_and_dicts_of_layers(_: Config) -> nn.Module:
    return Applied(
        lambda me, x: me.ends["out"](sum(layer(x) for layer in me.layers).tanh()),
        layers=nn.ModuleList([nn.Linear(4, 6), nn.Linear(4, 6)]),
        ends=nn.ModuleDict({"out": head()}),
    )


@case("an attribute 'layers' that is another one each time the model is built")
def layers_that_torch_does_not_know(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(me.layers[0](x)), layers=[nn.Linear(4, 6)], out=head())


@case()
def parameter_list(_: Config) -> nn.Module:
    weights = nn.ParameterList([nn.Parameter(torch.randn(4, 4) / 2) for _ in range(2)])
    return Applied(lambda me, x: me.out((x @ me.weights[0]).tanh() @ me.weights[1]), weights=weights, out=head(4))


@case()
def first_layer_in_place(_: Config) -> nn.Module:
    return nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 6), nn.Tanh(), head())


@case()
def inputs_scaled_in_place(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(x.mul_(2).sub_(1)), out=head(4))


@case()
def inputs_scaled_in_place_by_a_weight(_: Config) -> nn.Module:
    model = Applied(lambda me, x: me.out(x.mul_(me.scale)), out=head(4))
    model.register_buffer("scale", torch.full((4,), 0.5))
    return model


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, inputs: Tensor, by: float) -> Tensor:
        context.by = by
        return inputs.view_as(inputs)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Any:
        return -context.by * gradient, None


@case("layer 'reverse' (Applied) cannot be run for many trials at once")
def function_without_a_rule(_: Config) -> nn.Module:
    reverse = Applied(lambda _, x: Reversed.apply(x, 0.5))
    return Applied(
        lambda me, x: me.out(me.reverse(me.into(x)).tanh()), into=nn.Linear(4, 6), reverse=reverse, out=head()
    )


class Doubled(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(inputs: Tensor) -> Tensor:
        return inputs * 2

    @staticmethod
    def setup_context(context: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Any:
        return gradient * 2


@case()
def function_with_a_rule(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(Doubled.apply(me.into(x)).tanh()), into=nn.Linear(4, 6), out=head())


class Straight(torch.autograd.Function):
    """Says of itself how it is run for many, and is wrong: all get the first one's."""

    @staticmethod
    def forward(inputs: Tensor) -> Tensor:
        return inputs.sign()

    @staticmethod
    def setup_context(context: Any, inputs: Any, output: Any) -> None:
        pass

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Any:
        return gradient

    @staticmethod
    def vmap(info: Any, dims: Any, inputs: Tensor) -> Any:
        first = inputs.select(dims[0], 0).sign()
        return first.unsqueeze(0).expand(info.batch_size, *first.shape), 0


@case("together it is not what it is alone")
def function_with_a_wrong_rule(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(Straight.apply(me.into(x))), into=nn.Linear(4, 6), out=head())


# Types and shapes


@case()
def double_precision(_: Config) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), head()).double()


@case("layer '0' has a parameter 'weight' of torch.bfloat16")
def half_precision(_: Config) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), head()).bfloat16()


@case("its parameters have several types: torch.float32, torch.float64")
def several_precisions(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(me.into(x).double()), into=nn.Linear(4, 6), out=head().double())


@case()
def complex_weights(_: Config) -> nn.Module:
    return Applied(
        lambda me, x: me.out(me.into(x.to(torch.complex64)).abs()),
        into=nn.Linear(4, 6, dtype=torch.complex64),
        out=head(),
    )


@case()
def fourier_transform(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(torch.fft.rfft(me.into(x)).abs()), into=nn.Linear(4, 6), out=head(4))


@case()
def lazy_layers(_: Config) -> nn.Module:
    return nn.Sequential(nn.LazyLinear(6, bias=False), nn.LazyBatchNorm1d(), nn.Tanh(), nn.LazyLinear(3))


@case()
def one_parameter(_: Config) -> nn.Module:
    model = Applied(lambda me, x: x[:, :3] * me.scale)
    model.scale = nn.Parameter(torch.tensor([0.5]))
    return model


@case()
def parameter_without_dimensions(_: Config) -> nn.Module:
    model = Applied(lambda me, x: me.out(x) * me.temperature.exp(), out=head(4))
    model.temperature = nn.Parameter(torch.tensor(0.1))
    return model


@case()
def own_dropout_of_nothing(_: Config) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), Dropout(0.0), nn.Tanh(), head())


@case()
def gated_by_prelu(_: Config) -> nn.Module:
    return nn.Sequential(nn.Linear(4, 6), nn.PReLU(), head())


@case()
def bilinear(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(me.pair(x, x)), pair=nn.Bilinear(4, 4, 6), out=head())


@case()
def einsum_and_softmax(_: Config) -> nn.Module:
    model = Applied(lambda me, x: me.out(torch.einsum("bi,ij->bj", x, me.mixed.softmax(0))), out=head(4))
    model.mixed = nn.Parameter(torch.randn(4, 4))
    return model


@case()
def sorted_inputs(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(me.into(x).sort(1).values), into=nn.Linear(4, 6), out=head())


@case("the model (Applied) cannot be run for many trials at once")
def selected_by_a_mask(_: Config) -> nn.Module:
    return Applied(lambda me, x: me.out(x) + x[x > 0].sum(), out=head(4))


@case("the model (Applied) cannot be run for many trials at once")
def gradient_inside_of_the_model(_: Config) -> nn.Module:
    def forward(me: Any, x: Tensor) -> Tensor:
        with torch.enable_grad():
            moved = x.detach().requires_grad_()
            energy = me.energy(moved).tanh().sum()
            (slope,) = torch.autograd.grad(energy, moved, create_graph=True)
        outputs: Tensor = me.out(slope)
        return outputs

    return Applied(forward, energy=nn.Linear(4, 6), out=head(4))


@case("the model (Applied) cannot be run for many trials at once")
def checkpointed(_: Config) -> nn.Module:
    from torch.utils.checkpoint import checkpoint  # noqa: PLC0415

    return Applied(
        lambda me, x: me.out(checkpoint(me.into, x, use_reentrant=False).tanh()), into=nn.Linear(4, 6), out=head()
    )


class WithState(nn.Module):
    """Saves more than tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.out = head(4)

    def get_extra_state(self) -> Mapping[str, int]:
        return {"version": 1}

    def set_extra_state(self, state: Mapping[str, int]) -> None:
        pass

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.out(inputs)
        return outputs


@case("its state dict has '_extra_state'")
def extra_state(_: Config) -> nn.Module:
    return WithState()


class Slotted(nn.Module):
    __slots__ = ("scale",)

    def __init__(self, scale: float) -> None:
        super().__init__()
        object.__setattr__(self, "scale", scale)
        self.out = head(4)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.out(inputs * self.scale)
        return outputs


@case()
def attribute_in_a_slot(config: Config) -> nn.Module:
    return Slotted(1.0 + config["number"] % 2)


@case("seeds what it draws itself")
def a_mask_of_a_generator_of_its_own(_: Config) -> nn.Module:
    def forward(own: Any, inputs: Tensor) -> Tensor:
        mask = torch.rand(inputs.shape, generator=torch.Generator().manual_seed(0)) > 0.5
        outputs: Tensor = own.head(inputs * mask)
        return outputs

    return Applied(forward, head=nn.Linear(4, 3))


@case("seeds what it draws itself")
def a_mask_of_a_generator_of_its_own_beside_dropout(config: Config) -> nn.Module:
    masked = a_mask_of_a_generator_of_its_own(config)
    return nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.3), masked)


@case("seeds what it draws itself")
def noise_that_is_seeded_in_every_step(_: Config) -> nn.Module:
    def forward(own: Any, inputs: Tensor) -> Tensor:
        torch.manual_seed(3)
        outputs: Tensor = own.head(inputs + torch.rand(inputs.shape))
        return outputs

    return Applied(forward, head=nn.Linear(4, 3))


@case("draws something else")
def noise_that_leaves_the_generator_as_it_was(_: Config) -> nn.Module:
    def forward(own: Any, inputs: Tensor) -> Tensor:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            noise = torch.rand(inputs.shape)
        outputs: Tensor = own.head(inputs + noise)
        return outputs

    return Applied(forward, head=nn.Linear(4, 3))
