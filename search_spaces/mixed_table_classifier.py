"""Classifiers of tables with categories: encoding of categories, weights of rare classes, network and training."""

from tuner import Choice, Float, SearchSpace
from tuner.search_spaces._blocks import (
    CLASS_WEIGHTS,
    CLEANING,
    ENCODING,
    LABEL_SMOOTHING,
    NUMBER_ENCODING,
    TABLE_BATCH_SIZE,
    TABLE_SCALING,
    TRANSFORMATION,
    lr_schedules,
    table_networks,
    table_optimizers,
)

__all__ = ["space"]

space = SearchSpace(
    cleaning=CLEANING,
    transformation=TRANSFORMATION,
    scaling=TABLE_SCALING,
    encoding=ENCODING,
    number_encoding=NUMBER_ENCODING,
    class_weights=CLASS_WEIGHTS,
    architecture=table_networks(),
    loss=Choice(cross_entropy={"label_smoothing": LABEL_SMOOTHING}, focal={"gamma": Float(0.5, 4.0, default=2.0)}),
    optimizer=table_optimizers(),
    lr_schedule=lr_schedules("cosine", "coslog4", "constant", "one_cycle"),
    batch_size=TABLE_BATCH_SIZE,
)
