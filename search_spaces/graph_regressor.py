"""Regressors of nodes or graphs: scaling of features, network, loss, and its training on all examples at once."""

from tuner import Choice, Float, SearchSpace
from tuner.search_spaces._blocks import graph_networks, graph_optimizers, lr_schedules

__all__ = ["space"]

space = SearchSpace(
    scaling=Choice("minmax", "standard"),
    architecture=graph_networks(),
    loss=Choice(default="mean_squared_error", mean_squared_error={}, huber={"delta": Float(0.1, 3.0, log=True)}),
    optimizer=graph_optimizers(),
    lr_schedule=lr_schedules("constant", "cosine"),
)
