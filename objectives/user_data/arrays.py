"""Arrays from a `.npz` file as a dataset: `x` are the examples, `y` their targets."""

import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from tuner.domain.errors import ConfigurationError
from tuner.objectives._tasks import Input, Task
from tuner.objectives.datasets._dataset import Array, Dataset, Features
from tuner.objectives.user_data.labels import classes_of
from tuner.objectives.user_data.options import DataOptions
from tuner.objectives.user_data.size_limits import check_unpacked
from tuner.system.untrusted_files import opened

_KINDS = {2: Input.TABLE, 3: Input.SEQUENCE, 4: Input.IMAGE}
_IMAGES = 4
_CHANNELS = (1, 3, 4)
_LARGEST = float(np.finfo(np.float32).max)
_MOST_CLASSES_OF_FLOATS = 20
_LISTED = 10
_WANTED = "np.savez(path, x=examples, y=targets), in which x has 2 (rows), 3 (sequences) or 4 (images) dimensions"


@final
class Arrays(Dataset):
    """Rows (n, columns), sequences (n, steps, features) or images (n, channels, height, width) with targets (n,).

    Images may have their channels last. Targets that are floats are values, others are classes, unless the options say
    what is asked. Nothing that a file could hold is executed: arrays of Python objects are refused.
    """

    def __init__(self, path: Path, options: DataOptions) -> None:
        self.path = path
        x, y = _arrays(path)
        self._check(x, y)
        self.kind = _KINDS[x.ndim]
        kept = _present(y)
        # Numbers that 32 bits cannot hold keep their digits until they are preprocessed.
        self._features: Features = _channels_first(x[kept]).astype(np.result_type(x.dtype, np.float32))
        if not len(self._features) or not self._features[0].size:
            raise ConfigurationError(f"{path}: has no examples")
        # NaN compares as nothing.
        if (np.abs(self._features) > _LARGEST).any():
            raise ConfigurationError(
                f"{path}: x has numbers that are infinite in 32 bits", hint="what is missing is NaN; correct the others"
            )
        self._learn(y[kept], options)
        self.notes = tuple(_notes(path, x, y, self.task, options))

    def _learn(self, y: Array, options: DataOptions) -> None:
        is_value = y.dtype.kind == "f" if options.task is None else options.task == Task.REGRESSION.value
        self.task = Task.REGRESSION if is_value else Task.CLASSIFICATION
        if is_value and y.dtype.kind not in "fiu":
            raise ConfigurationError(f"{self.path}: y has {y.dtype} values, and a regression needs numbers")
        if is_value:
            self._targets: Array = y.astype(np.float64)
            if np.isinf(self._targets).any():
                raise ConfigurationError(
                    f"{self.path}: y is infinite in {int(np.isinf(self._targets).sum())} examples",
                    hint="correct them; examples whose y is NaN are left out",
                )
            if np.ptp(self._targets) == 0:
                raise ConfigurationError(f"{self.path}: nothing can be learnt, y is {y[0]} in every example")
            return
        self.labels, self._targets = classes_of(words_of(self.path, y), f"{self.path}: y")

    def _check(self, x: Array, y: Array) -> None:
        if x.ndim not in _KINDS or x.dtype.kind not in "fiub":
            raise ConfigurationError(
                f"{self.path}: x has {x.ndim} dimensions of {x.dtype}, which are no examples",
                hint=f"write it as {_WANTED}",
            )
        if y.shape != x.shape[:1]:
            raise ConfigurationError(
                f"{self.path}: x has {len(x)} examples, and y has the shape {y.shape}, not ({len(x)},)",
                hint="y has one target for each example",
            )
        if y.dtype.kind not in "fiubUS":
            raise ConfigurationError(
                f"{self.path}: y has {y.dtype} values, which are no targets", hint="numbers, words or truth values are"
            )

    def load(self) -> tuple[Features, Array]:
        return self._features, self._targets


def words_of(path: Path, y: Array) -> list[Any]:
    """Return targets as labels; text that was kept as bytes is text."""
    if y.dtype.kind != "S":
        return list(y.tolist())
    try:
        return [word.decode() for word in y.tolist()]
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: y has bytes that are no UTF-8 text", hint="write them as words") from None


def _notes(path: Path, x: Array, y: Array, task: Task, options: DataOptions) -> Iterator[str]:
    """Yield what was assumed of the arrays."""
    missing = len(y) - int(_present(y).sum())
    if missing:
        yield f"examples whose y is NaN are left out: {missing}"
    if options.task is None and task is Task.REGRESSION:
        distinct = np.unique(y[_present(y)])
        if len(distinct) <= _MOST_CLASSES_OF_FLOATS and (distinct % 1 == 0).all():
            yield (
                f"y has floats of {len(distinct)} different whole values, taken for values to predict; "
                'task = "classification" in [settings] takes them for classes'
            )
    if x.ndim == _IMAGES and x.shape[1] in _CHANNELS and x.shape[3] in _CHANNELS:
        yield f"x has the shape {x.shape}, of which {x.shape[1]} is taken for the channels, not {x.shape[3]}"
    with zipfile.ZipFile(path) as archive:
        others = sorted({name.removesuffix(".npy") for name in archive.namelist()} - {"x", "y"})
    if others:
        yield f"arrays that are not read: {', '.join(others[:_LISTED])}{', ...' if len(others) > _LISTED else ''}"


def _arrays(path: Path) -> tuple[Array, Array]:
    found = read_arrays(path, ("x", "y"))
    absent = [name for name in ("x", "y") if name not in found]
    if absent:
        with zipfile.ZipFile(path) as archive:
            present = sorted(name.removesuffix(".npy") for name in archive.namelist())
        raise ConfigurationError(
            f"{path}: has no array {' or '.join(absent)} (it has: {', '.join(present[:10]) or 'none'})",
            hint=f"write it as {_WANTED}",
        )
    return found["x"], found["y"]


def read_arrays(path: Path, wanted: Collection[str] = ()) -> Mapping[str, Array]:
    """Return the arrays of these names in a `.npz` file, as far as it has them; without names the only one, or `x`.

    Raises `ConfigurationError` for what is damaged, would unpack to more than a machine can bear, or could run code,
    and `OSError` for what is not a file.
    """
    try:
        with opened(path) as stream, zipfile.ZipFile(stream) as archive:
            check_unpacked(path, path.stat().st_size, sum(entry.file_size for entry in archive.infolist()))
            present = [name.removesuffix(".npy") for name in archive.namelist()]
            names = [name for name in present if name in wanted] if wanted else _only(path, present)
            for name in names:
                _check_header(archive, name)
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in names}
    except (
        zipfile.BadZipFile,
        ValueError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        KeyError,
        SyntaxError,
    ) as error:
        raise ConfigurationError(f"{path}: is not a whole .npz file of plain arrays: {_reason(error)}") from None


def _only(path: Path, present: Sequence[str]) -> Sequence[str]:
    if len(present) > 1 and "x" not in present:
        listed = ", ".join(present[:_LISTED])
        raise ConfigurationError(f"{path} has the arrays {listed}, of which none is 'x'")
    return ["x"] if "x" in present else present


def read_array(path: Path) -> Array:
    """Return the array in a `.npy` file, or the examples in a `.npz` file; raises what `read_arrays` does."""
    with opened(path) as stream:
        is_archive = stream.read(2) == b"PK"
    if is_archive:
        found = [*read_arrays(path).values()]
        if not found:
            raise ConfigurationError(f"{path}: holds no array")
        return found[0]
    try:
        with opened(path) as stream:
            _check_size(path.stem, stream, path.stat().st_size)
            stream.seek(0)
            array: Array = np.load(stream, allow_pickle=False)
            return array
    except (ValueError, EOFError, KeyError, SyntaxError, RecursionError) as error:
        raise ConfigurationError(
            f"{path}: cannot be read, it is not a whole .npy file of a plain array: {_reason(error)}"
        ) from None


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


def _check_header(archive: zipfile.ZipFile, name: str) -> None:
    """Refuse an array that says to be larger than it is: numpy makes room for what it says."""
    entry = archive.getinfo(f"{name}.npy")
    with archive.open(entry) as stream:
        _check_size(name, stream, entry.file_size)


def _check_size(name: str, stream: Any, size: int) -> None:
    version = np.lib.format.read_magic(stream)
    read: Any = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError(f"{name} holds Python objects, which could run code")
    if np.prod([float(length) for length in shape]) * dtype.itemsize > size:
        raise ValueError(f"{name} is cut off")


def _present(y: Array) -> Any:
    return ~np.isnan(y) if y.dtype.kind == "f" else np.ones(len(y), dtype=bool)


def _channels_first(x: Array) -> Array:
    if x.ndim == 4 and x.shape[1] not in _CHANNELS and x.shape[3] in _CHANNELS:  # noqa: PLR2004
        return np.moveaxis(x, 3, 1)
    return x
