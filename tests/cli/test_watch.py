"""Watching a study from another terminal."""

import os
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import pytest
from commands import TEMPLATE
from databases import transaction
from fakes import MAXIMIZED, metrics
from sqlalchemy import text
from terminals import terminal

from tuner import Budget, Float, SearchSpace, StudySpec, TrialRecord, TrialState
from tuner.cli import watch
from tuner.domain.new_study import NewStudy
from tuner.domain.study_writer import TrialUpdate
from tuner.domain.trial import Report
from tuner.running.session import now
from tuner.storage.live_reader import Follower
from tuner.storage.store import Store, open_store
from tuner.storage.writer import SqlStudyWriter

Cli = Callable[..., tuple[int, str, str]]

SPACE = SearchSpace(x=Float(0, 1))
SPEC = StudySpec(objective="mine:train", search_space=SPACE, metric="accuracy", budget=Budget(trials=2, epochs=3))


@final
class Run:
    """A study that is being run: it does what the test says, later, in a thread of its own."""

    def __init__(self, store: Store, writer: SqlStudyWriter) -> None:
        self.store = store
        self._writer = writer
        self._trials: dict[int, TrialRecord] = {}

    def begin(self, number: int) -> None:
        self._trials[number] = TrialRecord(number=number, state=TrialState.RUNNING, config=SPACE.default, started=now())
        self._writer.begin([self._trials[number]])

    def report(self, number: int, value: float, *, is_last: bool = False) -> None:
        before = self._trials[number]
        epoch = before.last_epoch + 1
        trial = replace(before, curve={**before.curve, epoch: value}, value=value, epoch=epoch, metrics=metrics(value))
        if is_last:
            trial = replace(trial, state=TrialState.COMPLETE, finished=now())
        self._trials[number] = trial
        self._writer.write(
            [TrialUpdate(trial=trial, report=Report(number=number, epoch=epoch, metrics=metrics(value)))]
        )

    def finish(self) -> None:
        """Do what is left of the study, and end."""
        for number in range(SPEC.budget.trials):
            if number not in self._trials:
                self.begin(number)
            if not self._trials[number].state.is_finished:
                self.report(number, 0.5 + number / 4, is_last=True)


@final
class Looks:
    """Counts how often whoever watches has looked at a study, so that what happens next waits for that."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._counts: Counter[str] = Counter()
        self._is_over = False

    def count(self, study: str) -> None:
        with self._changed:
            self._counts[study] += 1
            self._changed.notify_all()

    def wait(self, more: int, study: str = "live") -> None:
        """Wait for `more` looks: with two, the second one began after what was done before."""
        with self._changed:
            enough = self._counts[study] + more
            self._changed.wait_for(lambda: self._is_over or self._counts[study] >= enough)

    def end(self) -> None:
        """Let nothing wait any more: nobody watches now."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    counted, look = Looks(), watch.news

    def counting(follower: Follower, signs: Any) -> Any:
        seen = look(follower, signs)
        counted.count(follower.study.name)
        return seen

    monkeypatch.setattr(watch, "news", counting)
    return counted


@contextmanager
def running(store: Store, looks: Looks) -> Iterator[Callable[..., None]]:
    """Run a study; give what plans what it does, after so many looks at it. It ends with its plan."""
    ready, plans = threading.Event(), threading.Event()
    planned: list[tuple[int, Callable[[Run], None]]] = []

    def run() -> None:
        with store.holding("live") as writer:
            it = Run(store, writer)
            it.begin(0)
            it.report(0, 0.25)
            ready.set()
            plans.wait()
            for seen, act in planned:
                looks.wait(seen)
                act(it)

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()

    def plan(*steps: tuple[int, Callable[[Run], None]]) -> None:
        planned.extend(steps)
        plans.set()

    try:
        yield plan
    finally:
        looks.end()
        plans.set()
        thread.join()


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a study that has not begun: Optuna takes its time to make the tables."""
    file = tmp_path_factory.mktemp("fresh") / "studies.db"
    opened = open_store(str(file))
    opened.create(NewStudy(name="live", goal=MAXIMIZED, space=SPACE, spec=SPEC.describe(), source={}))
    opened.close()
    return file


@pytest.fixture
def store(fresh: Path, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(watch, "_EVERY", 0.05)
    (workplace / ".tuner").mkdir()
    shutil.copy(fresh, workplace / ".tuner" / "studies.db")
    opened = open_store(None)
    yield opened
    opened.close()


def test_a_study_is_watched_to_its_end_in_lines_where_there_is_no_terminal(
    store: Store, looks: Looks, cli: Cli
) -> None:
    with running(store, looks) as plan:
        plan((2, lambda run: run.report(0, 0.5, is_last=True)), (2, Run.finish))
        code, answer, told = cli("watch", "live")
    opening, *lines = answer.splitlines()
    assert (code, told) == (0, "")
    assert opening.startswith(f"study live: 0 of 2 trials finished; runs in process {os.getpid()} on ")
    assert lines[:3] == [
        "[1/2] trial 0 complete at epoch 2, accuracy 0.5000, the best so far",
        "[2/2] trial 1 complete at epoch 1, accuracy 0.7500, the best so far",
        "live  maximize accuracy  2 of 2 trials finished",
    ]
    assert any(line.startswith("best accuracy 0.7500  trial 1") for line in lines)


def test_on_a_terminal_the_same_table_is_drawn_that_the_run_draws(
    store: Store, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(store, looks) as plan, terminal(monkeypatch, "stdout") as end:
        plan((2, lambda run: run.report(0, 0.125)), (20, Run.finish))  # the table is drawn as often as is looked
        watch.command("live")
        received = end()
    assert "1/3" in received
    assert "2/3" in received
    assert "0.1250" in received
    assert "0/2 trials" in received
    assert received.rindex("\x1b[?25h") < received.index("2 of 2 trials finished")


def test_a_study_that_nobody_runs_is_shown_with_how_to_go_on(store: Store, looks: Looks, cli: Cli) -> None:
    with running(store, looks) as plan:
        plan((0, lambda run: run.report(0, 0.5, is_last=True)))
    store.close()
    elsewhere = Path(".tuner/studies.db").rename("elsewhere.db")
    code, answer, _ = cli("watch", "live", "--storage", str(elsewhere))
    assert code == 0
    assert answer.splitlines()[0] == "live  maximize accuracy  1 of 2 trials finished"
    assert f"no process runs it; continue with: tuner resume live --storage {elsewhere.absolute()}" in answer


def test_a_run_that_stops_before_its_target_is_left_with_how_to_go_on(store: Store, looks: Looks, cli: Cli) -> None:
    with running(store, looks) as plan:
        plan((2, lambda run: run.report(0, 0.5)))
        _, answer, _ = cli("watch", "live")
    assert "no process runs it; continue with: tuner resume live" in answer


def test_a_confirmation_is_watched_after_the_search(store: Store, looks: Looks, cli: Cli) -> None:
    def confirm(run: Run) -> None:
        repeated = replace(SPEC, budget=Budget(trials=1, epochs=3)).describe()
        run.finish()
        store.create(NewStudy(name="live:confirm", goal=MAXIMIZED, space=SPACE, spec=repeated, source={}))
        with store.holding("live:confirm") as writer:
            repetition = Run(store, writer)
            repetition.begin(0)
            looks.wait(1, "live:confirm")
            repetition.report(0, 0.5, is_last=True)

    with running(store, looks) as plan:
        plan((2, confirm))
        code, answer, _ = cli("watch", "live")
    lines = answer.splitlines()
    assert code == 0
    search = next(index for index, line in enumerate(lines) if line.startswith("[2/2] trial 1 complete"))
    confirmation = next(index for index, line in enumerate(lines) if line.startswith("study live:confirm: 0 of 1"))
    assert search < confirmation
    assert lines[confirmation + 1].startswith("[1/1] trial 0 complete at epoch 1, accuracy 0.5000")
    assert "the best so far" not in lines[confirmation + 1]


def test_ctrl_c_ends_the_watching_and_not_the_study(store: Store, looks: Looks) -> None:
    with running(store, looks) as plan:
        watching = TEMPLATE.start("watch", "live")
        assert watching.stdout.readline().startswith("study live: 0 of 2")
        watching.send_signal(signal.SIGINT)
        assert watching.communicate()[1] == "no longer watched; study live continues\n"
        assert watching.returncode == 130
        plan((0, Run.finish))
    assert [trial.state for trial in store.read("live")[1]] == [TrialState.COMPLETE] * 2


def test_an_outage_of_the_storage_is_told_and_outlasted(store: Store, looks: Looks, cli: Cli) -> None:
    def rename(old: str, new: str) -> Callable[[Run], None]:
        def act(run: Run) -> None:
            with transaction(run.store.location) as connection:
                connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))

        return act

    with running(store, looks) as plan:
        plan((2, rename("trial_params", "gone")), (2, rename("gone", "trial_params")), (2, Run.finish))
        code, answer, _ = cli("watch", "live")
    lines = answer.splitlines()
    assert code == 0
    assert "no such table: trial_params" in next(line for line in lines if line.startswith("waiting for the storage"))
    assert lines.index("the storage is back") < lines.index("live  maximize accuracy  2 of 2 trials finished")


def test_a_run_that_gives_no_sign_of_life_is_told_once(
    store: Store, looks: Looks, monkeypatch: pytest.MonkeyPatch, cli: Cli
) -> None:
    monkeypatch.setattr(watch, "_SILENCE", 0.0)
    with running(store, looks) as plan:
        plan((5, Run.finish))
        _, answer, _ = cli("watch", "live")
    silences = [line for line in answer.splitlines() if "has given no sign of life for" in line]
    assert len(silences) == 1
    assert silences[0].startswith(f"process {os.getpid()} on ")
