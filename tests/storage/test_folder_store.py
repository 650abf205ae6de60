"""Checkpoints in a folder of this machine."""

from pathlib import Path

import pytest

from tuner.storage.folder_store import FolderStore

FILE, FOLDER = "trial-00003/epoch-000002.safetensors", "trial-00003/epoch-000002"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "kept")


def test_files_and_folders_are_read_as_they_were_written(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "weights").write_text("folder")
    (tmp_path / "state").write_text("file")
    store.put(FILE, tmp_path / "state")
    store.put(FOLDER, tmp_path / "saved")
    store.get(FILE, tmp_path / "file")
    store.get(FOLDER, tmp_path / "folder")
    assert (tmp_path / "file").read_text() == "file"
    assert (tmp_path / "folder" / "weights").read_text() == "folder"


def test_what_is_half_written_is_not_listed(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("file")
    store.put(FILE, tmp_path / "state")
    (tmp_path / "kept" / "trial-00003" / ".epoch-000003.1234.partial").write_text("half")
    assert store.list("trial-00003") == store.list() == (FILE,)
    assert store.list("trial-00009") == ()


def test_one_state_or_all_of_a_trial_are_deleted_and_deleted_again(store: FolderStore, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("file")
    for name in (FILE, "trial-00003/epoch-000004.safetensors"):
        store.put(name, tmp_path / "state")
    for name in (FILE, FILE, "trial-00003", "trial-00003"):
        store.delete(name)
    assert store.list() == ()


def test_a_copy_of_what_is_not_there_is_refused(store: FolderStore) -> None:
    with pytest.raises(FileNotFoundError):
        store.copy(FILE, "trial-00004/taken-over-000002.safetensors")
