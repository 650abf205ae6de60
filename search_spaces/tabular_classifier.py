"""Classifiers of numeric tables: preprocessing, network and training."""

from tuner import Choice, Float, Int, SearchSpace
from tuner.search_spaces._blocks import (
    ACTIVATION,
    CLEANING,
    LABEL_SMOOTHING,
    NORMALISATION,
    SCALING,
    TRANSFORMATION,
    dropout,
    lr_schedules,
    optimizers,
)

__all__ = ["space"]

space = SearchSpace(
    cleaning=CLEANING,
    transformation=TRANSFORMATION,
    scaling=SCALING,
    architecture=Choice(
        mlp={
            "width": Int(8, 128, log=True, default=32),
            "depth": Int(1, 3, default=2),
            "activation": ACTIVATION,
            "normalisation": NORMALISATION,
            "dropout": dropout(),
        },
    ),
    loss=Choice(
        cross_entropy={"label_smoothing": LABEL_SMOOTHING},
        binary_cross_entropy={"label_smoothing": LABEL_SMOOTHING},
        focal={"gamma": Float(0.5, 4.0, default=2.0)},
    ),
    optimizer=optimizers("adamw", "sgd", "gradient_descent", "adagrad"),
    lr_schedule=lr_schedules("constant", "step", "cosine", "one_cycle"),
    batch_size=Choice(8, 16, 32, 64, default=16),
)
