"""Raw rows from a file, and answers to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, final

import pandas as pd

from tuner.domain.errors import ConfigurationError, ModelError
from tuner.domain.model import Model
from tuner.formatting.values import cell
from tuner.models.load import Loaded
from tuner.system.files import whole_file

READING = "tuner.objectives.user_data.table_reader"
"""What reads tables, as it read the one that the model was trained on."""

PICTURES = "tuner.objectives.user_data.images"
"""What reads images, likewise."""

GRAPHS = "tuner.objectives.user_data.graph_rows"
"""What reads graphs, likewise."""

PREDICTION = "prediction"
ARRAYS = "tuner.objectives.user_data.arrays"

_ARRAYS = (".npz", ".npy")


_OF_NO_MODEL = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
"""What a model raises whose description says what none can have."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class InputRows:
    """Raw inputs, and the columns beside them that the model does not read, as they were written."""

    path: Path
    inputs: Any
    beside: pd.DataFrame


def read_rows(path: Path, loaded: Loaded) -> InputRows:
    """Return the rows of a table (CSV, gzipped or not, or Parquet), the examples in an array of NumPy's, or images.

    Raises `ConfigurationError` where they cannot be read, or are not of the kind that the model reads.
    """
    path, columns, settings = path.expanduser(), loaded.model.columns, loaded.manifest.settings
    kind = loaded.manifest.description.get("inputs")
    if isinstance(kind, Mapping) and kind.get("graph"):
        return _graph(path, kind)
    if path.is_dir():
        return _images(path, kind)
    reading = import_module(READING)
    name = path.name.lower()
    if name.endswith(_ARRAYS):
        inputs = _array(path)
        return InputRows(path=path, inputs=inputs, beside=pd.DataFrame(index=range(len(inputs) if inputs.ndim else 0)))
    tables = (*reading.TEXT_SUFFIXES, *reading.PARQUET_SUFFIXES)
    if not name.endswith(tables):
        raise ConfigurationError(f"{path} ends like no file that can be read: {', '.join((*tables, *_ARRAYS))}")
    if columns is None:
        raise ConfigurationError(
            f"the model was trained on examples that are no rows of a table, and {path} is one",
            hint="give them as an array in a .npz or .npy file",
        )
    dialect = {key: settings.get(key) for key in ("separator", "encoding")}
    frame = reading.read_table(path, **dialect, fewest=1)
    return InputRows(path=path, inputs=frame, beside=frame[[each for each in frame if each not in columns]])


def _images(folder: Path, inputs: Any) -> InputRows:
    if not isinstance(inputs, Mapping) or not inputs.get("pictures"):
        raise ConfigurationError(f"{folder} is a folder, and the model was not trained on one of images")
    pictures = import_module(PICTURES)
    files = pictures.images_in(folder)
    if not files:
        raise ConfigurationError(f"{folder} has no images", hint=f"they end in {', '.join(pictures.SUFFIXES)}")
    names = [str(file.relative_to(folder)) for file in files]
    pixels = pictures.read_images(files, tuple(inputs["shape"]), int(inputs["pictures"]))
    return InputRows(path=folder, inputs=pixels, beside=pd.DataFrame({"file": names}))


def _graph(path: Path, inputs: Mapping[str, Any]) -> InputRows:
    structure = import_module(GRAPHS).structure_described(path, inputs)
    return InputRows(path=path, inputs=structure, beside=structure.names.to_frame().reset_index(drop=True))


def answers(model: Model, rows: InputRows, *, probabilities: bool) -> pd.DataFrame:
    """Return the columns that the model does not read, its predictions and, of a classifier, its probabilities."""
    try:
        found: dict[str, Any] = {PREDICTION: model.predict(rows.inputs)}
    except ConfigurationError as error:
        raise ConfigurationError([f"{rows.path}: {problem}" for problem in error.problems], error.hint) from None
    except _OF_NO_MODEL as error:
        raise ModelError(
            f"the model cannot answer the rows in {rows.path}: {type(error).__name__}: {error}",
            hint="was its folder changed, or its class, since it was exported?",
        ) from error
    if probabilities and model.is_classifier:
        by_class = model.predict_proba(rows.inputs)
        found |= {f"probability_{label}": by_class[:, index] for index, label in enumerate(model.classes_)}
    taken = [name for name in found if name in rows.beside.columns]
    if taken:
        raise ConfigurationError(
            f"the rows have a column {taken[0]!r} already, and the answers would be called so", hint="rename it"
        )
    return pd.concat([rows.beside.reset_index(drop=True), pd.DataFrame(found)], axis="columns")


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the answers as a CSV file has them: no cell and no name of a column is a formula to a spreadsheet."""
    texts = {name: frame[name].map(cell) for name in frame if not pd.api.types.is_numeric_dtype(frame[name])}
    return frame.assign(**texts).rename(columns=cell)


def write_answers(frame: pd.DataFrame, path: Path) -> None:
    """Write the answers as CSV, or as Parquet where the path says so; all of them or nothing."""
    try:
        with whole_file(path) as beside:
            if path.suffix.lower() == ".parquet":
                frame.to_parquet(beside, index=False)
            else:
                frame = plain(frame)
                compression = "gzip" if path.suffix.lower() == ".gz" else None
                frame.to_csv(beside, index=False, compression=compression)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror or error}") from error


def _array(path: Path) -> Any:
    try:
        return import_module(ARRAYS).read_array(path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}") from error
