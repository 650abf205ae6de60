"""Regressors of numeric tables: loss, preprocessing, network and training."""

from tuner import Choice, Float, Int, SearchSpace
from tuner.search_spaces._blocks import (
    ACTIVATION,
    CLEANING,
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
        transformer={
            "width": Choice(8, 16, 32, default=16),
            "depth": Int(1, 2, default=1),
            "heads": Choice(1, 2, 4, default=2),
            "dropout": dropout(0.3),
        },
    ),
    loss=Choice(
        default="mean_squared_error",
        mean_squared_error={},
        mean_absolute_error={},
        huber={"delta": Float(0.1, 3.0, log=True, default=1.0)},
    ),
    optimizer=optimizers("adamw", "sgd", "adagrad", "rmsprop"),
    lr_schedule=lr_schedules("constant", "step", "cosine"),
    batch_size=Choice(8, 16, 32, 64, default=16),
)
