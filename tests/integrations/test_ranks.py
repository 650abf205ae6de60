"""Trials of two gloo processes: they stop together, continue together, and none is left over."""

from pathlib import Path

import pytest
from integrations.guides import Guide, study
from templates import gone

from tuner import TrialState

GUIDE = Guide("distributed", "torch._dynamo", "tuner.integrations.ranks", trials=1)


NOTES = {
    "    begin = 0\n": "    import os\n    begin = 0\n    open('pids.txt', 'a').write(f'{os.getpid()}\\n')\n",
    "        trial.report(loss=float(mean))\n": "        open(f'rank-{dist.get_rank()}.txt', 'a').write("
    "f'{trial.number} {trial.config[\"lr\"]}\\n')\n        trial.report(loss=float(mean))\n",
}
NOTED = GUIDE.edited(NOTES)


def pids(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "pids.txt").read_text().split()]


def test_ranks_have_one_configuration_and_stop_at_the_same_report(tmp_path: Path) -> None:
    assert GUIDE.changed_lines("train.py") <= 11
    name = NOTED.study(tmp_path)
    done = GUIDE.tuner(tmp_path, "run", f"{name}.toml", "--executor", "inline")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "rank-0.txt").read_text() == (tmp_path / "rank-1.txt").read_text()
    reports = [int(line.split()[0]) for line in (tmp_path / "rank-1.txt").read_text().splitlines()]
    trials = study(tmp_path, name).trials
    assert any(trial.state is TrialState.PRUNED for trial in trials)
    assert [reports.count(trial.number) for trial in trials] == [len(trial.curve) for trial in trials]
    assert len(pids(tmp_path)) == 2 * len(trials)
    assert all(gone(pid) for pid in pids(tmp_path))


def test_no_rank_outlives_its_trial_which_continues_as_if_nothing_had_been(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stored, resumed = NOTED.curves_after_a_kill(tmp_path, "before", 3)
    assert stored == 2
    assert all(gone(pid) for pid in pids(tmp_path))
    assert resumed == GUIDE.uninterrupted(tmp_path_factory.mktemp("uninterrupted"))


def test_a_rank_that_is_killed_is_the_failure_of_its_trial_and_the_others_end(tmp_path: Path) -> None:
    guide = GUIDE.edited(
        NOTES
        | {
            "        dist.all_reduce(mean)\n": "        dist.all_reduce(mean)\n        if dist.get_rank() == 1:\n"
            "            os.kill(os.getpid(), 9)\n"
        }
    )
    name = guide.study(tmp_path)
    done = guide.tuner(tmp_path, "run", f"{name}.toml", "--executor", "inline", "--trials", "1")
    assert done.returncode == 3, done.stderr
    (trial,) = study(tmp_path, name).trials
    assert trial.failure is not None
    assert "rank 1" in trial.failure.message or "rank 0 failed" in trial.failure.message
    assert len(pids(tmp_path)) == 2
    assert all(gone(pid) for pid in pids(tmp_path))
