"""Classifiers of small images: fully connected layers or convolutions, with their training."""

from tuner import Choice, Float, Int, SearchSpace
from tuner.search_spaces._blocks import (
    ACTIVATION,
    BATCH_SIZE,
    LABEL_SMOOTHING,
    NORMALISATION,
    dropout,
    lr_schedules,
    optimizers,
)

__all__ = ["space"]

space = SearchSpace(
    preprocessing=Choice("standard", "minmax", "none"),
    architecture=Choice(
        mlp={
            "width": Int(32, 256, log=True, default=128),
            "depth": Int(1, 3, default=2),
            "activation": ACTIVATION,
            "normalisation": NORMALISATION,
            "dropout": Float(0.0, 0.5, default=0.2),
        },
        cnn={
            "channels": Int(8, 32, log=True, default=12),
            "kernel": Choice(3, 5),
            "activation": ACTIVATION,
            "normalisation": NORMALISATION,
            "dropout": dropout(),
        },
    ),
    loss=Choice(cross_entropy={"label_smoothing": LABEL_SMOOTHING}, focal={"gamma": Float(0.5, 4.0, default=2.0)}),
    optimizer=optimizers("adamw", "sgd", "nadam"),
    lr_schedule=lr_schedules("cosine", "constant", "one_cycle"),
    batch_size=BATCH_SIZE,
)
