"""Opens a data file or folder as a dataset, with a summary and warnings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import final

import numpy as np

from tuner.domain.data_summary import DataRecord
from tuner.domain.errors import ConfigurationError
from tuner.objectives.datasets._dataset import Array, Dataset, Label
from tuner.objectives.datasets._splitting import Split, split
from tuner.objectives.user_data.arrays import Arrays
from tuner.objectives.user_data.data_warnings import example_doubts, table_doubts
from tuner.objectives.user_data.fingerprint import fingerprint
from tuner.objectives.user_data.images import Pictures
from tuner.objectives.user_data.options import DataOptions
from tuner.objectives.user_data.split_columns import asked_for
from tuner.objectives.user_data.summary import table_columns, target_words
from tuner.objectives.user_data.table import TableDataset

OwnData = TableDataset | Pictures | Arrays


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An opened file or folder: the dataset, what is recorded of it, and the warnings."""

    dataset: Dataset
    record: DataRecord
    notes: tuple[str, ...]


def open_data(path: Path, options: DataOptions, *, validation: float, test: float, seed: int) -> Opened:
    """Return the data at `path`, or raise `ConfigurationError` with what is wrong with it."""
    try:
        identity, size = fingerprint(path)
        dataset = _dataset(path, identity, options)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from None
    except MemoryError:
        raise ConfigurationError(f"{path}: does not fit into memory", hint="tune on a sample of it") from None
    _, targets = dataset.load()
    parts = split(targets, task=dataset.task, validation=validation, test=test, seed=seed, by=dataset.split_by)
    check_classes(path, dataset.labels, targets, parts)
    of_table = table_doubts(dataset) if isinstance(dataset, TableDataset) else ()
    return Opened(
        dataset=dataset,
        record=DataRecord(
            path=str(path),
            fingerprint=identity,
            size=size,
            summary=_summary(dataset),
            columns=table_columns(dataset, parts) if isinstance(dataset, TableDataset) else (),
        ),
        notes=(*dataset.notes, *of_table, *example_doubts(dataset, parts)),
    )


@lru_cache(maxsize=1)
def _dataset(path: Path, identity: str, options: DataOptions) -> OwnData:  # noqa: ARG001 - the same path can get other contents
    _refuse_split_column(path, options)
    if path.is_dir():
        _refuse_graph(path)
        return Pictures(path, options)
    if path.suffix.lower() == ".npz":
        return Arrays(path, options)
    return TableDataset(path, options)


def _refuse_split_column(path: Path, options: DataOptions) -> None:
    asked = asked_for(options)
    if asked is not None and (path.is_dir() or path.suffix.lower() == ".npz"):
        raise ConfigurationError(f"settings.{asked[0].value}: names a column of a table, and {path} is none")


def _refuse_graph(folder: Path) -> None:
    if any(folder.glob("nodes.*")) and any(folder.glob("edges.*")):
        raise ConfigurationError(
            f"{folder}: has nodes and edges, and this objective learns from examples that are not joined",
            hint='objective = "graph" in a study file learns from graphs',
        )


def _summary(dataset: OwnData) -> str:
    features, _ = dataset.load()
    what = {2: "rows of {} numbers", 3: "sequences of {} steps with {} features", 4: "images of {} x {} x {}"}
    shape = what[features.ndim].format(*features.shape[1:]) if not isinstance(dataset, TableDataset) else "rows"
    target = (
        f", {target_words(dataset)}" if not isinstance(dataset, TableDataset) else f" of {dataset.schema.target.name!r}"
    )
    return f"{len(features)} {shape}: {dataset.task.value}{target}"


def check_classes(path: Path, labels: Sequence[Label] | None, targets: Array, parts: Split) -> None:
    """Refuse a class that nothing can be learnt about, because all of its examples validate or test."""
    if labels is None:
        return
    counts = np.bincount(targets, minlength=len(labels))
    trained = np.bincount(targets[parts.train], minlength=len(labels))
    absent = [f"{labels[int(label)]!r} ({counts[label]})" for label in np.flatnonzero(trained == 0)]
    if absent:
        raise ConfigurationError(
            f"{path}: too few examples for the training split to have one of each class: {', '.join(absent[:5])}",
            hint="add examples, leave the class out, or make the validation and test shares smaller in [settings]",
        )
    validated = np.unique(targets[parts.validation])
    if len(validated) == 1:
        raise ConfigurationError(
            f"{path}: too few examples for the validation split to have two classes: of {len(targets)} it has "
            f"{len(parts.validation)}, {labels[int(validated[0])]!r} alone",
            hint="add examples, or make the validation share larger: validation = 0.4 in [settings]",
        )
