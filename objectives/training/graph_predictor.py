"""Predictor of the graph objective: answers for the nodes, or graphs, of a folder or file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import nn

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.model import SavedModel
from tuner.objectives._components import PREPROCESSING
from tuner.objectives._graph_parts import graph_part
from tuner.objectives._tasks import Task
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.graphs._graph_dataset import GraphDataset
from tuner.objectives.preprocessing._pipeline import Pipeline
from tuner.objectives.training.answering_model import AnsweringModel
from tuner.objectives.training.graph_model import GraphModel, PooledGraph
from tuner.objectives.training.model_origin import ModelOrigin
from tuner.objectives.training.output_decoder import Answers
from tuner.objectives.training.predictor import network_with
from tuner.objectives.training.predictor_io import refuse_absurd
from tuner.objectives.user_data.columns import Number
from tuner.objectives.user_data.graph_options import GraphOptions
from tuner.objectives.user_data.graph_rows import structure_described
from tuner.objectives.user_data.graph_structure import Structure
from tuner.objectives.user_data.open_graph import node_features
from tuner.objectives.user_data.schema import Schema

_MOST_FEATURES = 2**24
_PREFIX = "network."


@final
class GraphInputs:
    """Reads a graph as the one that a model was trained on was read, and prepares its features alike.

    `of_graphs` says that examples are graphs, not nodes.
    """

    def __init__(self, schema: Schema, options: Mapping[str, Any], pipeline: Pipeline, *, of_graphs: bool) -> None:
        self._schema = schema
        self._options = options
        self._pipeline = pipeline
        self._of_graphs = of_graphs

    @staticmethod
    def of(dataset: GraphDataset, options: GraphOptions | None, pipeline: Pipeline) -> "GraphInputs":
        """Return what reads further graphs like a dataset's; the features of one that ships are called x0, x1..."""
        data = dataset.load()
        schema = getattr(dataset, "schema", None) or Schema(
            columns=tuple(Number(name=f"x{column}") for column in range(data.features.shape[1])),
            target=Number(name="y"),
        )
        return GraphInputs(
            schema,
            (options or GraphOptions()).describe(),
            pipeline,
            of_graphs=data.membership is not None,
        )

    @staticmethod
    def restored(description: Mapping[str, Any], pipeline: Pipeline) -> "GraphInputs":
        """Return what `describe` described."""
        schema = Schema.from_description(description["schema"])
        return GraphInputs(schema, description["options"], pipeline, of_graphs=bool(description["of_graphs"]))

    def __call__(self, raw: Any) -> tuple[PooledGraph, int]:
        """Return the graph at a path, or of a structure, and how many examples it has."""
        structure = raw if isinstance(raw, Structure) else self._structure(raw)
        if (structure.membership is not None) is not self._of_graphs:
            kinds = ("nodes of one graph", "graphs")
            raise ConfigurationError(
                f"{structure.files[0]}: holds {kinds[not self._of_graphs]}, and the model answers for "
                f"{kinds[self._of_graphs]}"
            )
        features = self._pipeline(node_features(structure, self._schema))
        joined = structure.joined
        return PooledGraph.of(features, joined.edges, joined.weights, structure.membership), len(structure.names)

    def _structure(self, raw: Any) -> Structure:
        if not isinstance(raw, str | Path):
            raise ConfigurationError(
                "the model reads graphs, so its input is the path of a folder with nodes and edges, or of a .npz file"
            )
        return structure_described(Path(raw), self.describe())

    @property
    def num_features(self) -> int:
        """How many numbers a node has when it is prepared."""
        return int(self._pipeline(np.zeros((2, len(self._schema.names)))).shape[1])

    @property
    def state(self) -> dict[str, Any]:
        """What was fitted."""
        return self._pipeline.state()

    def describe(self) -> dict[str, Any]:
        """Return the JSON form of all but the state."""
        return {
            "graph": True,
            "of_graphs": self._of_graphs,
            "options": dict(self._options),
            "schema": self._schema.describe(),
        }


@final
class GraphPredictor(AnsweringModel):
    """A graph network that answers, on the CPU, for every example of a graph that it is given the path of."""

    def __init__(self, network: nn.Module, inputs: GraphInputs, answers: Answers, origin: ModelOrigin) -> None:
        super().__init__(answers)
        self._network = network.eval().requires_grad_(requires_grad=False)
        self._inputs = inputs
        self._origin = origin

    @property
    def columns(self) -> None:
        return None

    @property
    def example_file(self) -> str:
        return "NEW_GRAPH/"

    @torch.no_grad()
    def raw_answers(self, inputs: Any) -> Array:
        pooled, count = self._inputs(inputs)
        return self._answers.decoded(GraphModel(self._network, pooled)(torch.arange(count)))

    def save(self) -> SavedModel:
        return self._origin.saved(
            description={**self._answers.describe(), "inputs": self._inputs.describe()},
            weights=self._network.state_dict(),
            preparation=self._inputs.state,
        )

    def write_onnx(self, path: Path) -> None:
        del path
        raise ConfigurationError("a graph network cannot be written as ONNX: sparse products have no operator there")

    def __repr__(self) -> str:
        what = f"{len(self.classes_)} classes" if self.is_classifier else "values"
        return f"GraphPredictor({what})"


def assembled(
    inputs: GraphInputs, answers: Answers, weights: Mapping[str, Any], *, config: Config, settings: Config, seed: int
) -> GraphPredictor:
    """Return the model of a configuration with these weights, under a model's names or its network's."""
    architecture = graph_part(config, "architecture", answers.task).build()
    outputs = 1 if answers.classes is None else len(answers.classes)
    shape = (inputs.num_features,)
    network = network_with(lambda: architecture.build(shape, outputs), weights)
    return GraphPredictor(network, inputs, answers, ModelOrigin.of(config, settings, seed))


def of_network(weights: Mapping[str, Any]) -> dict[str, Any]:
    """Return the weights in a trial's state as the network names them, without the model around it."""
    return {name.removeprefix(_PREFIX): tensor for name, tensor in weights.items()}


def restored(saved: SavedModel) -> GraphPredictor:
    """Return the model that was saved; raises `ValueError`, or whatever its parts do, where it makes no sense."""
    refuse_absurd(saved)
    task = Task(saved.description["task"])
    steps = [graph_part(saved.config, kind, task).build() for kind in PREPROCESSING]
    inputs = GraphInputs.restored(saved.description["inputs"], Pipeline.restored(steps, saved.preparation))
    if inputs.num_features > _MOST_FEATURES:
        raise ValueError(f"a node has more than {_MOST_FEATURES:,} numbers")
    answers = Answers.of(saved.description, graph_part(saved.config, "loss", task).build())
    return assembled(inputs, answers, saved.weights, config=saved.config, settings=saved.settings, seed=saved.seed)
