"""Trials of two gloo processes: they stop together, continue together, and none is left over."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from integrations.guides import Guide, curves, study
from templates import gone

from tuner import Trial, TrialState, TunerError
from tuner.domain.config import Config
from tuner.domain.current_trial import entered
from tuner.domain.fidelity import STEPS
from tuner.domain.reporting import Reporter
from tuner.execution.checkpoints import TrialCheckpoints
from tuner.integrations.ranks import launch

GUIDE = Guide("distributed", "torch._dynamo", "tuner.integrations.ranks", trials=1)

NOTES = {
    "    begin = 0\n": "    import os, time\n    begin = 0\n    open('pids.txt', 'a').write(f'{os.getpid()}\\n')\n",
    "        dist.all_reduce(mean)\n": "        dist.all_reduce(mean)\n"
    "        if trial.number == 1 and dist.get_rank() == 1:\n            os.kill(os.getpid(), 9)\n"
    "        while os.path.exists('wait') and _ == 4:\n            time.sleep(0.01)\n",
    "        trial.report(loss=float(mean))\n": "        open(f'rank-{dist.get_rank()}.txt', 'a').write("
    "f'{trial.number} {trial.config[\"lr\"]}\\n')\n        trial.report(loss=float(mean))\n",
}
"""The program notes what its ranks are; rank 1 of trial 1 is killed, and all wait at the fifth epoch if they are to."""
NOTED = GUIDE.edited(NOTES)
INLINE = ("--executor", "inline")


def pids(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "pids.txt").read_text().split()]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that has ended."""
    folder = tmp_path_factory.mktemp("done")
    ended = NOTED.tuner(folder, "run", f"{NOTED.study(folder)}.toml", *INLINE)
    assert ended.returncode == 0, ended.stderr
    return folder


def test_ranks_have_one_configuration_and_stop_at_the_same_report(done: Path) -> None:
    assert GUIDE.changed_lines("train.py") <= 11
    lines = [(done / f"rank-{rank}.txt").read_text().splitlines() for rank in (0, 1)]
    assert [line for line in lines[0] if not line.startswith("1 ")] == lines[1]
    reports = [int(line.split()[0]) for line in lines[1]]
    trials = study(done, "distributed").trials
    assert any(trial.state is TrialState.PRUNED for trial in trials)
    assert [reports.count(trial.number) for trial in trials] == [len(trial.curve) for trial in trials]
    assert len(pids(done)) == 2 * len(trials)
    assert all(gone(pid) for pid in pids(done))


def test_a_rank_that_is_killed_is_the_failure_of_its_trial_and_the_study_continues(done: Path) -> None:
    trials = study(done, "distributed").trials
    assert [trial.state is TrialState.FAIL for trial in trials] == [False, True, False, False]
    assert trials[1].failure is not None
    assert "rank 1 was killed by SIGKILL" in trials[1].failure.message


def test_no_rank_outlives_its_study_which_continues_as_if_nothing_had_been(done: Path, tmp_path: Path) -> None:
    name = NOTED.study(tmp_path)
    (tmp_path / "wait").touch()
    driver = GUIDE.template.start("run", f"{name}.toml", *INLINE, "--trials", "1", cwd=tmp_path)
    try:
        while stored_epochs(tmp_path, name) < 3:
            assert driver.poll() is None, driver.communicate()
            time.sleep(0.05)  # polling what another process writes: there is no event to await
    finally:
        driver.kill()
        driver.communicate()
    assert all(gone(pid) for pid in pids(tmp_path))
    (tmp_path / "wait").unlink()
    resumed = GUIDE.tuner(tmp_path, "resume", name)
    assert resumed.returncode == 0, resumed.stderr
    assert len(pids(tmp_path)) == 4
    assert curves(tmp_path, name) == curves(done, name)[:1]
    epochs = [int(line.split()[0]) for line in (tmp_path / "rank-1.txt").read_text().splitlines()]
    assert len(epochs) in {9, 10}  # the last one before the end may have been reported and not stored


def test_a_sharded_checkpoint_of_two_ranks_is_continued_by_one_with_the_same_losses(tmp_path: Path) -> None:
    GUIDE.study(tmp_path)
    file = tmp_path / "distributed.toml"
    file.write_text(file.read_text().replace("tune:", "sharded:"))
    few, one_rank = ("run", "distributed.toml", *INLINE, "--trials", "1"), ("--set", "resources.ranks=1")
    for words in (
        (*few, "--name", "alone", *one_rank),
        (*few, "--name", "shared", "--epochs", "3"),
        ("resume", "shared", "--epochs", "9", *one_rank),
    ):
        ended = GUIDE.tuner(tmp_path, *words)
        assert ended.returncode == 0, ended.stderr
    alone, shared = (list(curves(tmp_path, name)[0].values()) for name in ("alone", "shared"))
    assert shared == pytest.approx(alone, rel=1e-6)


TORCHRUN_NOTES = {
    "for epoch in range(begin + 1": "number, rank = os.environ['TUNER_TRIAL_NUMBER'], dist.get_rank()\n"
    "open('pids.txt', 'a').write(f'{os.getpid()}\\n{os.getppid()}\\n')\n"
    "open(f'rank-{rank}.txt', 'a').write(f'{number} {arguments.lr} {begin}\\n')\n"
    "for epoch in range(begin + 1",
    "dist.destroy": "    while epoch == 4 and not os.path.exists(f'go-{number}'):\n"
    "        __import__('time').sleep(0.01)\n"
    "dist.destroy",
}
"""The program of the command notes what its ranks are, and waits at its fourth epoch until it may continue."""


def test_a_command_that_starts_torchrun_leaves_no_rank_and_continues_from_the_checkpoint_of_rank_0(
    tmp_path: Path,
) -> None:
    assert GUIDE.changed_lines("fit.py") <= 3
    GUIDE.write(tmp_path)
    program = (tmp_path / "fit.py").read_text()
    for before, after in TORCHRUN_NOTES.items():
        assert program.count(before) == 1
        program = program.replace(before, after)
    (tmp_path / "fit.py").write_text(program)
    (tmp_path / "space.toml").write_text("lr = [0.05, 1e-9]\n")  # the second learns nothing, and is to be stopped
    options = ["--executor", "inline", "--sampler", "grid", "--trials", "2", "--set", "budget.epochs=5"]
    driver = GUIDE.template.start("run", "torchrun.toml", *options, cwd=tmp_path)
    try:
        while stored_epochs(tmp_path, "torchrun") < 3:
            assert driver.poll() is None, driver.communicate()
            time.sleep(0.05)  # polling what another process writes: there is no event to await
    finally:
        driver.kill()
        driver.communicate()
    assert all(gone(pid) for pid in pids(tmp_path))
    (tmp_path / "go-0").touch()
    resumed = GUIDE.tuner(tmp_path, "resume", "torchrun")
    assert resumed.returncode == 0, resumed.stderr
    assert len(pids(tmp_path)) == 3 * 4
    assert all(gone(pid) for pid in pids(tmp_path))
    first, second = study(tmp_path, "torchrun").trials
    assert (first.state, [*first.curve]) == (TrialState.COMPLETE, [1, 2, 3, 4, 5])
    assert (second.state, second.last_epoch) == (TrialState.PRUNED, 3)
    ranks = [(tmp_path / f"rank-{rank}.txt").read_text() for rank in (0, 1)]
    assert ranks[0] == ranks[1]
    begun = [line.split() for line in ranks[0].splitlines()]
    assert [(number, lr) for number, lr, _ in begun] == [("0", "0.05"), ("0", "0.05"), ("1", "1e-09")]
    assert [int(begin) >= 3 for *_, begin in begun] == [False, True, False]


def stored_epochs(folder: Path, name: str) -> int:
    """Return the last epoch of a study that is stored."""
    try:
        return max((trial.last_epoch for trial in study(folder, name).trials), default=0)
    except TunerError:
        return 0


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
        config=Config({"lr": 0.5}), number=3, seed=7, device="cpu", epoch=0, max_epochs=2000, unit=STEPS,
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
    facts = str((0.5, "b", 3, 7, 0, 2000, STEPS))
    assert reported(report_what_the_trial_is, tmp_path) == [({"facts": facts}, 2000)]


def test_a_rank_may_report_beside_its_numbers_what_is_none(tmp_path: Path) -> None:
    assert reported(report_an_array, tmp_path) == [({"loss": 0.5, "each": "[0. 0.]"}, None)]
