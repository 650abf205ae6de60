"""Logging a run: everything arrives, and no tracker can harm, slow down or end the study."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, final

import pytest
from places import checkpoints_in
from trackers import READ

import tuner
from tuner import Float, SearchSpace, TrialRecord, TrialState
from tuner.domain.errors import UnknownNameError
from tuner.domain.event import Event, EventKind
from tuner.domain.tracker import Entry, TrackedStudy, Tracker
from tuner.domain.trial import Report
from tuner.system.processes import kill_users_of
from tuner.tracking.dispatch import Log, Logs, LogThread, entries

Cli = Callable[..., tuple[int, str, str]]

SPACE = SearchSpace(x=Float(0, 1))


@pytest.fixture(autouse=True)
def _forgotten_modules(user_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    yield
    sys.path[:] = [path for path in sys.path if path != str(user_folder)]
    sys.modules.pop("mytask", None)


@final
class Noted(Tracker):
    """Notes what it is told, and on which thread; does what `act` does first."""

    package: ClassVar[str] = "json"

    def __init__(self, act: Callable[[], None] = lambda: None) -> None:
        self.entries: list[Entry] = []
        self.threads: set[int] = {threading.get_ident()}
        self.closed = False
        self._act = act

    @classmethod
    def place(cls, where: str, folder: Path, study: TrackedStudy) -> str:
        return where

    @classmethod
    def opening(cls, place: str) -> str:
        return "look"

    def write(self, entry: Entry) -> None:
        self._act()
        self.threads.add(threading.get_ident())
        self.entries.append(entry)

    def close(self) -> None:
        self.threads.add(threading.get_ident())
        self.closed = True


def event(number: int = 0, epoch: int = 0, kind: EventKind = EventKind.REPORTED, **given: Any) -> Event:
    curve = {each: each / 8 for each in range(1, epoch + 1)}
    over = kind in (EventKind.FINISHED, EventKind.TESTED)
    trial = TrialRecord(
        number=number,
        state=TrialState.COMPLETE if over else TrialState.RUNNING,
        config=SPACE.default,
        curve=curve,
    )
    report = Report(number=number, epoch=epoch, metrics={"accuracy": epoch / 8}) if epoch else None
    return Event(kind=kind, trial=trial, report=None if kind is EventKind.TESTED else report, **given)


def _wait(event: threading.Event) -> None:
    event.wait()


def raising() -> None:
    raise OSError("No space left on device\nwith more to read")


def test_what_happened_to_a_trial_is_told_at_once() -> None:
    first, second = entries(
        [
            event(0, kind=EventKind.STARTED),
            event(1, 1),
            event(0, 1),
            event(0, 2, EventKind.FINISHED),
            event(0, 2, EventKind.TESTED, test_metrics={"accuracy": 0.5}),
        ]
    )
    assert (first.trial.number, first.trial.state) == (0, TrialState.COMPLETE)
    assert first.rows == [(1, {"accuracy": 0.125}), (2, {"accuracy": 0.25})]
    assert (first.ends, first.test_metrics) == (True, {"accuracy": 0.5})
    assert (second.trial.number, second.ends, second.rows) == (1, False, [(1, {"accuracy": 0.125})])


def test_a_test_that_comes_later_does_not_end_the_trial_again() -> None:
    (entry,) = entries([event(0, 2, EventKind.TESTED, test_metrics={"accuracy": 0.5})])
    assert not entry.ends


def test_a_tracker_lives_on_a_thread_of_its_own_and_gets_everything() -> None:
    made: list[Noted] = []
    warnings: list[str] = []

    def make() -> Tracker:
        made.append(Noted())
        return made[0]

    thread = LogThread("noted", make, warnings.append, opening="look")
    for epoch in range(1, 101):
        thread.notify(event(0, epoch))
    thread.close()
    (tracker,) = made
    assert [epoch for entry in tracker.entries for epoch, _ in entry.rows] == list(range(1, 101))
    assert len(tracker.threads) == 1
    assert threading.get_ident() not in tracker.threads
    assert tracker.closed
    assert (warnings, thread.outcome) == ([], "logged to noted; look at it with: look")


def test_a_tracker_that_fails_is_told_once_and_left_alone() -> None:
    warnings: list[str] = []
    tracker = Noted(raising)
    thread = LogThread("noted", lambda: tracker, warnings.append)
    thread.notify(event())
    for each in threading.enumerate():
        if each.name == "tuner-log-noted":
            each.join()
    for _ in range(3):
        thread.notify(event())
    thread.close()
    assert warnings == ["logging to noted has ended, the study continues without it: OSError: No space left on device"]
    assert tracker.entries == []


def test_a_tracker_that_cannot_even_be_made_is_told_at_the_end_at_the_latest() -> None:
    def make() -> Tracker:
        raise ConnectionError("nobody answers at http://me:hunter22@host:5000/api?token=abc")

    warnings: list[str] = []
    LogThread("noted", make, warnings.append).close()
    (warning,) = warnings
    assert warning.endswith("ConnectionError: nobody answers at http://***@host:5000/api?token=***")


def test_a_tracker_that_hangs_keeps_neither_the_study_nor_its_end_waiting() -> None:
    hanging = threading.Event()
    warnings: list[str] = []
    thread = LogThread("noted", lambda: Noted(lambda: _wait(hanging)), warnings.append, most=5)
    for epoch in range(1, 20):
        thread.notify(event(0, epoch))
    thread.close(0.2)
    assert warnings == ["logging to noted has ended, the study continues without it: it is 5 events behind"]
    hanging.set()


def test_a_tracker_that_is_not_done_at_the_end_is_given_up() -> None:
    hanging = threading.Event()
    warnings: list[str] = []
    thread = LogThread("noted", lambda: Noted(lambda: _wait(hanging)), warnings.append)
    thread.notify(event())
    thread.close(0.2)
    assert warnings == [
        "logging to noted has ended, the study continues without it: it was not done 0.2 s after the end"
    ]
    hanging.set()


@pytest.mark.parametrize(
    ("text", "message"),
    [("tensorbord", "unknown tracker 'tensorbord'; did you mean 'tensorboard'?"), ("=x", "unknown tracker ''")],
)
def test_a_tracker_that_nobody_knows_is_refused(text: str, message: str) -> None:
    with pytest.raises(UnknownNameError) as refused:
        Log.parse(text)
    assert message in refused.value.message
    assert "mlflow" in refused.value.hint


def test_a_tracker_that_is_not_installed_is_refused_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, cli: Cli, user_folder: Path
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    code, _, told = cli("run", "mine.toml", "--log", "wandb")
    assert (code, told) == (2, "error: wandb is not installed\n  pip install 'tuner[wandb]'\n")
    assert not (user_folder / ".tuner").exists()


def test_where_is_all_that_follows_the_first_equals_sign() -> None:
    assert Log.parse("mlflow=http://host/?a=b") == Log("mlflow", "http://host/?a=b")


def test_a_run_and_its_resumption_are_logged_whole_and_say_how_to_look_at_it(user_folder: Path, cli: Cli) -> None:
    code, _, told = cli("run", "mine.toml", "--executor", "inline", "--trials", "3", "--log", "tensorboard")
    place = checkpoints_in(user_folder / ".tuner", "mine", "tensorboard")
    assert code == 0
    assert f"logged to tensorboard; look at it with: tensorboard --logdir {place}" in told
    cli("resume", "mine", "--trials", "5", "--log", f"tensorboard={place}")
    study = tuner.load_study("mine")
    runs = READ["tensorboard"](str(place), "mine")
    assert sorted(runs) == [f"trial-0000{number}" for number in range(5)]
    for trial in study.trials:
        run = runs[f"trial-{trial.number:05d}"]
        assert run.curves["accuracy"] == pytest.approx(trial.curve)
        assert run.facts["state"] == trial.state.value
    losses = study.learning_curves("loss")
    assert runs["trial-00000"].curves["loss"] == pytest.approx(losses[0])


def test_the_test_of_the_best_trial_is_logged() -> None:
    study = tuner.run("iris", executor="inline", trials=2, epochs=2, log="tensorboard", name="tested", confirm=False)
    assert study.test_metrics is not None
    place = str(checkpoints_in(Path(".tuner"), "tested", "tensorboard"))
    best = READ["tensorboard"](place, "")[f"trial-{study.best_trial.number:05d}"]
    logged = {
        name.removeprefix("test/"): value
        for name, curve in best.curves.items()
        if name.startswith("test/")
        for value in curve.values()
    }
    assert logged == pytest.approx(dict(study.test_metrics))


def test_a_server_that_is_down_ends_the_log_and_not_the_study(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    words = ("run", "mine.toml", "--executor", "inline", "--trials", "3", "--log")
    code, answer, told = cli(*words, "mlflow=http://me:hunter22@127.0.0.1:9")
    assert code == 0
    assert "3 trials" in answer
    assert "logging to mlflow has ended, the study continues without it: " in told
    assert "hunter22" not in answer + told


def test_a_folder_that_cannot_be_made_ends_the_log_and_not_the_study(user_folder: Path) -> None:
    (user_folder / "file").write_text("")
    with pytest.warns(UserWarning, match="logging to tensorboard has ended.*NotADirectoryError"):
        study = tuner.run("mine.toml", executor="inline", trials=2, log=f"tensorboard={user_folder / 'file' / 'x'}")
    assert len(study.trials) == 2


def test_a_trackers_process_outlives_those_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_MODE", raising=False)
    study = TrackedStudy(
        name="s", folder_name="s-0", metric="accuracy", direction=tuner.Direction.MAXIMIZE, space=SPACE
    )
    with Logs(["wandb"]) as logs:
        (listener,) = logs.listeners(study, tmp_path, pytest.fail)
        monkeypatch.setenv("MARK", str(tmp_path / "run"))  # from here on processes are the run's own
        kill_users_of("MARK", tmp_path / "run")
        listener.notify(event(0, 1, EventKind.FINISHED))
    assert logs.outcomes == ((f"logged to wandb; look at it with: wandb sync {tmp_path}/wandb/offline-run-*", True),)
    assert READ["wandb"](f"{tmp_path}#s", "s")["trial-00000"].curves["accuracy"] == {1: 0.125}


def test_several_studies_of_one_run_are_logged_apart() -> None:
    with Logs(["tensorboard"]) as logs:
        for name in ("s", "s:confirm"):
            study = TrackedStudy(
                name=name,
                folder_name=name,
                metric="accuracy",
                direction=tuner.Direction.MAXIMIZE,
                space=SPACE,
            )
            (listener,) = logs.listeners(study, Path.cwd(), pytest.fail)
            listener.notify(event(0, 1, EventKind.FINISHED))
    assert [*READ["tensorboard"]("tensorboard/s", "")] == [*READ["tensorboard"]("tensorboard/s:confirm", "")]
    assert len(logs.outcomes) == 2


def test_a_driver_that_logs_imports_no_torch() -> None:
    code = (
        "import sys; from pathlib import Path\nfrom tuner.tracking.trackers.tensorboard import TensorBoardTracker\n"
        "from tuner.domain.tracker import TrackedStudy\nfrom tuner import Direction, Float, SearchSpace\n"
        "s = TrackedStudy(name='s', folder_name='s', metric='m', direction=Direction.MAXIMIZE,"
        " space=SearchSpace(x=Float(0, 1)))\n"
        "TensorBoardTracker(s, 'there')\nprint([m for m in ('torch', 'tensorflow', 'pandas') if m in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"
