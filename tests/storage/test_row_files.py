"""Values by row in a trial's own folder."""

from pathlib import Path

from tuner.domain.row_values import RowValues
from tuner.storage.row_files import RowSplit, read_rows, row_file, write_rows


def test_what_was_written_is_read_for_its_epoch_and_its_split(tmp_path: Path) -> None:
    place, rows = tmp_path / "trial-00003", RowValues.of([1.0, 0.0])
    write_rows(place, RowSplit.VALIDATION, rows, epoch=4)
    assert read_rows(place, RowSplit.VALIDATION, 4) == rows
    assert read_rows(place, RowSplit.VALIDATION, 5) is None
    assert read_rows(place, RowSplit.TEST, 4) is None


def test_a_later_epoch_replaces_an_earlier_one_and_nothing_else_is_left(tmp_path: Path) -> None:
    for epoch in (1, 2):
        write_rows(tmp_path, RowSplit.VALIDATION, RowValues.of([float(epoch)]), epoch=epoch)
    assert read_rows(tmp_path, RowSplit.VALIDATION, 2) == RowValues.of([2.0])
    assert [path.name for path in tmp_path.iterdir()] == [row_file(tmp_path, RowSplit.VALIDATION).name]


def test_a_file_that_is_a_link_or_too_large_is_not_read(tmp_path: Path) -> None:
    write_rows(tmp_path, RowSplit.VALIDATION, RowValues.of([1.0]), epoch=1)
    row_file(tmp_path, RowSplit.TEST).symlink_to(row_file(tmp_path, RowSplit.VALIDATION))
    assert read_rows(tmp_path, RowSplit.TEST, 1) is None
    with row_file(tmp_path, RowSplit.VALIDATION).open("r+b") as file:
        file.truncate(10**9)
    assert read_rows(tmp_path, RowSplit.VALIDATION, 1) is None
