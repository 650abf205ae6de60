"""Regressors of tables with categories: encoding of categories, loss, network and training."""

from tuner import Choice, Float, SearchSpace
from tuner.search_spaces._blocks import (
    CLEANING,
    ENCODING,
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
    architecture=table_networks(),
    loss=Choice(
        default="mean_squared_error",
        mean_squared_error={},
        mean_absolute_error={},
        huber={"delta": Float(0.1, 3.0, log=True, default=1.0)},
    ),
    optimizer=table_optimizers(),
    lr_schedule=lr_schedules("cosine", "coslog4", "constant", "one_cycle"),
    batch_size=TABLE_BATCH_SIZE,
)
