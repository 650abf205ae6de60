"""Trials whose states are kept at a URL: what is there at any time, and what they continue from."""

import threading
from pathlib import Path

import pytest

from tuner.domain.assignment import TrialAssignment
from tuner.domain.config import Config
from tuner.domain.study_folders import StudyFolders
from tuner.domain.trial import Report
from tuner.execution.checkpoint_mirror import Mirrors
from tuner.execution.checkpoints import TrialCheckpoints
from tuner.storage.url_store import UrlStore


@pytest.fixture
def folders(tmp_path: Path) -> StudyFolders:
    return on_machine("first", tmp_path)


def on_machine(name: str, tmp_path: Path) -> StudyFolders:
    there = StudyFolders.within(tmp_path / name)
    return StudyFolders(
        checkpoints=there.checkpoints, logs=there.logs, trials=there.trials, store=f"file://{tmp_path}/kept"
    )


def member(epoch: int = 0, best_epoch: int = 0) -> TrialAssignment:
    return TrialAssignment(number=0, config=Config({}), seed=0, epoch=epoch, best=None, best_epoch=best_epoch)


def train(to: TrialCheckpoints, epochs: int, best: int = 1) -> None:
    for _ in range(epochs):
        to.begin_epoch()
        to.save({"epoch": to.epoch + 1})
        to.advance(is_best=to.epoch + 1 == best)
        to.recorded()


def kept(folders: StudyFolders) -> list[str]:
    return [Path(name).stem for name in UrlStore(folders.store).list()]


def report() -> Report:
    return Report(number=0, epoch=1)


def test_the_newest_two_and_the_best_are_kept_and_nothing_stays_here(folders: StudyFolders) -> None:
    mirrors = Mirrors()
    train(mirrors.open(folders, member()), epochs=5, best=2)
    mirrors.leave(0)
    assert kept(folders) == ["epoch-000002", "epoch-000004", "epoch-000005"]
    assert [*folders.checkpoints.iterdir()] == []


def test_another_machine_continues_from_what_is_kept(folders: StudyFolders, tmp_path: Path) -> None:
    mirrors = Mirrors()
    train(mirrors.open(folders, member()), epochs=3)
    mirrors.leave(0)
    elsewhere, again = on_machine("second", tmp_path), Mirrors()
    opened = again.open(elsewhere, member(epoch=3, best_epoch=1))
    assert opened.load() == {"epoch": 3}
    train(opened, epochs=1, best=0)
    again.leave(0)
    assert kept(elsewhere) == ["epoch-000001", "epoch-000003", "epoch-000004"]


def test_what_was_not_recorded_is_trained_again_and_not_kept(folders: StudyFolders, tmp_path: Path) -> None:
    mirrors = Mirrors()
    train(mirrors.open(folders, member()), epochs=3)
    mirrors.leave(0)
    again = Mirrors()
    opened = again.open(on_machine("second", tmp_path), member(epoch=2, best_epoch=1))
    assert opened.load() == {"epoch": 2}
    train(opened, epochs=1, best=0)
    again.leave(0)
    assert kept(folders) == ["epoch-000001", "epoch-000002", "epoch-000003"]


def test_a_state_that_is_damaged_there_costs_an_epoch_and_is_named(folders: StudyFolders, tmp_path: Path) -> None:
    mirrors = Mirrors()
    train(mirrors.open(folders, member()), epochs=3)
    mirrors.leave(0)
    (newest,) = (tmp_path / "kept").rglob("epoch-000003*/state")
    newest.write_bytes(b"something else")
    opened = Mirrors().open(on_machine("second", tmp_path), member(epoch=3, best_epoch=1))
    assert opened.load() == {"epoch": 2}
    assert "epoch-000003" in opened.damaged[0]


def test_a_store_slower_than_the_trial_gets_the_latest_and_is_never_without_one(
    folders: StudyFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, begun, free, written = UrlStore.put, threading.Event(), threading.Event(), []

    def slow(self: UrlStore, name: str, source: Path) -> None:
        begun.set()
        free.wait()
        put(self, name, source)
        written.append(Path(name).stem)

    monkeypatch.setattr(UrlStore, "put", slow)
    mirrors = Mirrors()
    opened = mirrors.open(folders, member())
    train(opened, epochs=1)
    begun.wait()
    train(opened, epochs=5)
    free.set()
    mirrors.leave(0)
    assert written == ["epoch-000001", "epoch-000005", "epoch-000006"]
    assert kept(folders) == ["epoch-000001", "epoch-000005", "epoch-000006"]


def test_reports_say_what_could_not_be_kept_and_the_next_state_is_tried_again(
    folders: StudyFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirrors = Mirrors()
    opened = mirrors.open(folders, member())
    with monkeypatch.context() as patch:
        patch.setattr(UrlStore, "put", lambda *_: (_ for _ in ()).throw(ConnectionResetError("gone")))
        train(opened, epochs=1)
        assert mirrors.kept([report()])[0].note == "its checkpoints could not be kept: gone"
    train(opened, epochs=1)
    assert mirrors.kept([report()])[0].note == ""
    assert kept(folders) == ["epoch-000001", "epoch-000002"]
