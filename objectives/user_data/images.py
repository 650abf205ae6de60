"""A folder of images as a dataset: each sub-folder is a class, and has its name."""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from tuner.domain.errors import ConfigurationError
from tuner.objectives._tasks import Input, Task
from tuner.objectives.datasets._dataset import Array, Dataset
from tuner.objectives.user_data.labels import classes_of
from tuner.objectives.user_data.options import DataOptions
from tuner.system.untrusted_files import LARGEST, opened

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")

_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
"""What is read, whatever a file is called: others, such as EPS, are handed to other programs."""

READING = 2
"""How images become numbers, which a model that was exported keeps: 1 took every value for one of 8 bits."""

_SIDE = 32
"""The height and width of images that have different ones, where the settings say none."""

_DEEP = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N", "F"})
"""Grey modes of more than 8 bits."""
_GREY = frozenset({"1", "L"}) | _DEEP
_BYTES_A_PIXEL = 4
_MOST_OF_16_BITS = 65535
_ORIENTATION = 0x0112
"""EXIF's tag; 1 is upright."""


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
        looks = [_opened(file, _look) for file in files]
        shape = _shape(path, looks, options.size)
        self._features = read_images(files, shape)
        self.notes = (*_left_alone(path, files), *_assumed(path, files, looks, self._features, options.size))

    def load(self) -> tuple[NDArray[np.float32], Array]:
        return self._features, self._targets


@final
@dataclass(frozen=True, slots=True)
class _Look:
    """What an image file says of itself before its pixels are read."""

    size: tuple[int, int]
    mode: str
    frames: int
    has_alpha: bool
    turned: bool


def _look(image: Any) -> _Look:
    orientation = image.getexif().get(_ORIENTATION, 1)
    width, height = image.size
    sideways = orientation in {5, 6, 7, 8}
    return _Look(
        size=(width, height) if sideways else (height, width),
        mode=image.mode,
        frames=getattr(image, "n_frames", 1),
        has_alpha=_has_alpha(image),
        turned=orientation not in {0, 1},
    )


def _has_alpha(image: Any) -> bool:
    return image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info


def _shape(path: Path, looks: Sequence[_Look], size: tuple[int, int] | None) -> tuple[int, int, int]:
    sizes = {look.size for look in looks}
    height, width = size or (next(iter(sizes)) if len(sizes) == 1 else (_SIDE, _SIDE))
    channels = 1 if all(look.mode in _GREY for look in looks) else 3
    if len(looks) * channels * height * width * _BYTES_A_PIXEL > LARGEST:
        raise ConfigurationError(
            f"{path}: {len(looks)} images of {height} x {width} pixels take more than {LARGEST // 2**30} GiB",
            hint="make them smaller: size = 64 in [settings]",
        )
    return channels, height, width


def _left_alone(path: Path, files: Sequence[Path]) -> Iterator[str]:
    """Yield which files in the folder are not read, where that may be a surprise."""
    every = [file for file in path.rglob("*") if file.is_file() and file.name[0] != "."]
    known = set(files)
    elsewhere = [file for file in every if file not in known and file.suffix.lower() in SUFFIXES]
    if elsewhere:
        yield (
            f"images that do not lie in a class's folder are not read: {len(elsewhere)}, such as "
            f"{elsewhere[0].relative_to(path)}"
        )
    others = [file for file in every if file.suffix.lower() not in SUFFIXES]
    if others:
        yield f"files that do not end like images are not read: {len(others)}, such as {others[0].relative_to(path)}"


def _assumed(
    path: Path, files: Sequence[Path], looks: Sequence[_Look], pixels: Array, size: tuple[int, int] | None
) -> Iterator[str]:
    """Yield how images were read that can be read in several ways."""
    seen: Mapping[str, Sequence[bool]] = {
        "have an alpha channel, and are laid on white": [look.has_alpha for look in looks],
        "have more than 8 bits a pixel, and are scaled by their depth": [look.mode in _DEEP for look in looks],
        "have several frames or pages, of which the first is read": [look.frames > 1 for look in looks],
        "are turned as their EXIF orientation says": [look.turned for look in looks],
        "have one colour all over": [bool((image == image[:, :1, :1]).all()) for image in pixels],
    }
    for what, which in seen.items():
        found = [file for file, is_so in zip(files, which, strict=True) if is_so]
        if found:
            yield f"images that {what}: {len(found)}, such as {found[0].relative_to(path)}"
    sizes = Counter(look.size for look in looks)
    if size is None and len(sizes) > 1:
        height, width = min(sizes)
        yield (
            f"images have {len(sizes)} sizes, from {height} x {width} pixels, and are brought to {_SIDE} x {_SIDE}; "
            "size = 64 in [settings] says another"
        )
    modes = {"grey" if look.mode in _GREY else "coloured" for look in looks}
    if len(modes) > 1:
        yield "some images are grey and some are coloured: all get three channels"


def images_in(folder: Path) -> list[Path]:
    """Return the image files in a folder and in those inside of it, in the order of their names."""
    return sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.name[0] != ".")


def read_images(files: Sequence[Path], shape: tuple[int, int, int], reading: int = READING) -> NDArray[np.float32]:
    """Return images brought to this shape, (channels, height, width); raises `ConfigurationError` for a broken one."""
    channels, height, width = shape
    mode = "L" if channels == 1 else "RGB"

    def pixels(image: Any) -> NDArray[np.float32]:
        shown = image if reading == 1 else _plain(image)
        deep = reading > 1 and shown.mode == "F"
        shown = shown if deep else shown.convert(mode)
        shown = shown if shown.size == (width, height) else shown.resize((width, height))
        if deep:
            return np.repeat(np.asarray(shown, dtype=np.float32).clip(0, 1)[None], channels, axis=0)
        values = np.asarray(shown.convert(mode), dtype=np.uint8).reshape(height, width, channels)
        scaled: NDArray[np.float32] = np.moveaxis(values, 2, 0).astype(np.float32) / np.float32(255)
        return scaled

    found = np.empty((len(files), channels, height, width), dtype=np.float32)
    for position, file in enumerate(files):
        found[position] = _opened(file, pixels)
    return found


def _plain(image: Any) -> Any:
    """Return an image upright and without transparency; one of more than 8 bits in mode F, from 0 to 1."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - as in `_opened`

    image = ImageOps.exif_transpose(image)
    if _has_alpha(image):
        layers = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers).convert("RGB")
    if image.mode not in _DEEP:
        return image
    values = np.asarray(image, dtype=np.float64)
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    largest = 1 if image.mode == "F" else _MOST_OF_16_BITS
    if not (low >= 0 and high <= largest):
        raise ConfigurationError(
            f"has pixels from {low:g} to {high:g}, and what is black and white in {image.mode!r} is 0 and {largest}",
        )
    return Image.fromarray((values / largest).astype(np.float32), mode="F")


def _opened(file: Path, use: Any) -> Any:
    """Return what `use` makes of an image; one that is broken, or has more pixels than a camera takes, is refused."""
    try:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - needed only for folders of images
    except ImportError:
        raise ConfigurationError("folders of images need Pillow", hint="pip install 'tuner[images]'") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with opened(file) as stream, Image.open(stream, formats=_FORMATS) as image:
                return use(image)
    except UnidentifiedImageError:
        raise ConfigurationError(f"{file}: is not an image, whatever its name says", hint="remove it") from None
    except ConfigurationError as error:
        raise ConfigurationError(
            [f"{file}: {problem}" for problem in error.problems], hint="save it with 8 or 16 bits a pixel"
        ) from None
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise ConfigurationError(f"{file}: is not a whole image: {error}", hint="replace or remove it") from None
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise ConfigurationError(
            f"{file}: unpacks to more than {Image.MAX_IMAGE_PIXELS:,} pixels", hint="make it smaller, or remove it"
        ) from None
