"""Train a graph network: classes or values of nodes, or of whole graphs, on what ships or on files of your own."""

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, final

from tuner.domain.config import Config
from tuner.domain.data_summary import DataRecord
from tuner.domain.errors import ConfigurationError
from tuner.domain.model import Model, SavedModel
from tuner.domain.search_space import SearchSpace
from tuner.objectives._components import BATCH_SIZE, GRAPHS, PREPROCESSING
from tuner.objectives._factory_objective import FactoryObjective
from tuner.objectives._graph_parts import graph_part, graph_space_problems
from tuner.objectives._graph_settings import GraphSettings, located
from tuner.objectives._tasks import Task

__all__ = ["GraphLearning"]


@final
class GraphLearning(FactoryObjective):
    """Graph networks.

    A configuration chooses `architecture` (gcn, graph_sage, gat), `loss`, `optimizer` and `lr_schedule`, the steps
    `cleaning`, `transformation` and `scaling` of the nodes' features, `class_weights`, and `batch_size`: how many
    examples with a target a step learns from. Without one it learns from all of them at once, and an epoch is a step.
    """

    def __init__(self, settings: Mapping[str, Any], seed: int) -> None:
        self._settings: GraphSettings = GraphSettings.of(settings)
        self._seed = seed
        self._dataset = GRAPHS[self._settings.dataset]() if self._settings.options is None else self._open()

    def _open(self) -> Any:
        # Shipped graphs do not wait for what reads files.
        from tuner.objectives.user_data.open_graph import open_graph  # noqa: PLC0415

        settings = self._settings
        assert settings.options is not None
        shares = {"validation": settings.validation, "test": settings.test}
        return open_graph(Path(settings.dataset), settings.options, **shares, seed=self._seed)

    @cached_property
    def _factory(self) -> Any:
        # The driver asks an objective questions and must not wait for torch; only a worker gets here.
        from tuner.objectives.training.graph_factory import GraphFactory  # noqa: PLC0415

        return GraphFactory(self._dataset, self._settings, self._seed, self._wanted)

    @property
    def _task(self) -> Task:
        task: Task = self._dataset.task
        return task

    def problems(self, space: SearchSpace) -> Sequence[str]:
        return tuple(graph_space_problems(space, Path(self._settings.dataset).name, self._task))

    def notes(self, space: SearchSpace) -> Sequence[str]:
        del space
        return () if self._settings.options is None else tuple(self._dataset.notes)

    def data(self) -> DataRecord | None:
        if self._settings.options is None:
            return None
        from tuner.objectives.user_data.open_graph import record_of  # noqa: PLC0415 - as above

        return record_of(Path(self._settings.dataset), self._dataset)

    def proposal(self) -> Mapping[str, Any]:
        if self._task is Task.REGRESSION:
            return {"search_space": "graph_regressor", "metric": "rmse", "direction": "minimize"}
        return {"search_space": "graph_classifier", "metric": "accuracy", "direction": "maximize"}

    @classmethod
    def located(cls, settings: Mapping[str, Any], folders: Sequence[Path]) -> Mapping[str, Any]:
        return located(settings, folders)

    @classmethod
    def fingerprint(cls, settings: Mapping[str, Any]) -> str | None:
        dataset = settings.get("dataset")
        if not isinstance(dataset, str) or dataset in GRAPHS or not Path(dataset).exists():
            return None
        from tuner.objectives.user_data.open_graph import identity_of  # noqa: PLC0415 - as above

        try:
            return identity_of(Path(dataset))[0]
        except OSError as error:
            raise ConfigurationError(f"{dataset}: cannot be read: {error.strerror or error}") from None

    def cohort_key(self, config: Config) -> Hashable:
        """Return the architecture without its dropout, the batch size, and how features are prepared.

        Members of a cohort hold one graph, whose features are the same for all.
        """
        architecture = graph_part(config, "architecture", self._task).without("dropout")
        prepared = tuple(graph_part(config, kind, self._task) for kind in PREPROCESSING)
        return architecture, config.get(BATCH_SIZE), prepared

    @classmethod
    def restore(cls, saved: SavedModel) -> Model:
        from tuner.objectives.training.graph_predictor import restored  # noqa: PLC0415 - torch, as above

        return restored(saved)
