"""Settings of the supervised objective: the `[settings]` section of a study file."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, final

from tuner.domain.errors import ConfigurationError, nearest
from tuner.objectives._components import DATASETS
from tuner.objectives.user_data.options import DataOptions

PRECISIONS = ("float32", "bfloat16")
_COMMON = ("dataset", "validation", "test", "precision")
_OF_DATA = tuple(field.name for field in fields(DataOptions))
_SUFFIXES = (".csv", ".tsv", ".txt", ".gz", ".parquet", ".pq", ".npz")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The dataset to train on, the shares of it that validate and test, and what forward passes compute with.

    `options` say more about data that comes from files.
    """

    dataset: str
    validation: float = 0.2
    test: float = 0.2
    precision: str = "float32"
    options: DataOptions | None = None

    @staticmethod
    def of(values: Mapping[str, Any]) -> "Settings":
        """Return the settings with these values, or raise `ConfigurationError` with everything wrong with them."""
        problems = [*_setting_problems(values)]
        if problems:
            raise ConfigurationError([f"settings.{problem}" for problem in problems])
        common = {key: value for key, value in values.items() if key in _COMMON}
        if not is_path(values["dataset"]):
            return Settings(**common)
        return Settings(**common, options=DataOptions.of({key: values[key] for key in values if key in _OF_DATA}))


def is_path(dataset: object) -> bool:
    """Whether a dataset is meant that lies in a file or folder; others ship and have names."""
    if not isinstance(dataset, str) or dataset in DATASETS or "\0" in dataset:
        return False
    return "/" in dataset or dataset.lower().endswith(_SUFFIXES) or Path(dataset).is_dir()


def absolute(dataset: str, folders: Sequence[Path]) -> str:
    """Return the path of a dataset from anywhere, where it lies in one of the folders; the first comes first."""
    if not is_path(dataset) and not any((folder / dataset).is_dir() for folder in folders if dataset not in DATASETS):
        return dataset
    places = (folder / Path(dataset).expanduser() for folder in folders)
    return next((str(place.resolve()) for place in places if place.exists()), dataset)


def _setting_problems(values: Mapping[str, Any]) -> Iterator[str]:
    own = is_path(values.get("dataset"))
    known = (*_COMMON, *_OF_DATA) if own else _COMMON
    for key in values:
        if key in _OF_DATA and not own:
            yield f"{key}: is for data of your own, and dataset {values.get('dataset')!r} is not a file"
        elif key not in known:
            yield f"{key}: unknown setting{nearest(key, known)}"
    if own:
        yield from _path_problems(values["dataset"])
        yield from DataOptions.problems(values)
    else:
        yield from _name_problems(values)
    precision = values.get("precision", "float32")
    if precision not in PRECISIONS:
        yield f"precision: {precision!r} is none of {', '.join(PRECISIONS)}{nearest(str(precision), PRECISIONS)}"
    yield from share_problems(values)


def _name_problems(values: Mapping[str, Any]) -> Iterator[str]:
    known = ", ".join(DATASETS.names)
    if "dataset" not in values:
        yield f"dataset: missing; one of {known}, or the path of a file"
    elif values["dataset"] not in DATASETS:
        name = values["dataset"]
        yield f"dataset: unknown dataset {name!r}{nearest(str(name), DATASETS.names)} (known: {known})"


def _path_problems(dataset: str) -> Iterator[str]:
    path = Path(dataset)
    try:
        if not path.exists():
            where = "" if path.is_absolute() else " in the working directory, or beside the study file if there is one"
            yield f"dataset: there is no {dataset}{where}"
        elif path.is_dir() or path.is_file():
            return
        else:
            yield f"dataset: {dataset} is neither a file nor a folder"
    except OSError as error:
        yield f"dataset: {dataset} cannot be read: {error.strerror}"


def share_problems(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the shares that validate and test."""
    fractions = {"validation": values.get("validation", 0.2), "test": values.get("test", 0.2)}
    wrong = [key for key, value in fractions.items() if not _is_fraction(value)]
    yield from (f"{key}: {fractions[key]!r} is not a number from 0 to 1" for key in wrong)
    if not wrong and fractions["validation"] == 0:
        yield "validation: 0 leaves nothing to compare trials by"
    if not wrong and sum(fractions.values()) >= 1:
        yield "validation: with the test share it leaves nothing to train on"


def _is_fraction(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1
