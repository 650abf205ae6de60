"""Classifiers of nodes or graphs: scaling of features, network, and its training on all examples at once."""

from tuner import Choice, SearchSpace
from tuner.search_spaces._blocks import LABEL_SMOOTHING, graph_networks, graph_optimizers, lr_schedules

__all__ = ["space"]

space = SearchSpace(
    scaling=Choice("minmax", "standard"),
    architecture=graph_networks(),
    loss=Choice(cross_entropy={"label_smoothing": LABEL_SMOOTHING}),
    optimizer=graph_optimizers(),
    lr_schedule=lr_schedules("constant", "cosine"),
)
