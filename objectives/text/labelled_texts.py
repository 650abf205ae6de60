"""Texts with a class each: rows of CSV, JSONL or Parquet with a column of texts and one of classes, or folders."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from tuner.domain.errors import ConfigurationError, nearest
from tuner.objectives._tasks import Task
from tuner.objectives.datasets._splitting import Split, split
from tuner.objectives.text.corpus import Corpus, rows_of
from tuner.objectives.text.near_duplicates import groups, signature

_TABLES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
_ROWS = (".jsonl", ".ndjson", ".parquet", ".pq")
_LISTED = 20
_FEWEST = 2


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledTexts:
    """Texts and the class of each; `unlabelled` rows of the files had no class, or no text, and are left out."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    unlabelled: int

    @property
    def classes(self) -> list[str]:
        """The classes, in order."""
        return sorted(set(self.labels))

    @property
    def targets(self) -> NDArray[np.int64]:
        """The place of each text's class among the classes, (texts,)."""
        place = {label: at for at, label in enumerate(self.classes)}
        return np.array([place[label] for label in self.labels], dtype=np.int64)

    def split(self, *, validation: float, test: float, near_duplicates: float, seed: int) -> Split:
        """Return a split in which classes have their shares, and near duplicates of a text are where it is."""
        known = [" ".join(text.split()).encode() for text in self.texts]
        hashes = [hashlib.sha256(each).hexdigest() for each in known]
        joined = groups(np.stack([signature(each) for each in known]), hashes, near_duplicates)
        firsts, group_of = np.unique(joined, return_inverse=True)
        parts = split(self.targets[firsts], task=Task.CLASSIFICATION, validation=validation, test=test, seed=seed)
        train, validates, tests = (
            np.flatnonzero(np.isin(group_of, rows)) for rows in (parts.train, parts.validation, parts.test)
        )
        return Split(train=train, validation=validates, test=tests)


def labelled_texts(corpus: Corpus, dataset: str, target: str | None) -> LabelledTexts:
    """Return the texts of a corpus with their classes: those under `target`, or the names of their folders.

    Raises `ConfigurationError` with the file and the row of what cannot be read, and where there are no two classes.
    """
    pairs = [*(_of_folders(corpus, Path(dataset)) if target is None else _of_rows(corpus, target))]
    found = [(text, label) for text, label in pairs if text and label]
    texts, labels = zip(*found, strict=True) if found else ((), ())
    if len(set(labels)) < _FEWEST:
        what = "the folders of the files" if target is None else f"column {target!r}"
        only = f"only {labels[0]!r}" if labels else "no class"
        raise ConfigurationError(f"settings.dataset: {dataset} has {only} in {what}: a classifier needs two")
    return LabelledTexts(texts=texts, labels=labels, unlabelled=len(pairs) - len(found))


def _of_folders(corpus: Corpus, root: Path) -> Iterator[tuple[str, str]]:
    if not root.is_dir():
        raise ConfigurationError(
            "settings.target: missing: the column of the classes",
            hint="without one, settings.dataset is a folder that has a folder of texts for each class",
        )
    for file in corpus.files:
        place = file.relative_to(root).parts
        if len(place) < _FEWEST:
            raise ConfigurationError(
                f"{file}: is in no folder of {root}, whose names are the classes",
                hint="name the column of the classes of tables: settings.target",
            )
        for text in Corpus((file,), documents="file").texts():
            yield text, place[0]


def _of_rows(corpus: Corpus, target: str) -> Iterator[tuple[str, str]]:
    for file in corpus.files:
        name = file.name.lower()
        if name.endswith(_TABLES):
            rows = _of_table(file, corpus.column, target)
        elif name.endswith(_ROWS):
            rows = rows_of(file, (corpus.column, target))
        else:
            raise ConfigurationError(f"{file}: has no columns; rows are in {', '.join((*_TABLES, *_ROWS))}")
        for where, (text, label) in rows:
            if text is not None and not isinstance(text, str):
                raise ConfigurationError(
                    f"{where}: {corpus.column!r} holds values of type {type(text).__name__}, not text"
                )
            yield text or "", _word(label, where, target)


def _word(label: Any, where: str, target: str) -> str:
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    if label is not None and not isinstance(label, str | int):
        raise ConfigurationError(f"{where}: {target!r} holds values of type {type(label).__name__}, not classes")
    return "" if label is None else str(label).strip()


def _of_table(file: Path, column: str, target: str) -> Iterator[tuple[str, tuple[Any, Any]]]:
    from tuner.objectives.user_data.table_reader import read_table  # noqa: PLC0415 - pandas

    frame = read_table(file)
    names = [str(name) for name in frame.columns]
    for name in (column, target):
        if name not in names:
            raise ConfigurationError(
                f"{file}: has no column {name!r}{nearest(name, names)} (columns: {', '.join(names[:_LISTED])})",
                hint="settings.column names the texts, settings.target the classes",
            )
    cells = frame[[column, target]].astype(object).where(frame[[column, target]].notna(), None)
    for line, text, label in zip(frame.index, cells[column], cells[target], strict=True):
        yield f"{file}, line {line}", (text, label)
