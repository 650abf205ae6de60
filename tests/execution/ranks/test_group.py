"""Ranks meet at reports, share checkpoints, and one that fails ends all of them and is named."""

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from templates import gone

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.reporting import Reporter
from tuner.domain.trial import FailureReason, Trial
from tuner.execution.checkpoints import TrialCheckpoints
from tuner.execution.ranks.group import RankFailedError, run_ranks
from tuner.execution.user_failures import failure_of


class Kept(Reporter):
    """Keeps what is reported, and stops the trial at its `last` report."""

    def __init__(self, checkpoints: TrialCheckpoints, last: int) -> None:
        self.reported: list[Any] = []
        self._checkpoints, self._last = checkpoints, last

    @property
    def should_stop(self) -> bool:
        return len(self.reported) >= self._last

    def report(self, metrics: Any, step: int | None) -> None:
        self._checkpoints.begin_epoch()
        self._checkpoints.reach(step)
        self._checkpoints.advance(is_best=True)
        self.reported.append(metrics)
        self._checkpoints.begin_epoch()


def made(folder: Path, last: int = 9, recorded: int = 0) -> tuple[Trial, Kept]:
    checkpoints = TrialCheckpoints(folder / "checkpoints", recorded, 0)
    kept = Kept(checkpoints, last)
    checkpoints.begin_epoch()
    trial = Trial(
        config=Config({"lr": 0.5}), number=3, seed=7, device="cpu", epoch=checkpoints.epoch, max_epochs=9,
        settings=Config({"folder": str(folder)}), checkpoints=checkpoints, place=folder, reporter=kept,
    )  # fmt: skip
    return trial, kept


def ran(function: Callable[[Trial], Any], folder: Path, ranks: int = 2, last: int = 9) -> tuple[Any, list[Any]]:
    """Return what rank 0 returned, and what the group reported."""
    trial, kept = made(folder, last)
    return run_ranks(function, trial, ranks, "fork"), kept.reported


def note(trial: Trial, what: object) -> None:
    """Keep something of a rank in a file of its own."""
    with Path(trial.settings["folder"], f"rank-{trial.rank}.txt").open("a") as file:
        file.write(f"{what}\n")


def notes(folder: Path, rank: int) -> list[str]:
    return (folder / f"rank-{rank}.txt").read_text().splitlines()


def report_until_stopped(trial: Trial) -> None:
    note(trial, f"{trial.config['lr']} {trial.ranks} {os.environ['RANK']} {os.environ['WORLD_SIZE']}")
    for epoch in range(1, 10):
        note(trial, epoch)
        trial.report(loss=epoch + trial.rank / 2)


def test_ranks_have_one_configuration_and_stop_at_one_report_of_rank_0s_metrics(tmp_path: Path) -> None:
    _, reported = ran(report_until_stopped, tmp_path, ranks=3, last=4)
    assert reported == [{"loss": epoch} for epoch in (1, 2, 3, 4)]
    for rank in range(3):
        assert notes(tmp_path, rank) == [f"0.5 3 {rank} 3", "1", "2", "3", "4"]


def yield_thrice(trial: Trial) -> Iterator[dict[str, float]]:
    for epoch in range(3):
        try:
            yield {"loss": epoch + trial.rank}
        finally:
            note(trial, epoch)


def test_a_function_that_yields_is_a_function_of_ranks_too(tmp_path: Path) -> None:
    assert ran(yield_thrice, tmp_path) == (None, [{"loss": 0}, {"loss": 1}, {"loss": 2}])
    assert notes(tmp_path, 1) == ["0", "1", "2"]
    assert ran(yield_thrice, tmp_path, last=2)[1] == [{"loss": 0}, {"loss": 1}]
    assert notes(tmp_path, 1) == ["0", "1", "2", "0", "1"]


def test_what_rank_0_returns_is_returned(tmp_path: Path) -> None:
    assert ran(lambda trial: {"loss": trial.rank + 0.25}, tmp_path) == ({"loss": 0.25}, [])


def fail_in_rank_1(trial: Trial) -> None:
    note(trial, os.getpid())
    if trial.rank == 1:
        raise ValueError("this rank alone")
    trial.report(loss=1.0)


def test_a_rank_that_raises_is_named_with_its_traceback_and_the_others_end(tmp_path: Path) -> None:
    with pytest.raises(RankFailedError, match="rank 1 failed: ValueError: this rank alone") as raised:
        ran(fail_in_rank_1, tmp_path)
    assert "in fail_in_rank_1" in failure_of(raised.value).traceback
    assert all(gone(int(pid)) for rank in (0, 1) for pid in notes(tmp_path, rank))


def die_in_rank_1(trial: Trial) -> None:
    note(trial, os.getpid())
    if trial.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    assert gone(int(notes(Path(trial.settings["folder"]), 1)[0]))
    raise ConnectionError("a peer is gone")  # as a collective does


def test_a_rank_that_was_killed_is_named_and_not_those_that_fail_by_it(tmp_path: Path) -> None:
    (tmp_path / "rank-1.txt").touch()

    def function(trial: Trial) -> None:
        while trial.rank == 0 and not notes(tmp_path, 1):
            os.sched_yield()
        die_in_rank_1(trial)

    with pytest.raises(RankFailedError, match="rank 1 was killed by SIGKILL"):
        ran(function, tmp_path)
    assert gone(int(notes(tmp_path, 0)[0]))


def die_in_rank_1_and_leave_a_child(trial: Trial) -> None:
    if trial.rank == 1:
        child = os.fork()
        if child == 0:
            signal.pause()  # with the rank's connection, which a fork inherits
        note(trial, child)
        os.kill(os.getpid(), signal.SIGKILL)
    trial.report(loss=1.0)


def test_a_rank_that_was_killed_is_noticed_although_a_child_of_it_lives_on(tmp_path: Path) -> None:
    with pytest.raises(RankFailedError, match="rank 1 was killed by SIGKILL"):
        ran(die_in_rank_1_and_leave_a_child, tmp_path)
    os.kill(int(notes(tmp_path, 1)[0]), signal.SIGKILL)


def exhaust(trial: Trial) -> None:
    raise MemoryError("no memory left")


def test_a_rank_without_memory_is_the_failure_that_it_is_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(MemoryError, match="rank 0 failed") as raised:
        ran(exhaust, tmp_path, ranks=1)
    assert failure_of(raised.value).reason is FailureReason.OUT_OF_MEMORY


def report_in_rank_0(trial: Trial) -> None:
    if trial.rank == 0:
        trial.report(loss=1.0)


def test_ranks_that_do_not_report_equally_often_are_a_mistake_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"rank 0: trial.report, rank 1: the end of the function"):
        ran(report_in_rank_0, tmp_path)


def write_in_all(trial: Trial) -> None:
    with trial.checkpoint() as folder:
        (folder / f"{trial.rank}.txt").write_text("mine")
    trial.report(loss=1.0)


def write_in_rank_0(trial: Trial) -> None:
    if trial.rank == 0:
        with trial.checkpoint() as folder:
            (folder / "0.txt").write_text("mine")
    trial.report(loss=1.0)


def write_in_vain(trial: Trial) -> None:
    try:
        with trial.checkpoint() as folder:
            (folder / f"{trial.rank}.txt").write_text("mine")
            if trial.rank == 1:
                (folder / "missing" / "1.txt").touch()
    except FileNotFoundError:
        note(trial, "not written")
    trial.report(loss=1.0)


@pytest.mark.parametrize(
    ("function", "files"), [(write_in_all, ["0.txt", "1.txt"]), (write_in_rank_0, ["0.txt"]), (write_in_vain, None)]
)
def test_ranks_share_the_folder_of_a_checkpoint_which_is_whole_or_not_there(
    function: Callable[[Trial], None], files: list[str] | None, tmp_path: Path
) -> None:
    ran(function, tmp_path)
    trial, _ = made(tmp_path, recorded=1)
    folder = trial.load_folder()
    assert (None if folder is None else sorted(each.name for each in folder.iterdir())) == files


def save_and_load(trial: Trial) -> None:
    state = trial.load()
    note(trial, None if state is None else state["from"])
    trial.save({"from": f"rank {trial.rank}"})
    trial.report(loss=1.0)


def test_the_state_of_rank_0_is_kept_and_loaded_by_every_rank_of_however_many(tmp_path: Path) -> None:
    ran(save_and_load, tmp_path)
    trial, _ = made(tmp_path, recorded=1)
    run_ranks(save_and_load, trial, 3, "fork")
    assert [notes(tmp_path, rank) for rank in range(3)] == [["None", "rank 0"], ["None", "rank 0"], ["rank 0"]]


def save_in_vain(trial: Trial) -> None:
    trial.save({"from": "the first epoch"})
    trial.report(loss=1.0)
    with suppress(TypeError):
        trial.save({"from": object()})
    trial.report(loss=0.5)


def test_a_state_that_cannot_be_saved_leaves_the_one_before_it(tmp_path: Path) -> None:
    _, reported = ran(save_in_vain, tmp_path)
    assert [each["loss"] for each in reported] == [1.0, 0.5]
    assert made(tmp_path, recorded=1)[0].load() == {"from": "the first epoch"}


def save_beside_reports(trial: Trial) -> None:
    """Save in a thread while another one reports, each of them often enough that they meet."""
    with ThreadPoolExecutor(1) as pool:
        saved = [pool.submit(trial.save, {"at": at}) for at in range(50)] if trial.rank == 0 else []
        for epoch in range(5):
            trial.report(loss=epoch)
        for each in saved:
            each.result()


def test_threads_of_a_rank_save_and_report_at_the_same_time(tmp_path: Path) -> None:
    _, reported = ran(save_beside_reports, tmp_path)
    assert [each["loss"] for each in reported] == [0, 1, 2, 3, 4]


def leave_at_the_answer(trial: Trial) -> None:
    note(trial, os.getpid())
    trial.report(loss=1.0)
    trial.report(loss=2.0)


def test_a_rank_that_is_killed_while_it_waits_for_an_answer_is_named(tmp_path: Path) -> None:
    trial, kept = made(tmp_path)

    def kill_rank_1(metrics: Any, step: int | None) -> None:
        pid = int(notes(tmp_path, 1)[0])
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    kept.report = kill_rank_1  # type: ignore[method-assign]
    with pytest.raises(RankFailedError, match="rank 1 was killed by SIGKILL"):
        run_ranks(leave_at_the_answer, trial, 2, "fork")


def keep_rows(trial: Trial) -> None:
    trial.keep_rows([trial.rank, 1.0])
    trial.report(loss=1.0)


def test_values_by_row_are_those_of_rank_0(tmp_path: Path) -> None:
    trial, _ = made(tmp_path)
    trial.rows.metric = "loss"
    run_ranks(keep_rows, trial, 2, "fork")
    rows = trial.rows.take()
    assert rows is not None
    assert rows.total == 2


def test_ranks_have_devices_of_their_own_where_the_study_gives_each_one(tmp_path: Path) -> None:
    trial, kept = made(tmp_path)
    on_gpus = replace(trial, device="cuda")
    run_ranks(note_device, on_gpus, 2, "fork", own_devices=True)
    run_ranks(note_device, on_gpus, 2, "fork")
    run_ranks(note_device, trial, 2, "fork", own_devices=True)
    assert [notes(tmp_path, rank) for rank in (0, 1)] == [["cuda:0", "cuda", "cpu"], ["cuda:1", "cuda", "cpu"]]
    assert kept.reported == []


def note_device(trial: Trial) -> None:
    note(trial, trial.device)


def test_a_failure_says_what_is_to_be_done_about_ranks_at_different_places() -> None:
    error = ConfigurationError("the ranks are not at the same place", hint="every rank calls trial.report")
    message = "ConfigurationError: the ranks are not at the same place; every rank calls trial.report"
    assert failure_of(error).message == message
