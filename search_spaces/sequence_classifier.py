"""Classifiers of short sequences: recurrent, attention or fully connected."""

from tuner import Choice, Int, SearchSpace
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
    preprocessing=Choice("standard", "minmax"),
    architecture=Choice(
        rnn={
            "cell": Choice("gru", "lstm"),
            "width": Int(16, 96, log=True, default=48),
            "depth": Int(1, 2, default=1),
            "normalisation": NORMALISATION,
            "dropout": dropout(),
        },
        transformer={
            "width": Choice(16, 32, 64, default=32),
            "depth": Int(1, 3, default=2),
            "heads": Choice(1, 2, 4, default=2),
            "activation": ACTIVATION,
            "dropout": dropout(0.3),
        },
        mlp={
            "width": Int(32, 256, log=True, default=128),
            "depth": Int(1, 3, default=2),
            "activation": ACTIVATION,
            "normalisation": NORMALISATION,
            "dropout": dropout(),
        },
    ),
    loss=Choice(cross_entropy={"label_smoothing": LABEL_SMOOTHING}),
    optimizer=optimizers("adam", "adamw", "rmsprop"),
    lr_schedule=lr_schedules("cosine", "constant", "one_cycle"),
    batch_size=BATCH_SIZE,
)
