"""What is searched where a person gives data and no study file."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tuner.objectives._tasks import Input, Task
from tuner.objectives.datasets._dataset import Dataset

_MOST_ROWS_TRAINED_LONGER = 20_000
"""Beyond so many rows the usual number of epochs has steps enough."""

_EPOCHS, _FIRST_EPOCHS = 81, 9
"""How long trials on fewer rows train, and after how many epochs they are compared first."""

_REAL_MLP = MappingProxyType(
    {
        "scaling": "smooth_clip",
        "lr_schedule": {"name": "coslog4"},
        "batch_size": 128,
    }
)
_REAL_MLP_BY_TASK: Mapping[Task, Mapping[str, Any]] = MappingProxyType(
    {
        Task.CLASSIFICATION: {
            "architecture": {"name": "real_mlp", "activation": "selu"},
            "optimizer": {"name": "adamw", "lr": 4e-3, "beta2": 0.95, "weight_decay": 0.2},
            "loss": {"name": "cross_entropy", "label_smoothing": 0.1},
        },
        Task.REGRESSION: {
            "architecture": {"name": "real_mlp", "activation": "mish"},
            "optimizer": {"name": "adamw", "lr": 2e-2, "beta2": 0.95, "weight_decay": 0.2},
        },
    }
)
"""The defaults of RealMLP (D. Holzmüller et al., Better by Default, 2024), where its weights have a factor of 10."""


def proposed(dataset: Dataset) -> Mapping[str, Any]:
    """Return a search space and a metric that suit the dataset, as the keys of a study file.

    The metric is a proper score: few rows choose by it less by chance than by accuracy, and a model that is best by it
    knows how sure it is. For a table it is said too which configuration is tried beside the default one and, where rows
    are few, how long trials train and after how many epochs they are compared first.
    """
    if dataset.kind is not Input.TABLE:
        kind = {Input.IMAGE: "image", Input.SEQUENCE: "sequence"}[dataset.kind]
        return {"search_space": f"{kind}_classifier", **_goal(dataset.task)}
    word = "regressor" if dataset.task is Task.REGRESSION else "classifier"
    found = {
        "search_space": f"mixed_table_{word}",
        **_goal(dataset.task),
        "start": [{**_REAL_MLP, **_REAL_MLP_BY_TASK[dataset.task]}],
    }
    _, targets = dataset.load()
    if len(targets) > _MOST_ROWS_TRAINED_LONGER:
        return found
    return {**found, "budget": {"epochs": _EPOCHS}, "scheduler": {"name": "asha", "min_epochs": _FIRST_EPOCHS}}


def _goal(task: Task) -> Mapping[str, str]:
    return {"metric": "rmse" if task is Task.REGRESSION else "log_loss", "direction": "minimize"}
