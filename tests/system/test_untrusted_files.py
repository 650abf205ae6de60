"""The door for files that somebody else may have made."""

import os
from pathlib import Path

import pytest

from tuner.system.untrusted_files import DEEPEST, check, json_of, opened, text_of


def test_a_regular_file_is_opened_as_far_as_it_may_be_large(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("words")
    assert text_of(tmp_path / "file") == "words"
    assert check(tmp_path / "file") == 5
    with pytest.raises(OSError, match="it has 5 bytes, and no more than 4 are read"):
        opened(tmp_path / "file", most=4)


@pytest.mark.timeout(30)
def test_nothing_waits_for_what_is_no_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "folder").mkdir()
    for name in ("fifo", "device", "folder"):
        with pytest.raises(OSError, match="it is not a regular file"):
            opened(tmp_path / name)
    with pytest.raises(OSError, match="symbolic links"):
        opened(tmp_path / "loop")


def test_json_may_be_nested_as_deep_as_people_nest_it() -> None:
    assert json_of("[" * DEEPEST + "]" * DEEPEST)
    assert json_of('{"a": "' + "[" * 500 + '\\"[["}') == {"a": "[" * 500 + '"[['}
    for deep in ("[" * 900 + "]" * 900, '{"a":' * 900 + "1" + "}" * 900, "[" * 10**6):
        with pytest.raises(ValueError, match="nested more than"):
            json_of(deep)
