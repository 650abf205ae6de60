"""Manifests of checkpoints name files of theirs, and nothing else."""

import pytest

from tuner.domain.checkpoint_store import DamagedCheckpointError
from tuner.storage.url_manifest import Manifest, parsed, parts_of

NAME = "epoch-000002"
PARTS = parts_of(NAME, "0123abcd")


@pytest.mark.parametrize(
    "manifest",
    [
        Manifest(parts=PARTS, is_file=True, files={"": (3, "abc")}),
        Manifest(parts=PARTS, is_file=False, files={"a/b.bin": (3, "abc"), "c": (0, "")}),
        Manifest(parts=PARTS, is_file=False, files={}),
    ],
)
def test_a_manifest_is_read_as_it_was_written(manifest: Manifest) -> None:
    assert parsed(manifest.text(), NAME) == manifest


@pytest.mark.parametrize(
    ("files", "is_file"),
    [({"/etc/x": (0, "")}, False), ({"../x": (0, "")}, False), ({"": (0, "")}, False), ({"a": (0, "")}, True)],
)
def test_a_file_outside_of_the_folder_is_refused(files: dict[str, tuple[int, str]], is_file: bool) -> None:  # noqa: FBT001
    with pytest.raises(DamagedCheckpointError, match="names a file outside of its folder"):
        parsed(Manifest(parts=PARTS, is_file=is_file, files=files).text(), NAME)


@pytest.mark.parametrize("parts", ["..", f"{PARTS}/..", "epoch-000003.files-0123abcd", "/tmp", ""])
def test_another_folder_is_refused(parts: str) -> None:
    with pytest.raises(DamagedCheckpointError, match="names another folder"):
        parsed(Manifest(parts=parts, is_file=False, files={}).text(), NAME)


@pytest.mark.parametrize("text", ["", "[]", "7", "[" * 10_000, '{"parts": "x"}', '{"files": {"a": 1}}'])
def test_what_is_no_manifest_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no manifest"):
        parsed(text, NAME)
