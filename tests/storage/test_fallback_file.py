"""Results that are kept in a file are all read back, or it is told which are not."""

from pathlib import Path

import pytest
from fakes import metrics

from tuner.domain.config import Config
from tuner.domain.decision import Comparison, Decision, Yardstick
from tuner.domain.errors import StorageError
from tuner.domain.study_writer import TrialUpdate
from tuner.domain.trial import Report, TrialRecord, TrialState
from tuner.storage.fallback_file import FallbackFile

COMPARISON = Comparison(
    yardstick=Yardstick.BEST, rung=1, value=0.5, needed=0.5, compared=1, places=1, decision=Decision.CONTINUE
)


def change(number: int) -> TrialUpdate:
    trial = TrialRecord(number=number, state=TrialState.RUNNING, config=Config({}))
    return TrialUpdate(
        trial=trial, report=Report(number=number, epoch=1, metrics=metrics(0.5)), comparisons=(COMPARISON,)
    )


def test_what_was_kept_is_read_back_in_its_order_whatever_was_cut_off(tmp_path: Path) -> None:
    spill = FallbackFile(tmp_path, "s")
    spill.keep([change(0), change(1)])
    with spill.file.open("ab") as file:
        file.write(b'[{"number": 2, \xff')
    spill.keep([change(3)])
    assert [[each.trial.number for each in entry] for entry in spill.read()] == [[0, 1], [3]]
    assert spill.read()[0][0].comparisons == (COMPARISON,)


@pytest.mark.parametrize("line", ["1", "null", "[{}]", "[1]", '[{"number": 0, "state": "odd"}]'])
def test_a_line_that_holds_no_results_is_told_and_not_skipped(line: str, tmp_path: Path) -> None:
    spill = FallbackFile(tmp_path, "s")
    spill.keep([change(0)])
    with spill.file.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(StorageError, match=r"line 3 of .*s\.jsonl holds no results"):
        spill.read()


def test_nothing_kept_is_nothing_read(tmp_path: Path) -> None:
    assert FallbackFile(tmp_path, "s").read() == []
