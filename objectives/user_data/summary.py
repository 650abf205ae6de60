"""Summary of data as text, shown before training: columns, types and classes."""

from collections.abc import Iterator, Sequence

import numpy as np

from tuner.domain.data_summary import DataColumn
from tuner.objectives.datasets._dataset import Array, Dataset, SplitBy, SplitKind
from tuner.objectives.datasets._splitting import Split
from tuner.objectives.user_data.columns import Category, Column, Date, Ignored, Number
from tuner.objectives.user_data.schema import Schema
from tuner.objectives.user_data.table import TableDataset

_LISTED = 4
_LONGEST = 30


def table_columns(table: TableDataset, parts: Split) -> tuple[DataColumn, ...]:
    """Return a line about each column of a table that is split into these parts, the target last."""
    features, _ = table.load()
    schema: Schema = table.schema
    lines = [
        DataColumn(name=column.name, type=column.type, about=_about(column, features[:, place]))
        for column, place in schema.features_by_column
    ]
    if table.split_by is not None:
        lines = [*_with_split(lines, table, parts)]
    return *lines, DataColumn(name=schema.target.name, type="target", about=target_words(table))


def _with_split(lines: Sequence[DataColumn], table: TableDataset, parts: Split) -> Iterator[DataColumn]:
    """Yield the lines, in which that of the column that rows are split by says how."""
    by = table.split_by
    assert by is not None  # or nothing is split by a column
    words = _group_words(by, parts) if by.kind is SplitKind.GROUP else _time_words(by, parts)
    for line in lines:
        if line.name != by.column:
            yield line
        elif line.type == Ignored.type:
            yield DataColumn(name=line.name, type=by.kind.value, about=words)
        else:
            yield DataColumn(name=line.name, type=line.type, about=f"{line.about}; the rows are split by it: {words}")


def _group_words(by: SplitBy, parts: Split) -> str:
    sizes = np.bincount(by.values)
    counts = [len(np.unique(by.values[rows])) for rows in (parts.train, parts.validation, parts.test)]
    size = f"{sizes.min()} to {sizes.max()}" if sizes.min() < sizes.max() else f"{sizes.max()}"
    return (
        f"{len(sizes)} groups of {size} rows: {counts[0]} to train ({len(parts.train)} rows), {counts[1]} to validate "
        f"({len(parts.validation)}), {counts[2]} to test ({len(parts.test)})"
    )


def _time_words(by: SplitBy, parts: Split) -> str:
    first, last = by.label(by.values[parts.train].min()), by.label(by.values[parts.train].max())
    words = [f"trains on {first} to {last} ({len(parts.train)} rows)"]
    for what, rows in (("validates", parts.validation), ("tests", parts.test)):
        if len(rows):
            words.append(f"{what} from {by.label(by.values[rows].min())} ({len(rows)})")
    return ", ".join(words)


def target_words(dataset: Dataset) -> str:
    """Return what is to be predicted: the classes and how many examples each has, or the range of the values."""
    _, targets = dataset.load()
    if dataset.labels is None:
        return f"{_short(targets.min())} to {_short(targets.max())}"
    counts = np.bincount(targets, minlength=len(dataset.labels))
    order = np.argsort(-counts, kind="stable")
    shares = [f"{_cut(str(dataset.labels[index]))} {counts[index]}" for index in order]
    return f"{len(shares)} classes: {_listed(shares)}"


def _about(column: Column, features: Array) -> str:
    match column:
        case Ignored():
            return column.reason
        case Number():
            notation = "" if column.notation == "1234.5" else f", written like {column.notation}"
            return f"{_range(features[:, 0])}{notation}{_gaps(features)}"
        case Category():
            levels = [_cut(level) for level in column.levels]
            return f"{len(levels)} levels: {_listed(levels)}{_gaps(features)}"
        case Date():
            days = np.floor(features[:, 0])
            ends = [str(np.datetime64(int(day), "D")) for day in (np.nanmin(days), np.nanmax(days))]
            time = ", with the time of day" if column.has_time else ""
            form = "" if column.format == "ISO8601" else f", written as {column.format}"
            return f"{' to '.join(ends)}{time}{form}{_gaps(features)}"
    raise AssertionError(column.type)


def _range(values: Array) -> str:
    return f"{_short(np.nanmin(values))} to {_short(np.nanmax(values))}"


def _gaps(features: Array) -> str:
    gaps = int(np.isnan(features[:, 0]).sum())
    return "" if gaps == 0 else ", 1 gap" if gaps == 1 else f", {gaps} gaps"


def _listed(words: Sequence[str]) -> str:
    return ", ".join([*words[:_LISTED], *(["..."] if len(words) > _LISTED else [])])


def _short(value: float) -> str:
    return f"{value:.6g}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
