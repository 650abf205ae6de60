"""Ranges that several spaces share. The range of a learning rate belongs to its optimizer."""

from collections.abc import Mapping

from tuner import Choice, Float, Int

Branch = Mapping[str, Choice | Float | Int]


def optimizers(*names: str) -> Choice:
    """Return a choice between these optimizers; the first is the default."""
    return Choice(default=names[0], **{name: _OPTIMIZERS[name] for name in names})


def lr_schedules(*names: str) -> Choice:
    """Return a choice between these lr_schedules, each with or without warm-up; the first is the default."""
    return Choice(default=names[0], **{name: _LR_SCHEDULES[name] | {"warmup": _WARMUP} for name in names})


def dropout(most: float = 0.5, default: float = 0.0) -> Float:
    """Return the share of activations that training leaves out."""
    return Float(0.0, most, default=default)


def table_networks() -> Choice:
    """Return a choice between the architectures for tables of one's own."""
    common = {"width": Int(16, 256, log=True, default=128), "dropout": dropout(default=0.15)}
    return Choice(
        default="mlp",
        mlp={
            **common,
            "depth": Int(1, 4, default=3),
            "activation": Choice("silu", "relu", "gelu", "tanh"),
            "normalisation": NORMALISATION,
        },
        real_mlp={**common, "depth": Int(2, 4, default=3), "activation": Choice("mish", "selu", "silu")},
    )


def table_optimizers() -> Choice:
    """Return a choice between optimizers for tables of one's own, with rates for large batches."""
    lr = Float(3e-4, 5e-2, log=True, default=3e-3)
    return Choice(
        default="adamw",
        adamw={
            "lr": lr,
            "weight_decay": Float(1e-4, 0.5, log=True, default=1e-2),
            "beta2": Choice(0.999, 0.95),
        },
        nadam={"lr": lr, "weight_decay": _SMALL_WEIGHT_DECAY},
    )


def graph_networks() -> Choice:
    """Return a choice between the architectures for graphs, which are narrower and drop out more than others."""
    network = {
        "width": Choice(16, 32, 64),
        "depth": Int(1, 3, default=2),
        "normalisation": Choice("none", "batch"),
        "dropout": Float(0.0, 0.8, default=0.5),
    }
    return Choice(gcn=network, graph_sage=network, gat={**network, "heads": Choice(4, 8)})


def graph_optimizers() -> Choice:
    """Return a choice between optimizers of steps that see the whole graph: few, large, and with much decay."""
    lr = Float(1e-3, 0.1, log=True, default=0.01)
    return Choice(
        adam={"lr": lr, "weight_decay": Float(1e-5, 1e-2, log=True, default=5e-4)},
        adamw={"lr": lr, "weight_decay": Float(1e-4, 1.0, log=True, default=1e-2)},
    )


def adapters() -> Choice:
    """Return the choice of adapters of a pretrained model; `alpha` is what they are multiplied with, by the rank."""
    return Choice(
        lora={
            "rank": Int(1, 16, log=True, default=8),
            "alpha": Float(1.0, 64.0, log=True, default=16.0),
            "dropout": dropout(0.2),
            "modules": Choice("all", "attention"),
            "layers": Choice(1.0, 0.5),
        }
    )


def finetuning_optimizers() -> Choice:
    """Return the choice of an optimizer of adapters, whose best rates are about ten times those of full training."""
    lr = Float(1e-4, 2e-2, log=True, default=2e-3)
    return Choice(adamw={"lr": lr, "weight_decay": Float(1e-4, 0.1, log=True, default=0.01), "clip": Choice(1.0, 0.0)})


ACTIVATION = Choice("relu", "gelu", "silu", "tanh")
NORMALISATION = Choice("none", "batch", "layer")
BATCH_SIZE = Choice(32, 64, 128, default=64)
LABEL_SMOOTHING = Float(0.0, 0.2, default=0.0)

CLEANING = Choice("median", "mean", "most_frequent")
TRANSFORMATION = Choice("none", "quantile", "power")
SCALING = Choice("standard", "minmax", "robust", "none")
TABLE_SCALING = Choice("standard", "smooth_clip", "minmax", "robust", "none")
TABLE_BATCH_SIZE = Choice(32, 64, 128, 256, default=128)
NUMBER_ENCODING = Choice(
    default="periodic",
    plain={},
    periodic={"spread": Float(0.02, 2.0, log=True, default=0.1)},
    piecewise_linear={"bins": Choice(8, 16, 32, 64, default=32)},
)
ENCODING = Choice("one_hot", embedding={"dimension": Choice(2, 4, 8, 16, default=4)})
CLASS_WEIGHTS = Choice("none", "balanced")

_WARMUP = Choice(0.0, 0.05, 0.2)
_CLIP = Choice(0.0, 1.0, 5.0)
_ADAPTIVE_LR = Float(1e-4, 3e-2, log=True, default=2e-3)
_WEIGHT_DECAY = Float(1e-6, 1e-1, log=True, default=1e-2)
_SMALL_WEIGHT_DECAY = Float(1e-7, 1e-2, log=True, default=1e-6)
"""Where the decay is part of the gradient, it has to be small."""

_OPTIMIZERS: Mapping[str, Branch] = {
    "gradient_descent": {"lr": Float(1e-2, 1.0, log=True, default=0.2), "clip": _CLIP},
    "sgd": {
        "lr": Float(1e-3, 0.5, log=True, default=0.05),
        "momentum": Float(0.0, 0.99, default=0.9),
        "nesterov": Choice(True, False),
        "weight_decay": _SMALL_WEIGHT_DECAY,
    },
    "adam": {"lr": _ADAPTIVE_LR, "beta1": Float(0.8, 0.95, default=0.9), "clip": _CLIP},
    "adamw": {"lr": _ADAPTIVE_LR, "weight_decay": _WEIGHT_DECAY},
    "nadam": {"lr": _ADAPTIVE_LR, "weight_decay": _SMALL_WEIGHT_DECAY},
    "rmsprop": {"lr": Float(1e-4, 1e-2, log=True, default=1e-3), "momentum": Float(0.0, 0.9, default=0.0)},
    "adagrad": {"lr": Float(1e-3, 0.3, log=True, default=0.03), "weight_decay": _SMALL_WEIGHT_DECAY},
}

_LR_SCHEDULES: Mapping[str, dict[str, Choice | Float | Int]] = {
    "constant": {},
    "step": {"gamma": Float(0.1, 0.7, default=0.3)},
    "cosine": {},
    "coslog4": {},
    "one_cycle": {"peak": Float(0.1, 0.5, default=0.3)},
}
