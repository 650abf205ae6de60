"""Classifiers of tables with categories: encoding of categories, weights of rare classes, network and training."""

from tuner import Choice, Float, Int, SearchSpace
from tuner.search_spaces._blocks import (
    ACTIVATION,
    CLASS_WEIGHTS,
    CLEANING,
    ENCODING,
    LABEL_SMOOTHING,
    NORMALISATION,
    NUMBER_ENCODING,
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
    encoding=ENCODING,
    number_encoding=NUMBER_ENCODING,
    class_weights=CLASS_WEIGHTS,
    architecture=Choice(
        mlp={
            "width": Int(16, 256, log=True, default=64),
            "depth": Int(1, 3, default=2),
            "activation": ACTIVATION,
            "normalisation": NORMALISATION,
            "dropout": dropout(),
        },
    ),
    loss=Choice(cross_entropy={"label_smoothing": LABEL_SMOOTHING}, focal={"gamma": Float(0.5, 4.0, default=2.0)}),
    optimizer=optimizers("adamw", "sgd", "nadam"),
    lr_schedule=lr_schedules("cosine", "constant", "one_cycle"),
    batch_size=Choice(16, 32, 64, 128, default=32),
)
