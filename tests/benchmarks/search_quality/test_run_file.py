from pathlib import Path

from search_quality.run_file import RunFile
from search_quality.simulation import Run
from search_quality.table import Key

KEY: Key = ("lcbench 1", 0, 8, "auto+asha")
RUN = Run(values=(0.1, 0.2, 0.3), incumbents=(0, 4, 7), trials=50, seconds=1.5, busy=0.9)


def test_a_file_that_is_not_there_has_no_runs(tmp_path: Path) -> None:
    assert RunFile(tmp_path / "runs.jsonl").read() == {}


def test_runs_are_read_as_they_were_added(tmp_path: Path) -> None:
    file = RunFile(tmp_path / "runs.jsonl")
    other: Key = ("lcbench 1", 1, 8, "auto+asha")
    file.add(KEY, RUN)
    file.add(other, RUN)
    assert file.read() == {KEY: RUN, other: RUN}
