"""Trainer factory of a study of graphs: holds its graph once in each preparation, and builds learners on it."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, final

import numpy as np
import torch
from torch import nn

from tuner.domain.model import Model
from tuner.domain.trial import Trial
from tuner.objectives._components import BATCH_SIZE, PREPROCESSING, Part
from tuner.objectives._graph_parts import graph_part
from tuner.objectives._graph_settings import GraphSettings
from tuner.objectives._tasks import Task
from tuner.objectives.datasets._splitting import Rows, Split, split
from tuner.objectives.graphs._graph_dataset import GraphData, GraphDataset
from tuner.objectives.preprocessing._pipeline import Pipeline
from tuner.objectives.training.data import Data, Examples
from tuner.objectives.training.flat_state import Layout
from tuner.objectives.training.graph_model import GraphModel, PooledGraph
from tuner.objectives.training.loop import TrainState
from tuner.objectives.training.output_decoder import Answers
from tuner.objectives.training.precision import Precision
from tuner.objectives.training.saved_trial import saved_state
from tuner.objectives.training.trainer_factory import class_weights_of, learner_of

_Prepared = tuple[Data, PooledGraph]


@final
class GraphFactory:
    """A worker's graph and tools. The graph is loaded once, and prepared once in each way that is asked for."""

    def __init__(self, dataset: GraphDataset, settings: GraphSettings, seed: int, wanted: Collection[str]) -> None:
        self.wanted = wanted
        self._dataset = dataset
        self._settings = settings
        self._seed = seed
        self._prepared: dict[Hashable, _Prepared] = {}

    @cached_property
    def _graph(self) -> GraphData:
        return self._dataset.load()

    @cached_property
    def _split(self) -> Split:
        settings = self._settings
        return split(
            self._graph.targets,
            task=self._dataset.task,
            validation=settings.validation,
            test=settings.test,
            seed=self._seed,
        )

    def data(self, trial: Trial) -> Data:
        """Return the numbers and targets of the examples, on the graph as the trial's configuration wants it."""
        return self._of(trial)[0]

    def _of(self, trial: Trial) -> _Prepared:
        steps = tuple(graph_part(trial.config, kind, self._dataset.task) for kind in PREPROCESSING)
        key = steps, trial.device
        if key not in self._prepared:
            self._prepared[key] = self._prepare(steps, trial.device)
        return self._prepared[key]

    def _prepare(self, steps: Sequence[Part], device: str) -> _Prepared:
        graph, task = self._graph, self._dataset.task
        pipeline = Pipeline([step.build() for step in steps], graph.features[self._fitted_on])
        pooled = PooledGraph.of(pipeline(graph.features), graph.edges, graph.weights, graph.membership, device=device)
        of_training = graph.targets[self._split.train]
        is_value = task is Task.REGRESSION
        # Targets that are all equal have no spread to divide by.
        centre, spread = (float(of_training.mean()), float(of_training.std()) or 1.0) if is_value else (0.0, 1.0)

        def examples(rows: Rows) -> Examples:
            measured = graph.targets[rows]
            targets = torch.from_numpy((measured - centre) / spread).float() if is_value else torch.from_numpy(measured)
            return Examples(
                features=torch.from_numpy(graph.labelled[rows]).to(device),
                targets=targets.to(device),
                measured=measured,
            )

        data = Data(
            task=task,
            outputs=1 if is_value else len(self._dataset.labels or ()),
            train=examples(self._split.train),
            validation=examples(self._split.validation),
            make_test=lambda: examples(self._split.test),
            shape=(pooled.graph.num_features,),
            centre=centre,
            spread=spread,
            pipeline=pipeline,
        )
        return data, pooled

    @property
    def _fitted_on(self) -> Any:
        """The nodes that preprocessing is fitted on: those of training graphs.

        Of one graph that is all of them, since a model hears the nodes that it is tested on while it is trained.
        """
        graph = self._graph
        if graph.membership is None:
            return slice(None)
        return np.isin(graph.membership, graph.labelled[self._split.train])

    def learner(self, trial: Trial, data: Data, state: Mapping[str, Any] | None) -> TrainState:
        """Return a learner as it is before the trial's first epoch, or as `state` left it."""
        _, pooled = self._of(trial)
        architecture, loss = (graph_part(trial.config, kind, data.task).build() for kind in ("architecture", "loss"))

        def build() -> nn.Module:
            return GraphModel(architecture.build(data.shape, data.outputs), pooled)

        weights = class_weights_of(trial, data)
        learner = learner_of(trial, data, build, loss, precision=Precision.FLOAT32, class_weights=weights)
        if BATCH_SIZE not in trial.config:
            learner = replace(learner, batch_size=len(self._split.train))
        if state is not None:
            learner.resume(state)
        return learner

    def layout(self, trial: Trial, learner: TrainState) -> Layout:
        """Return how the learner's tensors lie beside those of others."""
        del trial
        assert isinstance(learner.model, GraphModel)
        return replace(Layout.of(learner.model), keeps_busy=learner.model.keeps_busy)

    def model(self, trial: Trial) -> Model:
        """Return the trial's saved state as a model that answers, of this graph or another one."""
        state = saved_state(trial, "answer with")
        from tuner.objectives.training.graph_predictor import GraphInputs, assembled, of_network  # noqa: PLC0415 - pandas

        data = self.data(trial)
        assert data.pipeline is not None
        loss = graph_part(trial.config, "loss", data.task).build()
        classes = None if self._dataset.labels is None else np.array(self._dataset.labels)
        answers = Answers(task=data.task, loss=loss, classes=classes, centre=data.centre, spread=data.spread)
        inputs = GraphInputs.of(self._dataset, self._settings.options, data.pipeline)
        weights = of_network(state["model"])
        return assembled(inputs, answers, weights, config=trial.config, settings=trial.settings, seed=self._seed)
