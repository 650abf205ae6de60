"""`tuner` in a program that a command starts: it finds its trial, reports, waits for the answer, and saves folders."""

import os
import tempfile
import textwrap
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from tuner.execution.command import report_socket

Start = Callable[..., Generator[Any, None, None]]


REPORTING = """
import pathlib, tuner
trial = tuner.current_trial()
saved = trial.load_folder()
state = int((saved / "state").read_text()) if saved else 0
print(json.dumps({"loss": -1}))
while not pathlib.Path("never").exists():
    state += 1
    with trial.checkpoint() as folder:
        (folder / "state").write_text(str(state))
    try:
        tuner.report({"loss": state, "lr": trial.config["lr"], "of": trial.max_epochs}, step=state)
    except tuner.StopTrial:
        pathlib.Path("stopped").write_text(str(state))
        raise
"""


def test_a_program_that_imports_tuner_reports_waits_for_the_answer_and_saves_folders(
    start: Start, workplace: Path
) -> None:
    program = REPORTING.replace('print(json.dumps({"loss": -1}))\n', "")
    trial = start(program, options=())
    assert [next(trial) for _ in range(2)] == [{"loss": n, "lr": 0.5, "of": 9} for n in (1, 2)]
    trial.close()
    assert (workplace / "stopped").read_text() == "2"
    again = start(program, options=(), recorded=2)
    assert next(again)["loss"] == 3
    again.close()


def test_what_a_report_cannot_be_is_raised_in_the_program(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    program = """
        import tuner
        tuner.report(loss=1, step=5)
        for metrics, step in (({"loss": 2}, 3), ({"loss": 2}, 0)):
            try:
                tuner.report(metrics, step=step)
            except (tuner.ConfigurationError, ValueError) as error:
                print(error)
        if os.fork() == 0:
            try:
                tuner.report(loss=7)
            except tuner.NoTrialError as error:
                print(error)
            os._exit(0)
        os.wait()
    """
    assert [*start(program, options=())] == [{"loss": 1}]
    printed = capsys.readouterr().out
    assert "is a child of process" in printed
    assert "steps only increase" in printed
    assert "a step is how far the trial is, a whole number from 1" in printed


def test_a_program_may_report_beside_its_numbers_what_is_none(start: Start) -> None:
    program = """
        import tuner
        class TwoNumbers:
            def __float__(self): raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")
            def __repr__(self): return "two numbers"
        tuner.report(loss=1, each=TwoNumbers(), name="adam")
    """
    assert [*start(program, options=())] == [{"loss": 1, "each": "two numbers", "name": "adam"}]


def test_threads_of_a_program_that_ask_for_the_trial_at_once_have_one_and_the_same(start: Start) -> None:
    program = """
        import threading, tuner
        from tuner.execution.command import remote_trial
        asking, join, found = threading.Barrier(2), remote_trial.join, []
        def join_slowly(address):
            try:
                asking.wait(0.5)  # the other thread arrives only where it asks too
            except threading.BrokenBarrierError:
                pass
            return join(address)
        remote_trial.join = join_slowly
        threads = [threading.Thread(target=lambda: found.append(tuner.current_trial())) for _ in range(2)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        tuner.report(loss=len(found), trials=len({id(each) for each in found}))
    """
    assert [*start(program, options=())] == [{"loss": 2, "trials": 1}]


def test_a_folder_for_temporary_files_may_lie_deep_and_nothing_stays_in_it(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    trial = start("import tuner\ntuner.report(loss=1)\nsignal.pause()", options=())
    assert next(trial) == {"loss": 1}
    assert [*deep.iterdir()] == []  # which would stay where this process is killed
    trial.close()


def test_programs_of_another_user_are_not_let_in(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_socket, "user_of", lambda _: os.getuid() + 1)
    (failure,) = start("import tuner\ntuner.report(loss=1, stop=False)", options=())
    assert "the command reported nothing" in failure.message


RANKS = """
import subprocess, tuner
if "RANK" not in os.environ:
    ranks = [subprocess.Popen([sys.executable, __file__], env={**os.environ, "RANK": str(rank)}) for rank in (1, 0)]
    sys.exit(max(abs(rank.wait()) for rank in ranks))
rank, trial = int(os.environ["RANK"]), tuner.current_trial()
with open(f"rank-{rank}", "w") as note: print(trial.config["lr"], trial.number, file=note)
"""


def test_of_the_ranks_that_a_launcher_starts_all_have_the_trial_and_rank_0_reports(
    start: Start, workplace: Path
) -> None:
    program = """
        for epoch in (1, 2):
            with trial.checkpoint() as folder:
                if rank == 0: (folder / "state").touch()
            tuner.report({"loss": 10 * rank + epoch}, step=epoch)
    """
    assert [*start(RANKS + textwrap.dedent(program), options=())] == [{"loss": 1}, {"loss": 2}]
    assert [(workplace / f"rank-{rank}").read_text() for rank in (0, 1)] == ["0.5 3\n"] * 2


def test_a_file_in_the_checkpoint_of_another_rank_is_refused_since_the_trial_would_continue_without_it(
    start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    program = """
        with trial.checkpoint() as folder: (folder / f"state-{rank}").touch()
        if rank == 0: tuner.report(loss=1)
    """
    *_, failure = start(RANKS + textwrap.dedent(program), options=())
    assert "ended with exit code 1" in failure.message
    assert "RANK=1 wrote files into trial.checkpoint()" in capsys.readouterr().err


def test_a_program_of_a_tuner_that_is_itself_a_rank_reports(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    assert [*start("import tuner\ntuner.report(loss=1)", options=())] == [{"loss": 1}]
