"""Raw rows from a file, and answers to them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd

from tuner.domain.errors import ConfigurationError
from tuner.domain.model import Model

PREDICTION = "prediction"
_TABLES = (".csv", ".csv.gz", ".parquet")
_ARRAYS = (".npz", ".npy")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Raw inputs, and the columns beside them that the model does not read, as they were written."""

    inputs: Any
    beside: pd.DataFrame


def read_rows(path: Path, columns: Sequence[str] | None) -> Rows:
    """Return the rows of a CSV file (gzipped or not), a Parquet file or NumPy's; raises `ConfigurationError`."""
    path = path.expanduser()
    try:
        if path.name.lower().endswith(_ARRAYS):
            inputs = _array(path)
            return Rows(inputs=inputs, beside=pd.DataFrame(index=range(len(inputs) if inputs.ndim else 0)))
        if columns is None:
            raise ConfigurationError(
                f"the model was trained on examples that are no rows of a table, and {path} is one",
                hint="give them as an array in a .npz or .npy file",
            )
        if path.name.lower().endswith(".parquet"):
            frame = pd.read_parquet(path)
            return Rows(inputs=frame, beside=frame[[name for name in frame if name not in columns]])
        if path.name.lower().endswith(_TABLES):
            return _csv(path, columns)
    except (OSError, ValueError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ConfigurationError(f"{path} cannot be read: {reason}") from error
    raise ConfigurationError(f"{path} ends like no file that can be read: {', '.join((*_TABLES, *_ARRAYS))}")


def answers(model: Model, rows: Rows, *, probabilities: bool) -> pd.DataFrame:
    """Return the columns that the model does not read, its predictions and, of a classifier, its probabilities."""
    found: dict[str, Any] = {PREDICTION: model.predict(rows.inputs)}
    if probabilities and model.is_classifier:
        by_class = model.predict_proba(rows.inputs)
        found |= {f"probability_{label}": by_class[:, index] for index, label in enumerate(model.classes_)}
    taken = [name for name in found if name in rows.beside.columns]
    if taken:
        raise ConfigurationError(
            f"the rows have a column {taken[0]!r} already, and the answers would be called so", hint="rename it"
        )
    return pd.concat([rows.beside.reset_index(drop=True), pd.DataFrame(found)], axis="columns")


def write_answers(frame: pd.DataFrame, path: Path) -> None:
    """Write the answers as CSV, or as Parquet where the path says so; all of them or nothing."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        if path.suffix.lower() == ".parquet":
            frame.to_parquet(beside, index=False)
        else:
            compression = "gzip" if path.suffix.lower() == ".gz" else None
            frame.to_csv(beside, index=False, compression=compression)
        beside.replace(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        beside.unlink(missing_ok=True)


def _csv(path: Path, columns: Sequence[str]) -> Rows:
    # What is only passed on is text to the last letter: 007 is no 7, and NA may be Namibia.
    text = pd.read_csv(path, dtype=str, keep_default_na=False, na_filter=False)
    beside = text[[name for name in text if name not in columns]]
    return Rows(inputs=text, beside=beside)


def _array(path: Path) -> Any:
    found: Any = np.load(path, allow_pickle=False)
    if isinstance(found, np.ndarray):
        return found
    with found:
        if len(found) != 1:
            raise ConfigurationError(f"{path} has {len(found)} arrays ({', '.join(found)}), and one is needed")
        return found[next(iter(found))]
