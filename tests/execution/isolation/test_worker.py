"""Trials have processes of their own: nothing of one is another's, what they start ends, and what fails is named."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from templates import gone, processes_started

from tuner.domain.assignment import Assignment, AssignmentKind, CohortUpdate, TrialAssignment
from tuner.domain.config import Config
from tuner.domain.resources import Limits
from tuner.domain.study import Direction
from tuner.domain.study_folders import StudyFolders
from tuner.domain.trial import FailureReason, Metrics, Report, Trial
from tuner.domain.worker_spec import Isolation, WorkerSpec
from tuner.execution.inherited_environment import surrounded
from tuner.execution.isolation import process_handle
from tuner.execution.isolation.worker import IsolatedWorker
from tuner.execution.work_errors import WorkLostError, WorkOverranError
from tuner.system.processes import start_time

PROGRAM = """
import json, os, signal, subprocess, sys, threading
from pathlib import Path

CFG = {}
print("imported")

def write(trial, **facts):
    Path(f"facts-{trial.number}.json").write_text(json.dumps(facts))

def settings(trial):
    CFG.update(trial.config)
    for epoch in range(trial.epoch, 3):
        yield {"m": CFG["x"], "seen": len(CFG)}
        CFG["y"] = 1

def surroundings(trial):
    write(
        trial, cwd=os.getcwd(), session=os.getsid(0) == os.getpid(),
        main=threading.current_thread() is threading.main_thread(),
        blocked=len(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        term=signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, stdin=sys.stdin.read(), path=sys.path,
        variable=os.environ.get("OF_THE_DRIVER"), threads=os.environ["OMP_NUM_THREADS"],
        ray=[name for name in sys.modules if name.partition(".")[0] == "ray"],
    )
    os.environ["OF_THE_DRIVER"] = "changed"
    os.chdir("/")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return {"m": 1.0}

def children(trial):
    command = [sys.executable, "-c", "import signal; signal.pause()"]
    plain, escaped = subprocess.Popen(command), subprocess.Popen(command, start_new_session=True)
    write(trial, pids=[os.getpid(), plain.pid, escaped.pid])
    yield {"m": 1.0}

def silent(trial):
    write(trial, pids=[os.getpid()])
    yield {"m": 1.0}
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        signal.pause()

def large(trial):
    block = bytearray(300 * 2**20)
    yield {"m": len(block)}
    signal.pause()

def loud(trial):
    print("x" * 3_000_000, flush=True)
    yield {"m": 1.0}

def pool(trial):
    import multiprocessing
    with multiprocessing.Pool(2) as workers:
        return {"m": sum(workers.map(abs, [-1, -2]))}

def cleaning_up(trial):
    import atexit
    atexit.register(print, "at exit")
    thread = threading.Thread(target=print, args=["in a thread"])
    thread.start()
    try:
        yield {"m": 1.0}
        yield {"m": 2.0}
    finally:
        thread.join()  # a print is two writes, and two threads' may mix
        print("finally")

class Own(BaseException):
    pass

def raising(trial):
    yield {"m": 1.0}
    yield {"m": 2.0}
    raise [KeyboardInterrupt("odd"), SystemExit("odd"), Own("odd")][trial.number]

def leaving(trial):
    os._exit(7)

def killed(trial):
    os.kill(os.getpid(), signal.SIGKILL)

def forking(trial):
    if os.fork() == 0:
        sys.exit(3)
    os.wait()
    return {"m": 1.0}

def daemonizing(trial):
    if os.fork() == 0:
        os.setsid()
        daemon = subprocess.Popen(["sleep", "1000"])
        write(trial, pids=[daemon.pid])
        os._exit(0)
    os.wait()
    yield {"m": 1.0}
    yield {"m": 2.0}

def filing_modes(trial):
    Path("made-by-trial").write_text("")
    return {"m": float(Path("made-by-trial").stat().st_mode & 0o077)}

def filing(trial):
    trial.folder.joinpath("mine").write_text(str(trial.number))
    return {"m": len(list(trial.folder.parent.iterdir()))}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


@pytest.fixture
def start(folder: Path) -> Iterator[Callable[..., IsolatedWorker]]:
    workers: list[IsolatedWorker] = []

    def begin(objective: Any, count: int = 1, **changes: Any) -> IsolatedWorker:
        worker = IsolatedWorker(surrounded(replace(worker_spec(objective, folder), **changes)))
        workers.append(worker)
        worker.begin(Assignment(id=1, kind=AssignmentKind.TRAIN, members=tuple(map(member, range(count)))))
        return worker

    yield begin
    for worker in workers:
        worker.close()


def worker_spec(objective: Any, folder: Path) -> WorkerSpec:
    return WorkerSpec(
        objective=objective if callable(objective) or ":" in objective else f"program:{objective}",
        folder=folder,
        settings={},
        seed=0,
        metric="m",
        direction=Direction.MAXIMIZE,
        max_epochs=3,
        device="cpu",
        folders=StudyFolders.within(folder / "study"),
        isolation=Isolation.TRIAL,
        started_in=folder,
    )


def member(number: int) -> TrialAssignment:
    # Judged at its last epoch: what it does before is reported together.
    return TrialAssignment(number=number, config=Config({"x": float(number)}), seed=number, decision_epochs=(3,))


def metrics(reports: tuple[Report, ...]) -> list[Metrics | None]:
    return [report.metrics for report in reports]


def facts(folder: Path, number: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"facts-{number}.json").read_text())
    return found


def log(folder: Path, number: int = 0) -> str:
    return (folder / "study" / "logs" / f"trial-{number:05d}.log").read_text()


def trained(worker: IsolatedWorker) -> None:
    """Train to the last epoch."""
    while worker.advance()[-1].epoch < 3:
        pass


def let_one_more_process_end(worker: IsolatedWorker) -> None:
    """Let the template reap once more: a second trial beside the first."""
    worker.follow(CohortUpdate(joining=(member(7),)))
    worker.follow(CohortUpdate(leaving=frozenset({7})))


def let_go(worker: IsolatedWorker, *numbers: int, joining: tuple[TrialAssignment, ...] = ()) -> None:
    worker.follow(CohortUpdate(leaving=frozenset(numbers), joining=joining, is_over=not joining))


def test_a_settings_object_at_module_level_is_each_trials_own(start: Callable[..., IsolatedWorker]) -> None:
    worker = start("settings", count=2)
    seen = [(each["m"], each["seen"]) for each in metrics(worker.advance()) if each is not None]
    assert seen == [(0.0, 1), (0.0, 2), (0.0, 2), (1.0, 1), (1.0, 2), (1.0, 2)]


def test_a_trial_has_the_surroundings_of_the_study_and_changes_only_its_own(
    start: Callable[..., IsolatedWorker], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_DRIVER", "here")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    worker = start("surroundings", threads=2)
    for number in range(2):
        worker.advance()
        found = facts(folder, number)
        assert found.pop("path")[: len(sys.path)] == [entry or str(Path.cwd()) for entry in sys.path]
        assert found == {
            "cwd": str(folder),
            "session": True,
            "main": True,
            "term": True,
            "blocked": 0,
            "stdin": "",
            "variable": "here",
            "threads": "2",
            "ray": [],
        }
        let_go(worker, number, joining=(member(number + 1),))


def test_what_a_trial_has_started_ends_with_it_whatever_session_it_is_in(
    start: Callable[..., IsolatedWorker], folder: Path
) -> None:
    worker = start("children")
    worker.advance()
    assert all(map(start_time, facts(folder)["pids"]))
    let_go(worker, 0)
    assert all(map(gone, facts(folder)["pids"]))


def test_a_daemon_that_a_trial_starts_lives_as_long_as_the_trial(
    start: Callable[..., IsolatedWorker], folder: Path
) -> None:
    worker = start("daemonizing", max_epochs=1)
    worker.advance()
    let_one_more_process_end(worker)
    assert all(map(start_time, facts(folder)["pids"]))
    let_go(worker, 0)
    assert all(map(gone, facts(folder)["pids"]))


def test_a_child_that_a_trial_has_forked_does_not_answer_for_it(start: Callable[..., IsolatedWorker]) -> None:
    assert metrics(start("forking").advance())[0] == {"m": 1.0}


def test_files_of_a_trial_have_the_modes_that_the_study_gives_them(start: Callable[..., IsolatedWorker]) -> None:
    before = os.umask(0o022)
    try:
        worker = start("filing_modes")
    finally:
        os.umask(before)
    assert metrics(worker.advance())[0] == {"m": float(0o044)}


def test_a_module_that_starts_processes_is_trained_in_fresh_interpreters(
    start: Callable[..., IsolatedWorker], folder: Path
) -> None:
    (folder / "serving.py").write_text(
        "import subprocess\nfrom pathlib import Path\nserver = subprocess.Popen(['sleep', '1000'])\n"
        "with (Path(__file__).parent / 'servers').open('a') as file: file.write(f'{server.pid}\\n')\n"
        "def train(trial):\n    return {'m': server.poll() is None}\n"
    )
    worker = start("serving:train")
    for number in range(2):
        assert metrics(worker.advance())[0] == {"m": 1.0}
        let_go(worker, number, joining=(member(number + 1),))
    worker.close()
    servers = [int(line) for line in (folder / "servers").read_text().splitlines()]
    assert len(servers) >= 3  # the template's, and one of each trial
    assert all(gone(server) for server in servers)


def test_a_module_that_puts_something_else_in_the_place_of_stdout_is_trained(
    start: Callable[..., IsolatedWorker], folder: Path
) -> None:
    (folder / "tee.py").write_text(
        "import sys\n"
        "class Tee:\n    def __init__(self, stream): self.stream = stream\n"
        "    def write(self, text): self.stream.write('tee: ' + text)\n"
        "sys.stdout = Tee(sys.stdout)\n"
        "def train(trial):\n    print('hello')\n    return {'m': 1.0}\n"
    )
    worker = start("tee:train")
    assert metrics(worker.advance())[0] == {"m": 1.0}
    let_go(worker, 0)
    assert "tee: hello" in log(folder)


def test_the_last_trial_cleans_up_too(start: Callable[..., IsolatedWorker], folder: Path) -> None:
    worker = start("cleaning_up", max_epochs=1)
    worker.advance()
    worker.close()
    assert log(folder).splitlines()[-2:] == ["finally", "at exit"]


def test_a_template_that_has_died_is_replaced(start: Callable[..., IsolatedWorker], folder: Path) -> None:
    with processes_started() as started:
        worker = start("settings")
        worker.advance()
        let_go(worker, 0)
    (template,) = started
    os.kill(template, 9)
    assert gone(template)
    worker.begin(Assignment(id=2, kind=AssignmentKind.TRAIN, members=(member(1),)))
    (report, *_) = worker.advance()
    assert report.metrics == {"m": 1.0, "seen": 1.0}
    assert report.note == ""


def test_a_pool_of_processes_works_in_one_trial_after_another(start: Callable[..., IsolatedWorker]) -> None:
    worker = start("pool")
    for number in range(3):
        assert metrics(worker.advance())[0] == {"m": 3.0}
        let_go(worker, number, joining=(member(number + 1),))


@pytest.mark.parametrize(
    ("objective", "limits", "reason", "words"),
    [
        ("silent", Limits(progress=0.5), FailureReason.TIMEOUT, "nothing within the 0.5 s that limits.progress allows"),
        ("silent", Limits(time=0.5), FailureReason.TIMEOUT, "not done within the 0.5 s that limits.time allows"),
        ("large", Limits(memory=200 * 2**20), FailureReason.MEMORY_LIMIT, "limits.memory allows 200 MiB"),
        ("loud", Limits(output=2**20), FailureReason.OUTPUT_LIMIT, "more than the 1 MiB that limits.output allows"),
    ],
)
def test_a_trial_beyond_a_limit_is_ended_and_says_which(
    objective: str,
    limits: Limits,
    reason: FailureReason,
    words: str,
    start: Callable[..., IsolatedWorker],
) -> None:
    worker = start(objective, limits=limits)
    with pytest.raises(WorkOverranError) as ended:
        trained(worker)
    assert ended.value.failure.reason is reason
    assert words in ended.value.failure.message


def test_a_trial_that_ignores_sigterm_is_ended_all_the_same(start: Callable[..., IsolatedWorker], folder: Path) -> None:
    worker = start("silent", limits=Limits(progress=0.5))
    with pytest.raises(WorkOverranError):
        trained(worker)
    assert gone(facts(folder)["pids"][0])


def test_a_log_holds_no_more_than_its_limit(start: Callable[..., IsolatedWorker], folder: Path) -> None:
    worker = start("loud", limits=Limits(output=2**20))
    with pytest.raises(WorkOverranError):
        trained(worker)
    assert len(log(folder)) == 2**20


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        ("leaving", "its process ended with exit code 7"),
        ("killed", "its process was killed by SIGKILL"),
    ],
)
def test_how_a_process_dies_is_said_and_the_next_trial_trains(
    objective: str, words: str, start: Callable[..., IsolatedWorker]
) -> None:
    worker = start(objective)
    with pytest.raises(WorkLostError, match=words):
        worker.advance()
    worker.begin(Assignment(id=2, kind=AssignmentKind.TRAIN, members=(member(1),)))
    with pytest.raises(WorkLostError, match=words):
        worker.advance()


@pytest.mark.parametrize("number", range(3))
def test_whatever_is_raised_is_the_trials_failure_after_what_it_has_measured(
    number: int, start: Callable[..., IsolatedWorker], folder: Path
) -> None:
    worker = start("raising")
    worker.begin(Assignment(id=2, kind=AssignmentKind.TRAIN, members=(member(number),)))
    *measured, failed = worker.advance()
    assert [report.metrics for report in measured] == [{"m": 1.0}, {"m": 2.0}]
    assert failed.failure is not None
    assert failed.failure.reason is FailureReason.RAISED
    assert failed.failure.message.startswith(f"{['KeyboardInterrupt', 'SystemExit', 'Own'][number]}: odd")
    assert "in raising" in failed.failure.traceback
    assert "in raising" in log(folder, number)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("import nowhere_to_be_found", "importing 'broken' failed: ModuleNotFoundError: No module named 'nowhere_to"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named_with_its_traceback_in_the_log(
    content: str, words: str, start: Callable[..., IsolatedWorker], folder: Path
) -> None:
    (folder / "broken.py").write_text(content)
    worker = start("broken:train")
    with pytest.raises(WorkOverranError) as ended:
        worker.advance()
    assert words in ended.value.failure.message
    assert content in log(folder)


def test_what_a_closure_imports_is_looked_for_where_the_study_was_started(
    start: Callable[..., IsolatedWorker], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "of_a_path.py").write_text("def double(x): return 2 * x")
    monkeypatch.syspath_prepend(str(elsewhere))
    of_a_path = import_module("of_a_path")

    def doubling(trial: Trial) -> Metrics:
        doubled: float = of_a_path.double(trial.config["x"] + 1)
        return {"m": doubled}

    assert metrics(start(doubling).advance())[0] == {"m": 2.0}
    sys.path.remove(str(elsewhere))
    with pytest.raises(WorkOverranError, match=r"unpickling the objective .* failed: ModuleNotFoundError: .*of_a_path"):
        start(doubling).advance()
    del sys.modules["of_a_path"]


def test_what_a_trial_prints_is_in_its_own_log_to_the_last_word(
    start: Callable[..., IsolatedWorker], folder: Path
) -> None:
    worker = start("cleaning_up", max_epochs=1)
    for number in range(2):
        worker.advance()
        let_go(worker, number, joining=(member(number + 1),))
    assert log(folder, 0).splitlines() == ["imported", "in a thread", "finally", "at exit"]
    assert log(folder, 1).splitlines() == ["in a thread", "finally", "at exit"]
    assert (folder / "study" / "logs" / "trial-00001.log").stat().st_mode & 0o077 == 0


def test_a_log_is_no_link_that_somebody_has_put_there(start: Callable[..., IsolatedWorker], folder: Path) -> None:
    logs = folder / "study" / "logs"
    logs.mkdir(parents=True)
    (logs / "trial-00000.log").symlink_to(folder / "elsewhere")
    with pytest.raises(WorkOverranError, match=r"trial-00000\.log"):
        start("settings").advance()
    assert not (folder / "elsewhere").exists()


def test_a_module_that_starts_threads_is_trained_in_fresh_interpreters_and_that_is_said_once(
    start: Callable[..., IsolatedWorker], folder: Path
) -> None:
    beginning = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True, name='busy').start()\n"
    (folder / "threaded.py").write_text(beginning + PROGRAM)
    worker = start("threaded:settings")
    (report, *_) = worker.advance()
    assert report.metrics == {"m": 0.0, "seen": 1.0}
    assert report.note.startswith("every trial starts a new Python interpreter")
    assert "importing the objective starts threads (busy)" in report.note
    let_go(worker, 0, joining=(member(1),))
    (report, *_) = worker.advance()
    assert report.metrics == {"m": 1.0, "seen": 1.0}
    assert report.note == ""


def test_trials_that_share_a_process_take_turns_and_see_each_other(start: Callable[..., IsolatedWorker]) -> None:
    worker = start("settings", count=2, isolation=Isolation.COHORT)
    assert [each["m"] for each in metrics(worker.advance()) if each is not None] == [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    let_go(worker, 0, 1)
    worker.begin(Assignment(id=2, kind=AssignmentKind.TRAIN, members=(member(2),)))
    assert metrics(worker.advance())[0] == {"m": 2.0, "seen": 2.0}


def test_every_trial_has_a_private_folder_of_its_own(start: Callable[..., IsolatedWorker], folder: Path) -> None:
    worker = start("filing", count=2)
    assert [each["m"] for each in metrics(worker.advance()) if each is not None] == [1.0, 2.0]
    mine = folder / "study" / "trials" / "trial-00001" / "mine"
    assert mine.read_text() == "1"
    assert mine.parent.stat().st_mode & 0o077 == 0


def test_what_trials_import_late_is_there_for_the_next_ones(start: Callable[..., IsolatedWorker], folder: Path) -> None:
    (folder / "late.py").write_text(
        "import sys\ndef train(trial):\n"
        "    there = 'sklearn' in sys.modules\n    import sklearn.utils.validation\n    return {'m': there}\n"
    )
    worker = start("late:train")
    assert metrics(worker.advance())[0] == {"m": 0.0}
    let_go(worker, 0, joining=(member(1),))
    assert metrics(worker.advance())[0] == {"m": 1.0}


def test_closing_leaves_no_process(start: Callable[..., IsolatedWorker], folder: Path) -> None:
    worker = start("children")
    worker.advance()
    worker.close()
    assert all(map(gone, facts(folder)["pids"]))


def test_trials_end_with_the_worker_however_that_ends(folder: Path) -> None:
    child = os.fork()
    if child == 0:
        try:
            worker = IsolatedWorker(surrounded(worker_spec("children", folder)))
            worker.begin(Assignment(id=1, kind=AssignmentKind.TRAIN, members=(member(0),)))
            worker.advance()
            os.kill(os.getpid(), 9)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -9
    assert all(map(gone, facts(folder)["pids"]))


REPORTING = """
import os, signal, sys, threading, multiprocessing, subprocess
from pathlib import Path
import tuner

def surroundings(trial):
    signal.signal(signal.SIGUSR1, lambda *_: None)
    main = threading.current_thread() is threading.main_thread()
    tuner.report(m=main)

def swallowing(trial):
    Path("pid").write_text(str(os.getpid()))
    while True:
        try:
            trial.report(m=1.0)
        except BaseException:
            Path("swallowed").touch()

def with_children(trial):
    with multiprocessing.Pool(2) as workers:
        told = workers.map(of_a_child, range(2))
    command = [sys.executable, "-c", "import tuner; tuner.report(m=1)"]
    told.append(subprocess.run(command, capture_output=True, text=True).stderr)
    trial.report(m=sum("only that one reports" in each for each in told))

def of_a_child(_):
    try:
        tuner.report(m=1.0)
    except tuner.NoTrialError as error:
        return str(error)

def dying(trial):
    folder = trial.load_folder()
    count = int((folder / "count").read_text()) if folder else 0
    for step in range(count + 1, 4):
        with trial.checkpoint() as folder:
            (folder / "count").write_text(str(step))
            if step == 3 and not Path("died").exists():
                Path("died").touch()
                os.kill(os.getpid(), signal.SIGKILL)
        trial.report(m=step, step=step)
"""


@pytest.fixture
def reporting(folder: Path) -> None:
    (folder / "reporting.py").write_text(REPORTING)


@pytest.mark.usefixtures("reporting")
@pytest.mark.parametrize("isolation", [Isolation.TRIAL, Isolation.COHORT])
def test_a_function_that_reports_has_the_main_thread(
    isolation: Isolation, start: Callable[..., IsolatedWorker]
) -> None:
    worker = start("reporting:surroundings", isolation=isolation)
    first, ended = worker.advance()
    assert (first.metrics, ended.metrics, ended.failure) == ({"m": 1.0}, None, None)


@pytest.mark.usefixtures("reporting")
def test_a_function_that_goes_on_after_it_was_stopped_ends_with_its_process(
    start: Callable[..., IsolatedWorker], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_handle, "_GRACE_SECONDS", 0.5)
    worker = start("reporting:swallowing")
    trained(worker)
    stopped = int((folder / "pid").read_text())
    let_go(worker, 0, joining=(member(1),))
    assert (folder / "swallowed").exists()
    assert gone(stopped)
    assert metrics(worker.advance())[0] == {"m": 1.0}


@pytest.mark.usefixtures("reporting")
def test_children_of_a_trial_report_nothing_and_are_refused(start: Callable[..., IsolatedWorker]) -> None:
    assert metrics(start("reporting:with_children").advance())[0] == {"m": 3.0}


@pytest.mark.usefixtures("reporting")
def test_a_trial_that_is_killed_while_it_saves_continues_from_the_folder_that_was_recorded(
    start: Callable[..., IsolatedWorker],
) -> None:
    worker = start("reporting:dying")
    with pytest.raises(WorkLostError, match="killed by SIGKILL"):
        worker.advance()
    going_on = replace(member(0), epoch=2, best_epoch=2, best=2.0)
    worker.begin(Assignment(id=2, kind=AssignmentKind.TRAIN, members=(going_on,)))
    (report, *_) = worker.advance()
    assert (report.epoch, report.metrics) == (3, {"m": 3.0})
