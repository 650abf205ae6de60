"""Opens a graph from a file or folder as a dataset, with a summary and notes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd

from tuner.domain.data_summary import DataRecord
from tuner.domain.errors import ConfigurationError, nearest
from tuner.objectives.datasets._splitting import split
from tuner.objectives.graphs._graph_dataset import GraphData, GraphDataset
from tuner.objectives.user_data.cell_formats import is_text
from tuner.objectives.user_data.columns import Number
from tuner.objectives.user_data.fingerprint import fingerprint
from tuner.objectives.user_data.graph_arrays import TARGET, read_graph_arrays
from tuner.objectives.user_data.graph_options import IGNORED, GraphOptions
from tuner.objectives.user_data.graph_structure import DEGREE, Structure
from tuner.objectives.user_data.graph_tables import files_in, read_tables
from tuner.objectives.user_data.open_data import check_classes
from tuner.objectives.user_data.schema import Schema
from tuner.objectives.user_data.table import understood
from tuner.objectives.user_data.table_notation import Conventions
from tuner.objectives.user_data.type_inference import columns_of

_ARRAYS = ".npz"
_LISTED = 20


@final
class UserGraph(GraphDataset):
    """A graph whose nodes have targets, or graphs that have some; what has no target is left without one."""

    def __init__(self, path: Path, options: GraphOptions) -> None:
        self.path = path
        structure = structure_at(path, options)
        target = TARGET if path.suffix.lower() == _ARRAYS else options.table.target
        _check_target(structure, target, options)
        assert target is not None
        of_nodes = structure.membership is None and target in structure.nodes
        nodes = structure.nodes.drop(columns=[target]) if of_nodes else structure.nodes
        self._read(replace(structure, nodes=nodes), target, options)

    def _read(self, structure: Structure, name: str, options: GraphOptions) -> None:
        answers = structure.examples[name]
        conventions = Conventions(structure.examples[[name]], options.table)
        with _in_file(structure.files[1]):
            target, present, labels = understood(answers, None, options.table.task, conventions)
        columns, notes = _features(structure, options)
        self.schema = Schema(columns=columns, target=target, labels=labels)
        self.task = self.schema.task
        self.labels = labels or None
        unlabelled = int(len(present) - present.sum())
        said = (f"{unlabelled:,} examples have no target: they pass messages, and are not learnt from",)
        self.notes = (*structure.notes, *notes, *conventions.notes, *(said if unlabelled else ()))
        self._data = GraphData(
            features=node_features(structure, self.schema),
            edges=structure.joined.edges,
            weights=structure.joined.weights,
            targets=self.schema.targets(answers[present]),
            labelled=np.flatnonzero(present),
            membership=structure.membership,
        )

    def load(self) -> GraphData:
        return self._data


def open_graph(path: Path, options: GraphOptions, *, validation: float, test: float, seed: int) -> UserGraph:
    """Return the graph at `path`, or raise `ConfigurationError` with what is wrong with it or these shares."""
    dataset = UserGraph(path, options)
    targets = dataset.load().targets
    parts = split(targets, task=dataset.task, validation=validation, test=test, seed=seed)
    check_classes(path, dataset.labels, targets, parts)
    return dataset


def structure_at(path: Path, options: GraphOptions) -> Structure:
    """Return the structure of the graph in a folder or `.npz` file, or raise `ConfigurationError`."""
    try:
        if path.is_dir():
            return read_tables(path, options)
        if path.suffix.lower() == _ARRAYS:
            return read_graph_arrays(path, options)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from None
    except MemoryError:
        raise ConfigurationError(f"{path}: does not fit into memory", hint="tune on a part of the graph") from None
    raise ConfigurationError(
        f"{path}: is no graph", hint="a graph is a folder with nodes.csv and edges.csv, or a .npz file"
    )


def node_features(structure: Structure, schema: Schema) -> Any:
    """Return the features of the nodes, (nodes, features); raises `ConfigurationError` with file and line."""
    frame = structure.features_among(schema.names)
    with _in_file(structure.files[0]):
        return schema.features(frame)


@contextmanager
def _in_file(file: Path) -> Iterator[None]:
    """Say in which file a mistake is."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError([f"{file}, {problem}" for problem in error.problems], error.hint) from None


def record_of(path: Path, dataset: UserGraph) -> DataRecord:
    """Return what is kept of the data with a study."""
    data = dataset.load()
    identity, size = identity_of(path)
    what = "" if data.membership is None else f"{data.num_examples:,} graphs, "
    return DataRecord(
        path=str(path),
        fingerprint=identity,
        size=size,
        summary=f"{what}{len(data.features):,} nodes of {data.features.shape[1]:,} numbers, {data.edges.shape[1]:,} "
        f"messages: {dataset.task.value} of {dataset.schema.target.name!r}, known of {len(data.labelled):,}",
    )


def identity_of(path: Path) -> tuple[str, int]:
    """Return a hash of what is read of a graph, and its size in bytes."""
    return fingerprint(path, files_in(path).values()) if path.is_dir() else fingerprint(path)


def _check_target(structure: Structure, target: str | None, options: GraphOptions) -> None:
    names = [str(name) for name in structure.examples.columns]
    if target not in names:
        which = "missing; what is to be predicted?" if target is None else f"there is no column {target!r}"
        close = "" if target is None else nearest(target, names)
        raise ConfigurationError(
            f"settings.target: {which}{close} ({structure.files[1].name} has: {', '.join(names[:_LISTED]) or 'none'})"
        )
    absent = [name for name, _ in options.table.columns if name not in structure.nodes]
    if absent:
        raise ConfigurationError(f"settings.columns.{absent[0]}: there is no such column of the nodes")


def _features(structure: Structure, options: GraphOptions) -> tuple[tuple[Number, ...], tuple[str, ...]]:
    """Return the columns that are features, and what was assumed of them."""
    kinds = dict(options.table.columns)
    names = [name for name in structure.nodes if kinds.get(name) != IGNORED]
    if not names:
        return (Number(name=DEGREE),), (f"nodes have no features but the logarithm of their {DEGREE}",)
    conventions = Conventions(structure.nodes[names], options.table)
    columns, problems, hint = [], [], ""
    alike: dict[frozenset[Any], Number] = {}
    for name in names:
        values = structure.nodes[name]
        words = frozenset(values.unique()) if is_text(values) else frozenset({values.dtype})
        try:
            if words not in alike:
                alike[words] = _number(values, conventions)
            columns.append(replace(alike[words], name=str(name)))
        except ConfigurationError as error:
            problems += [f"{structure.files[0]}, {problem}" for problem in error.problems]
            hint = hint or error.hint
    if problems:
        raise ConfigurationError(problems, hint)
    return tuple(columns), conventions.notes


def _number(values: Any, conventions: Conventions) -> Number:
    """Return a column of numbers, found by its different values: a thousand columns may have but zeros and ones."""
    if conventions.missing is None and pd.api.types.is_numeric_dtype(values):
        return Number(name=str(values.name))
    (column,) = columns_of(values.drop_duplicates().to_frame(), {str(values.name): Number.type}, conventions)
    assert isinstance(column, Number)  # as it was asked for
    return column
