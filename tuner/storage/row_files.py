"""The files in which a repetition keeps what each row of a split contributes to the metric."""

from dataclasses import replace
from enum import Enum
from pathlib import Path

from tuner.domain.row_values import MOST_ROWS, RowValues
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import Trial, TrialRecord, TrialState
from tuner.system.files import is_folder, private, whole_file

_LARGEST = 4 * MOST_ROWS + 200


class RowSplit(Enum):
    """The split that the rows are of."""

    VALIDATION = "validation"
    TEST = "test"


def row_file(place: Path, split: RowSplit) -> Path:
    """Return the file in a trial's own folder that has the values by row of a split."""
    return place / f".tuner-rows-{split.value}.f32"


def write_rows(place: Path, split: RowSplit, rows: RowValues, epoch: int) -> None:
    """Keep the values by row of what a trial measured after `epoch`, in place of those of an earlier epoch."""
    private(place)
    with whole_file(row_file(place, split)) as beside:
        beside.write_bytes(rows.encoded(epoch))


def write_kept(trial: Trial, split: RowSplit, epoch: int) -> None:
    """Keep the values by row that a trial has given since the last time; nothing happens where it has given none."""
    if (rows := trial.rows.take()) is not None:
        write_rows(trial.place, split, rows, epoch)


def read_rows(place: Path, split: RowSplit, epoch: int) -> RowValues | None:
    """Return the values by row of a trial's best `epoch`; None where none were kept, or the file is damaged."""
    file = row_file(place, split)
    try:
        if not is_folder(place) or file.is_symlink() or file.stat().st_size > _LARGEST:
            return None
        return RowValues.decoded(file.read_bytes(), epoch)
    except OSError:  # not there, or not to be read: the interval is that of seeds then, and says so
        return None


def measured(trial: TrialRecord, study: StudyRecord, place: Path) -> TrialRecord:
    """Return a repetition with what its test gave, and with the values by row that were kept of it."""
    tested = study.notes.get(f"test:{trial.number}", {}).get("metrics")
    if trial.state is not TrialState.COMPLETE:
        return replace(trial, test_metrics=tested)
    rows, test_rows = (read_rows(place, split, trial.epoch) for split in (RowSplit.VALIDATION, RowSplit.TEST))
    return replace(trial, test_metrics=tested, rows=rows, test_rows=test_rows)
