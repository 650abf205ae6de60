"""A folder of images as a dataset: each sub-folder is a class, and has its name."""

import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from tuner.domain.errors import ConfigurationError
from tuner.objectives._tasks import Input, Task
from tuner.objectives.datasets._dataset import Array, Dataset
from tuner.objectives.own_data.bounded import LARGEST
from tuner.objectives.own_data.labels import classes_of
from tuner.objectives.own_data.options import DataOptions

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")

_SIDE = 32
"""The height and width of images that have different ones, where the settings say none."""

_GREY = frozenset({"1", "L", "I", "I;16", "F"})
_BYTES_A_PIXEL = 4


@final
class Pictures(Dataset):
    """Images (channels, height, width) from 0 to 1: one channel where all are grey, else red, green and blue."""

    task = Task.CLASSIFICATION
    kind = Input.IMAGE

    def __init__(self, path: Path, options: DataOptions) -> None:
        self.path = path
        files = sorted(file for file in path.glob("*/*") if file.suffix.lower() in SUFFIXES and file.name[0] != ".")
        if not files:
            raise ConfigurationError(
                f"{path}: has no images in folders",
                hint=f"make a folder in it for each class; images end in {', '.join(SUFFIXES)}",
            )
        self.labels, self._targets = classes_of([file.parent.name for file in files], f"{path}: the folders")
        self._features = _read(path, files, options.size)

    def load(self) -> tuple[NDArray[np.float32], Array]:
        return self._features, self._targets


def _read(path: Path, files: Sequence[Path], size: tuple[int, int] | None) -> NDArray[np.float32]:
    kinds = [_opened(file, lambda image: (image.size, image.mode)) for file in files]
    sizes = Counter((height, width) for (width, height), _ in kinds)
    height, width = size or (next(iter(sizes)) if len(sizes) == 1 else (_SIDE, _SIDE))
    mode = "L" if all(mode in _GREY for _, mode in kinds) else "RGB"
    channels = 1 if mode == "L" else 3
    if len(files) * channels * height * width * _BYTES_A_PIXEL > LARGEST:
        raise ConfigurationError(
            f"{path}: {len(files)} images of {height} x {width} pixels take more than {LARGEST // 2**30} GiB",
            hint="make them smaller: size = 64 in [settings]",
        )

    return read_images(files, (channels, height, width))


def images_in(folder: Path) -> list[Path]:
    """Return the image files in a folder and in those inside of it, in the order of their names."""
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.name[0] != ".")


def read_images(files: Sequence[Path], shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Return images brought to this shape, (channels, height, width); raises `ConfigurationError` for a broken one."""
    channels, height, width = shape
    mode = "L" if channels == 1 else "RGB"

    def pixels(image: Any) -> Array:
        shown = image.convert(mode)
        return np.asarray(shown if shown.size == (width, height) else shown.resize((width, height)), dtype=np.uint8)

    found = np.empty((len(files), channels, height, width), dtype=np.float32)
    for position, file in enumerate(files):
        image = _opened(file, pixels).reshape(height, width, channels)
        found[position] = np.moveaxis(image, 2, 0) / np.float32(255)
    return found


def _opened(file: Path, use: Any) -> Any:
    """Return what `use` makes of an image; one that is broken, or has more pixels than a camera takes, is refused."""
    try:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - needed for folders of images alone
    except ImportError:
        raise ConfigurationError("folders of images need Pillow", hint="pip install 'tuner[images]'") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as image:
                return use(image)
    except UnidentifiedImageError:
        raise ConfigurationError(f"{file}: is no image, whatever its name says", hint="remove it") from None
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise ConfigurationError(f"{file}: is no whole image: {error}", hint="replace or remove it") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ConfigurationError(
            f"{file}: unpacks to more than {Image.MAX_IMAGE_PIXELS:,} pixels", hint="make it smaller, or remove it"
        ) from None
