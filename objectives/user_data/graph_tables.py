"""Graphs from a folder with tables: nodes, edges and, where graphs are the examples, graphs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tuner.domain.errors import ConfigurationError, nearest
from tuner.objectives.user_data.cell_formats import as_text
from tuner.objectives.user_data.columns import Number, place
from tuner.objectives.user_data.graph_options import GraphOptions
from tuner.objectives.user_data.graph_structure import Structure, joined_ends
from tuner.objectives.user_data.table_notation import Conventions
from tuner.objectives.user_data.table_reader import PARQUET_SUFFIXES, TEXT_SUFFIXES, read_table
from tuner.objectives.user_data.type_inference import columns_of

NODES, EDGES, GRAPHS = "nodes", "edges", "graphs"
_SUFFIXES = (*TEXT_SUFFIXES, *PARQUET_SUFFIXES)
_LISTED = 20


def files_in(folder: Path) -> dict[str, Path]:
    """Return the tables of a graph by their names; raises `ConfigurationError` where one is missing or there twice."""
    found: dict[str, Path] = {}
    problems = []
    for name in (NODES, EDGES, GRAPHS):
        files = [folder / f"{name}{suffix}" for suffix in _SUFFIXES if (folder / f"{name}{suffix}").exists()]
        if len(files) > 1:
            problems.append(f"{folder}: has {files[0].name} and {files[1].name}; which is meant?")
        elif files:
            found[name] = files[0]
        elif name != GRAPHS:
            problems.append(f"{folder}: has no {name}.csv or {name}.parquet")
    if problems:
        raise ConfigurationError(
            problems, hint="a graph is a folder with nodes.csv and edges.csv, or nodes.parquet and edges.parquet"
        )
    return found


def read_tables(folder: Path, options: GraphOptions) -> Structure:
    """Return the graph in a folder; raises `ConfigurationError` with the file and line of what is wrong."""
    files = files_in(folder)
    tables = {name: _read(file, options) for name, file in files.items()}
    _check_columns(tables, files, options)
    nodes, edges = tables[NODES], tables[EDGES]
    known = _known(nodes[options.id], files[NODES], "node")
    ends = np.stack(
        [
            _numbers_of(edges[end], known, files[EDGES], f"no node of {files[NODES].name}")
            for end in (options.source, options.destination)
        ]
    )
    membership = _membership(tables, files, options, ends) if GRAPHS in tables else None
    features = nodes.drop(columns=[name for name in (options.id, options.graph) if name in nodes])
    examples = tables.get(GRAPHS, nodes)
    weights = None if options.weight is None else _weights(edges, options, files[EDGES])
    joined = joined_ends(ends, weights, len(nodes), directed=options.directed)
    return Structure(
        nodes=features,
        examples=examples,
        names=examples[options.graph if GRAPHS in tables else options.id],
        files=(files[NODES], files.get(GRAPHS, files[NODES])),
        joined=joined,
        membership=membership,
        notes=(*_notes(tables, files, options), *joined.notes),
    )


def _check_columns(tables: dict[str, Any], files: dict[str, Path], options: GraphOptions) -> None:
    """Raise `ConfigurationError` with every column that is missing."""
    wanted = {NODES: (options.id,), EDGES: (options.source, options.destination), GRAPHS: (options.graph,)}
    if options.weight is not None:
        wanted[EDGES] = (*wanted[EDGES], options.weight)
    if GRAPHS in tables:
        wanted[NODES] = (options.id, options.graph)
    problems = [
        problem
        for name, frame in tables.items()
        for problem in _absent(files[name], [str(column) for column in frame.columns], wanted[name])
    ]
    if problems:
        raise ConfigurationError(problems, hint='[settings] says what they are called, such as id = "node"')


def _notes(tables: dict[str, Any], files: dict[str, Path], options: GraphOptions) -> Iterator[str]:
    if GRAPHS not in tables and options.graph in tables[NODES]:
        yield f"column {options.graph!r} of {files[NODES].name} is no feature: it says which graph a node is in"
    read = {options.source, options.destination, options.weight}
    others = [str(name) for name in tables[EDGES].columns if name not in read]
    if others:
        yield f"columns of {files[EDGES].name} that are not read: {', '.join(others[:_LISTED])}"


def _read(file: Path, options: GraphOptions) -> Any:
    table = options.table
    frame = read_table(file, separator=table.separator, encoding=table.encoding, fewest=1)
    frame.columns = [str(name) for name in frame.columns]
    return frame


def _absent(file: Path, names: Sequence[str], wanted: Sequence[str]) -> Iterator[str]:
    for name in wanted:
        if name not in names:
            yield f"{file}: has no column {name!r}{nearest(name, names)} (columns: {', '.join(names[:_LISTED])})"


def _known(values: Any, file: Path, what: str) -> Any:
    """Return the names of nodes or graphs as an index; raises `ConfigurationError` where one is missing or twice."""
    words = as_text(values)
    missing = (words.isna() | (words == "")).to_numpy(dtype=bool)
    if missing.any():
        raise ConfigurationError(
            f"{file}, {place(values, int(missing.argmax()))}: the {what} has no name in column {values.name!r}"
        )
    twice = words.duplicated().to_numpy(dtype=bool)
    if twice.any():
        second = int(twice.argmax())
        word = words.iloc[second]
        first = int((words == word).to_numpy(dtype=bool).argmax())
        raise ConfigurationError(
            f"{file}, {place(values, second)}: {what} {word[:40]!r} is there already, in {place(values, first)}",
            hint=f"each {what} has a name of its own in column {values.name!r}, and a line of its own",
        )
    return pd.Index(words)


def _numbers_of(values: Any, known: Any, file: Path, what: str) -> NDArray[np.int64]:
    """Return the number of the node or graph that each value names."""
    words = as_text(values).fillna("")
    numbers: NDArray[np.int64] = known.get_indexer(words).astype(np.int64)
    if (numbers < 0).any():
        first = int((numbers < 0).argmax())
        more = int((numbers < 0).sum()) - 1
        raise ConfigurationError(
            f"{file}, {place(values, first)}: {words.iloc[first][:40]!r} in column {values.name!r} is {what}"
            + (f", and {more:,} more are not either" if more else "")
        )
    return numbers


def _membership(
    tables: dict[str, Any], files: dict[str, Path], options: GraphOptions, ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the number of each node's graph."""
    graphs = tables[GRAPHS][options.graph]
    known = _known(graphs, files[GRAPHS], "graph")
    of_nodes = tables[NODES][options.graph]
    numbers = _numbers_of(of_nodes, known, files[NODES], f"no graph of {files[GRAPHS].name}")
    empty = np.bincount(numbers, minlength=len(known)) == 0
    if empty.any():
        first = int(empty.argmax())
        raise ConfigurationError(
            f"{files[GRAPHS]}, {place(graphs, first)}: graph {known[first][:40]!r} has no node",
            hint=f"add its nodes to {files[NODES].name}, or leave it out",
        )
    across = numbers[ends[0]] != numbers[ends[1]]
    if across.any():
        where = place(tables[EDGES], int(across.argmax()))
        raise ConfigurationError(f"{files[EDGES]}, {where}: the edge joins nodes of two graphs")
    return numbers


def _weights(edges: Any, options: GraphOptions, file: Path) -> NDArray[np.float32]:
    name = str(options.weight)
    try:
        (column,) = columns_of(edges[[name]], {name: Number.type}, Conventions(edges[[name]], options.table))
        found = column.features(edges[name])[:, 0]
    except ConfigurationError as error:
        raise ConfigurationError([f"{file}, {problem}" for problem in error.problems], error.hint) from None
    wrong = ~(found.astype(np.float32) > 0)
    if wrong.any():
        where = place(edges, int(wrong.argmax()))
        raise ConfigurationError(
            f"{file}, {where}, column {name!r}: the weight of an edge is a number above 0",
            hint="leave edges out that weigh nothing",
        )
    return found.astype(np.float32)
