"""Where a study's files lie, and whose they are."""

import json
from pathlib import Path

from tuner.storage.folder_owner import MARKER, Owner, owner_of


def test_a_folder_says_whose_it_is(tmp_path: Path) -> None:
    (tmp_path / MARKER).write_text(json.dumps({"study": "digits", "id": "0" * 16, "storage": "studies.db"}))
    assert owner_of(tmp_path) == Owner(study="digits", id="0" * 16, storage="studies.db")


def test_a_folder_without_its_marker_or_with_a_damaged_one_has_no_owner(tmp_path: Path) -> None:
    assert owner_of(tmp_path) is None
    (tmp_path / MARKER).write_text('{"study": ')
    assert owner_of(tmp_path) is None
