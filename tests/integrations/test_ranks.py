"""Trials of two gloo processes: they stop together, continue together, and none is left over."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from integrations.guides import Guide, study
from templates import gone

from tuner import Trial, TrialState
from tuner.domain.config import Config
from tuner.domain.current_trial import entered
from tuner.domain.fidelity import FidelityUnit
from tuner.domain.reporting import Reporter
from tuner.execution.checkpoints import TrialCheckpoints
from tuner.integrations.ranks import launch

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


class _Kept(Reporter):
    """Keeps what is reported."""

    should_stop = False

    def __init__(self) -> None:
        self.reported: list[Any] = []

    def report(self, metrics: Any, step: int | None) -> None:
        self.reported.append((metrics, step))


def reported(function: Callable[[Trial], None], place: Path) -> list[Any]:
    """Return what a rank that calls `function` has reported."""
    kept = _Kept()
    trial = Trial(
        config=Config({"lr": 0.5}), number=3, seed=7, device="cpu", epoch=0, max_epochs=2000, unit=FidelityUnit.STEPS,
        settings=Config({"a": "b"}), checkpoints=TrialCheckpoints(place, 0, 0), place=place, reporter=kept,
    )  # fmt: skip
    with entered(trial):
        launch(function, ranks=1, start_method="fork")
    return kept.reported


def report_what_the_trial_is(trial: Trial) -> None:
    facts = (trial.config["lr"], trial.settings["a"], trial.number, trial.seed, trial.step, trial.max_step, trial.unit)
    trial.report({"facts": facts}, step=2000)


def report_an_array(trial: Trial) -> None:
    trial.report({"loss": np.float32(0.5), "each": np.zeros(2)})


def test_the_trial_of_a_rank_says_what_the_trial_itself_says(tmp_path: Path) -> None:
    facts = str((0.5, "b", 3, 7, 0, 2000, FidelityUnit.STEPS))
    assert reported(report_what_the_trial_is, tmp_path) == [({"facts": facts}, 2000)]


def test_a_rank_may_report_beside_its_numbers_what_is_none(tmp_path: Path) -> None:
    assert reported(report_an_array, tmp_path) == [({"loss": 0.5, "each": "[0. 0.]"}, None)]
