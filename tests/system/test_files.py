"""Folders and files that are their owner's alone."""

import os
from pathlib import Path

import pytest

from tuner.system.files import first_link, is_own_folder, made_once, open_to_others, whole, whole_file


def test_a_written_file_is_its_owners_alone_and_whole_or_not_there(tmp_path: Path) -> None:
    target = tmp_path / "target"
    with pytest.raises(RuntimeError), whole_file(target) as beside:  # noqa: PT012 - what is half written counts
        beside.write_text("half")
        raise RuntimeError
    assert [*tmp_path.iterdir()] == []
    with whole_file(target) as beside:
        beside.write_text("whole")
    assert target.read_text() == "whole"
    assert target.stat().st_mode & 0o777 == 0o600


def test_what_is_there_stays_where_it_is_not_to_be_replaced(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("before")
    with pytest.raises(FileExistsError), whole_file(target, replaces=False) as beside:
        beside.write_text("after")
    assert target.read_text() == "before"
    assert [*tmp_path.iterdir()] == [target]


def test_a_link_in_the_place_of_a_file_or_folder_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "target").symlink_to(tmp_path / "precious")
    with whole_file(tmp_path / "target") as beside:
        beside.write_text("new")
    assert (tmp_path / "precious").read_text() == "precious"
    assert (tmp_path / "target").read_text() == "new"


def test_names_that_stand_beside_a_target_cannot_be_taken_first(tmp_path: Path) -> None:
    for pid in (os.getpid(), os.getppid()):
        for ending in ("partial", "before"):
            (tmp_path / f".folder.{pid}.{ending}").symlink_to(tmp_path)
            (tmp_path / f".file.{pid}.{ending}").symlink_to(tmp_path)
    with whole(tmp_path / "folder") as folder, whole_file(tmp_path / "file") as file:
        assert folder.is_dir()
        assert file.is_file()


def test_what_is_the_same_whoever_makes_it_is_that_of_the_first(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "folder"
    with made_once(folder) as slow:
        (slow / "by").write_text("slow")
        with made_once(folder) as fast:
            (fast / "by").write_text("fast")
    assert (folder / "by").read_text() == "fast"
    assert [each.name for each in folder.parent.iterdir()] == ["folder"]
    with pytest.raises(RuntimeError), made_once(tmp_path / "other") as broken:  # noqa: PT012 - what is half made counts
        (broken / "by").touch()
        raise RuntimeError
    assert not (tmp_path / "other").exists()


def test_the_first_link_on_the_way_is_found(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "link").symlink_to(tmp_path)
    assert first_link(tmp_path, tmp_path / "a" / "b" / "c") is None
    assert first_link(tmp_path, tmp_path / "a" / "link" / "c") == tmp_path / "a" / "link"
    with pytest.raises(ValueError, match="leads out"):
        first_link(tmp_path, tmp_path / "a" / ".." / ".." / "c")


def test_a_link_is_nobodys_own_folder(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "file").touch()
    assert is_own_folder(tmp_path)
    assert not any(map(is_own_folder, (tmp_path / "link", tmp_path / "file", tmp_path / "nothing")))


@pytest.mark.parametrize(("mode", "is_open"), [(0o700, False), (0o755, False), (0o1777, False), (0o777, True)])
def test_a_folder_in_which_others_can_replace_what_is_made_is_told(tmp_path: Path, mode: int, is_open: bool) -> None:  # noqa: FBT001
    tmp_path.chmod(mode)
    assert (open_to_others(tmp_path) is not None) is is_open


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives folders away")
def test_a_folder_of_another_user_is_told(tmp_path: Path) -> None:
    os.chown(tmp_path, 4242, -1)
    assert "belongs to user 4242" in (open_to_others(tmp_path) or "")
