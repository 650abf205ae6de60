"""Images in folders, and arrays."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tuner import ConfigurationError
from tuner.objectives._tasks import Input, Task
from tuner.objectives.user_data import size_limits
from tuner.objectives.user_data.arrays import Arrays
from tuner.objectives.user_data.images import Pictures, images_in, read_images
from tuner.objectives.user_data.open_data import open_data
from tuner.objectives.user_data.options import DataOptions

RNG = np.random.default_rng(0)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Two classes of five grey images of 6 x 4 pixels each."""
    for name, brightness in (("dark", 20), ("light", 220)):
        (tmp_path / "album" / name).mkdir(parents=True)
        for index in range(5):
            pixels = np.full((6, 4), brightness + index, dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "album" / name / f"{index}.png")
    return tmp_path / "album"


def pictures(path: Path, **options: Any) -> Pictures:
    return Pictures(path, DataOptions.of(options))


def test_a_folder_of_images_has_a_class_for_each_folder_in_it(album: Path) -> None:
    dataset = pictures(album)
    features, targets = dataset.load()
    assert (dataset.task, dataset.kind, dataset.labels) == (Task.CLASSIFICATION, Input.IMAGE, ("dark", "light"))
    assert features.shape == (10, 1, 6, 4)
    assert targets.tolist() == [0] * 5 + [1] * 5
    np.testing.assert_allclose(features[5], 220 / 255, rtol=1e-6)


def test_images_of_different_sizes_and_colours_are_brought_to_one(album: Path) -> None:
    Image.new("RGB", (50, 40), "red").save(album / "dark" / "photo.jpg")
    assert pictures(album).load()[0].shape == (11, 3, 32, 32)
    assert pictures(album, size=8).load()[0].shape == (11, 3, 8, 8)
    assert pictures(album, size=[5, 7]).load()[0].shape == (11, 3, 5, 7)


def test_hidden_files_and_other_files_are_no_images(album: Path) -> None:
    (album / "dark" / "notes.txt").write_text("see")
    (album / "dark" / "._0.png").write_bytes(b"not an image")
    assert len(pictures(album).load()[0]) == 10


@pytest.mark.parametrize(
    ("contents", "message"), [(b"no image", "is not an image, whatever its name says"), (None, "is not a whole image")]
)
def test_a_broken_image_is_named(album: Path, contents: bytes | None, message: str) -> None:
    broken = album / "light" / "9.png"
    broken.write_bytes((album / "light" / "0.png").read_bytes()[:45] if contents is None else contents)
    with pytest.raises(ConfigurationError, match=r"9\.png") as raised:
        pictures(album)
    assert message in raised.value.message


def test_an_image_that_unpacks_to_too_many_pixels_is_refused(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(ConfigurationError, match="unpacks to more than 10 pixels"):
        pictures(album)


DEEP = np.array([[0, 65535, 32768, 1000], [1, 2, 3, 4]] * 3, dtype=np.uint16)


def _laid(alpha: int, colour: int = 0) -> float:
    """Return what a pixel of a colour with this transparency is on white."""
    return (colour * alpha + 255 * (255 - alpha)) / 255 / 255


LOOKS: dict[str, tuple[Image.Image, Any, str]] = {
    "16 bits": (Image.fromarray(DEEP), DEEP / 65535, "have more than 8 bits a pixel"),
    "float": (Image.fromarray((DEEP / 65535).astype(np.float32)), DEEP / 65535, "have more than 8 bits a pixel"),
    "1 bit": (Image.fromarray(DEEP[:, ::-1] > 999), (DEEP[:, ::-1] > 999).astype(float), ""),
    "palette": (Image.new("RGB", (4, 6), "red").convert("P"), np.array([1.0, 0, 0])[:, None, None], "one colour"),
    "alpha": (Image.new("RGBA", (4, 6), (0, 0, 0, 51)), _laid(51), "have an alpha channel, and are laid on white"),
    "grey alpha": (Image.new("LA", (4, 6), (0, 0)), 1.0, "have an alpha channel"),
    "inks": (Image.new("CMYK", (4, 6), (0, 255, 255, 0)), np.array([1.0, 0, 0])[:, None, None], "one colour"),
}
"""Images of four by six pixels, what they are from 0 to 1, and a part of what is told of them."""


@pytest.mark.parametrize("name", LOOKS)
def test_an_image_is_what_is_seen_whatever_its_mode(tmp_path: Path, name: str) -> None:
    image, seen, told = LOOKS[name]
    for folder in ("a", "b"):
        (tmp_path / "album" / folder).mkdir(parents=True)
        image.save(tmp_path / "album" / folder / "1.tiff")
    dataset = pictures(tmp_path / "album")
    features, _ = dataset.load()
    np.testing.assert_allclose(features, np.broadcast_to(seen, features.shape), atol=1 / 255)
    assert told == "" or any(told in note for note in dataset.notes)


def test_images_of_16_bits_are_alike_among_coloured_ones_and_at_any_size(album: Path) -> None:
    Image.fromarray(np.full((6, 4), 65535, dtype=np.uint16)).save(album / "light" / "deep.png")
    Image.new("RGB", (50, 40), "red").save(album / "dark" / "photo.jpg")
    dataset = pictures(album)
    (light,) = np.flatnonzero([file.name == "deep.png" for file in images_in(album)])
    np.testing.assert_allclose(dataset.load()[0][light], 1.0)
    assert any("2 sizes" in note for note in dataset.notes)
    assert any("all get three channels" in note for note in dataset.notes)


def test_an_image_whose_depth_nobody_knows_is_refused(album: Path) -> None:
    Image.fromarray(np.full((6, 4), 300.0, dtype=np.float32)).save(album / "light" / "raw.tiff")
    with pytest.raises(ConfigurationError, match=r"raw\.tiff: has pixels from 300 to 300"):
        pictures(album)


def test_an_image_that_lies_on_its_side_is_turned_and_told(album: Path) -> None:
    pixels = np.zeros((4, 6), dtype=np.uint8)
    pixels[0] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(album / "light" / "side.jpg", exif=exif, quality=95)
    dataset = pictures(album)
    features, _ = dataset.load()
    assert features.shape == (11, 1, 6, 4)
    assert features[-1, 0, :, -1].min() > 0.9
    assert features[-1, 0, :, 0].max() < 0.2
    assert any("EXIF orientation says: 1, such as light/side.jpg" in note for note in dataset.notes)


def test_the_first_frame_of_a_moving_image_is_read_and_told(album: Path) -> None:
    frames = [Image.new("L", (4, 6), level) for level in (200, 10)]
    frames[0].save(album / "light" / "moving.gif", save_all=True, append_images=frames[1:])
    dataset = pictures(album)
    np.testing.assert_allclose(dataset.load()[0][-1], 200 / 255, atol=0.01)
    assert any("several frames" in note for note in dataset.notes)


def test_images_that_are_not_read_are_told(album: Path) -> None:
    Image.new("L", (4, 6)).save(album / "stray.png")
    (album / "dark" / "notes.txt").write_text("see")
    notes = pictures(album).notes
    assert "images that do not lie in a class's folder are not read: 1, such as stray.png" in notes
    assert "files that do not end like images are not read: 1, such as dark/notes.txt" in notes


def test_a_model_that_was_exported_before_reads_images_as_it_learnt_them(tmp_path: Path) -> None:
    Image.fromarray(DEEP).save(tmp_path / "deep.png")
    first, now = (read_images([tmp_path / "deep.png"], (1, 6, 4), reading) for reading in (1, 2))
    assert set(np.unique(first)) == {0.0, *(np.arange(1, 5, dtype=np.float32) / 255), 1.0}
    np.testing.assert_allclose(now[0, 0], DEEP / 65535, atol=1e-6)


def test_a_folder_without_images_in_folders_is_refused_with_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="has no images in folders") as raised:
        pictures(tmp_path)
    assert "a folder in it for each class" in raised.value.hint


def saved(path: Path, **arrays: Any) -> Path:
    np.savez(path / "data.npz", **arrays)
    return path / "data.npz"


def arrays(path: Path, **options: Any) -> Arrays:
    return Arrays(path, DataOptions.of(options))


@pytest.mark.parametrize(
    ("shape", "kind", "loaded"),
    [
        ((12, 3), Input.TABLE, (12, 3)),
        ((12, 7, 2), Input.SEQUENCE, (12, 7, 2)),
        ((12, 3, 8, 9), Input.IMAGE, (12, 3, 8, 9)),
        ((12, 8, 9, 3), Input.IMAGE, (12, 3, 8, 9)),
    ],
    ids=str,
)
def test_the_dimensions_of_x_say_what_an_example_is(
    tmp_path: Path, shape: tuple[int, ...], kind: Input, loaded: tuple[int, ...]
) -> None:
    dataset = arrays(saved(tmp_path, x=RNG.random(shape), y=np.arange(12) % 3))
    assert dataset.kind is kind
    assert dataset.load()[0].shape == loaded


@pytest.mark.parametrize(
    ("dtype", "loaded"),
    [
        ("uint8", "float32"),
        ("int16", "float32"),
        ("float32", "float32"),
        ("int32", "float64"),
        ("int64", "float64"),
        ("float64", "float64"),
    ],
)
def test_numbers_keep_the_digits_that_32_bits_would_lose(tmp_path: Path, dtype: str, loaded: str) -> None:
    dataset = arrays(saved(tmp_path, x=np.arange(36).reshape(12, 3).astype(dtype), y=np.arange(12) % 3))
    assert dataset.load()[0].dtype == loaded


@pytest.mark.parametrize(
    ("y", "told"),
    [
        (np.array([0.0, 1.0, 2.0] * 4), "y has floats of 3 different whole values, taken for values to predict"),
        (np.array([np.nan, 1.5, 2.0] * 4), "examples whose y is NaN are left out: 4"),
    ],
)
def test_what_was_assumed_of_targets_is_told(tmp_path: Path, y: Any, told: str) -> None:
    assert any(note.startswith(told) for note in arrays(saved(tmp_path, x=RNG.random((12, 3)), y=y)).notes)


def test_arrays_that_are_not_read_are_told(tmp_path: Path) -> None:
    path = saved(tmp_path, x=RNG.random((12, 3)), y=np.arange(12) % 3, x_test=RNG.random((2, 3)))
    assert "arrays that are not read: x_test" in arrays(path).notes


def test_labels_that_were_kept_as_bytes_are_words(tmp_path: Path) -> None:
    assert arrays(saved(tmp_path, x=RNG.random((12, 3)), y=np.array([b"no", b"yes"] * 6))).labels == ("no", "yes")


@pytest.mark.parametrize(
    ("y", "options", "task", "labels"),
    [
        ([2, 4] * 6, {}, Task.CLASSIFICATION, (2, 4)),
        (["no", "yes"] * 6, {}, Task.CLASSIFICATION, ("no", "yes")),
        ([True, False] * 6, {}, Task.CLASSIFICATION, (False, True)),
        ([0.5, 1.0] * 6, {}, Task.REGRESSION, None),
        ([0.5, 1.0] * 6, {"task": "classification"}, Task.CLASSIFICATION, (0.5, 1.0)),
        ([2, 4] * 6, {"task": "regression"}, Task.REGRESSION, None),
    ],
    ids=str,
)
def test_the_type_of_y_says_what_is_asked_unless_the_settings_do(
    tmp_path: Path, y: list[Any], options: dict[str, Any], task: Task, labels: tuple[Any, ...] | None
) -> None:
    dataset = arrays(saved(tmp_path, x=RNG.random((12, 3)), y=np.array(y)), **options)
    assert (dataset.task, dataset.labels) == (task, labels)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"x": np.zeros((3, 2))}, "has no array y (it has: x)"),
        ({"x": np.zeros(3), "y": np.arange(3)}, "x has 1 dimensions of float64, which are no examples"),
        ({"x": np.array([["a"]]), "y": np.arange(1)}, "x has 2 dimensions of <U1, which are no examples"),
        ({"x": np.zeros((3, 2)), "y": np.arange(4)}, "x has 3 examples, and y has the shape (4,), not (3,)"),
        ({"x": np.zeros((0, 2)), "y": np.arange(0)}, "has no examples"),
        ({"x": np.full((3, 2), np.inf), "y": np.arange(3)}, "x has numbers that are infinite in 32 bits"),
        ({"x": np.zeros((3, 2)), "y": np.zeros(3)}, "nothing can be learnt, y is 0.0 in every example"),
        ({"x": np.zeros((3, 2)), "y": np.array([{}, 1, 2], dtype=object)}, "y holds Python objects"),
        ({"x": np.zeros((3, 2)), "y": np.array([1, np.inf, 2])}, "y is infinite in 1 examples"),
        ({"x": np.zeros((3, 2)), "y": np.array([1j, 2, 3])}, "y has complex128 values, which are no targets"),
        ({"x": np.full((3, 2), 1e39), "y": np.arange(3)}, "x has numbers that are infinite in 32 bits"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_arrays_that_are_no_examples_are_refused(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        arrays(saved(tmp_path, **given))
    assert message in raised.value.message


def test_an_array_that_says_to_be_larger_than_it_is_is_refused(tmp_path: Path) -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 2)})
    with zipfile.ZipFile(tmp_path / "data.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue() + bytes(64))
        archive.writestr("y.npy", header.getvalue() + bytes(64))
    with pytest.raises(ConfigurationError, match="x is cut off"):
        arrays(tmp_path / "data.npz")


@pytest.mark.parametrize("contents", [b"", b"PK\x03\x04 cut off", b"not a zip file"])
def test_a_broken_archive_is_refused(tmp_path: Path, contents: bytes) -> None:
    (tmp_path / "data.npz").write_bytes(contents)
    with pytest.raises(ConfigurationError, match=r"is not a whole \.npz file"):
        arrays(tmp_path / "data.npz")


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size_limits, "UNSUSPECTED", 10_000)
    np.savez_compressed(tmp_path / "data.npz", x=np.zeros((300_000, 4)), y=np.arange(300_000) % 2)
    with pytest.raises(ConfigurationError, match="unpacks to more than 100 times its size"):
        arrays(tmp_path / "data.npz")


def test_examples_of_every_kind_are_told_in_a_line(album: Path, tmp_path: Path) -> None:
    path = saved(tmp_path, x=RNG.random((12, 7, 2)), y=np.array(["a", "b"] * 6))
    told = [
        open_data(each, DataOptions(), validation=0.2, test=0.2, seed=0).record.summary.partition(": ")
        for each in (album, path)
    ]
    assert [what for what, _, _ in told] == ["10 images of 1 x 6 x 4", "12 sequences of 7 steps with 2 features"]
    assert told[0][2] == "classification, 2 classes: dark 5, light 5"
