"""A study's checkpoints beyond this machine, as its driver sees them."""

from pathlib import Path

import pytest

from tuner.domain.checkpoint_store import CheckpointStore
from tuner.domain.study_folders import StudyFolders
from tuner.execution.checkpoints import TrialCheckpoints, trial_folder
from tuner.execution.study_checkpoints import StudyCheckpoints, best_checkpoint, store_of
from tuner.storage.url_store import UrlStore


@pytest.fixture
def folders(tmp_path: Path) -> StudyFolders:
    there = StudyFolders.within(tmp_path / "here")
    return StudyFolders(
        checkpoints=there.checkpoints, logs=there.logs, trials=there.trials, store=f"file://{tmp_path}/kept"
    )


@pytest.fixture
def store(folders: StudyFolders, tmp_path: Path) -> CheckpointStore:
    """A store with the states of trial 0 after its epochs 1 and 2."""
    kept = UrlStore(folders.store)
    trained = TrialCheckpoints(trial_folder(tmp_path / "trained", 0), 0, 0)
    for _ in range(2):
        trained.begin_epoch()
        trained.save({"epoch": trained.epoch + 1})
        trained.advance(is_best=True)
        trained.recorded()
    for path in trial_folder(tmp_path / "trained", 0).iterdir():
        kept.put(f"trial-00000/{path.name}", path)
    return kept


def test_a_trial_continues_from_what_is_kept_up_to_its_last_recorded_epoch(store: CheckpointStore) -> None:
    study = StudyCheckpoints(store)
    assert study.has_states(0, recorded=2)
    assert not study.has_states(0, recorded=0)
    assert not study.has_states(1, recorded=2)


def test_a_state_is_handed_over_within_the_store(store: CheckpointStore) -> None:
    study = StudyCheckpoints(store)
    assert study.hand_over(0, 1, 5, source_epoch=2)
    assert not study.hand_over(0, 2, 5)
    assert store.list("trial-00001") == ("trial-00001/taken-over-000005.safetensors",)


def test_trials_that_the_study_does_not_have_lose_their_states(store: CheckpointStore) -> None:
    study = StudyCheckpoints(store)
    study.hand_over(0, 7, 2)
    study.discard_beyond(1)
    assert {name.partition("/")[0] for name in store.list()} == {"trial-00000"}


def test_the_best_state_is_fetched_from_where_it_is_kept(store: CheckpointStore, folders: StudyFolders) -> None:
    best = best_checkpoint(folders, 0, 2)
    assert best.is_there
    assert best.load() == {"epoch": 2}
    assert not best_checkpoint(folders, 1, 2).is_there


def test_a_store_that_cannot_be_reached_loses_the_states_later(
    store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = StudyCheckpoints(store)
    study.hand_over(0, 1, 2)
    with monkeypatch.context() as patch:
        patch.setattr(UrlStore, "delete", lambda *_: (_ for _ in ()).throw(ConnectionResetError("gone")))
        study.discard(0)
    study.discard(1)
    assert store.list() == ()


def test_without_a_url_states_are_kept_where_they_are_written(tmp_path: Path) -> None:
    folders = StudyFolders.within(tmp_path)
    (folders.checkpoints / "trial-00002").mkdir(parents=True)
    (folders.checkpoints / "trial-00002" / "epoch-000001.safetensors").write_text("state")
    assert store_of(folders).list() == ("trial-00002/epoch-000001.safetensors",)


def test_a_trials_states_are_discarded_and_no_other_trials(tmp_path: Path) -> None:
    folders = StudyFolders.within(tmp_path)
    for number in range(2):
        (trial_folder(folders.checkpoints, number)).mkdir(parents=True)
    study = StudyCheckpoints(store_of(folders))
    study.discard(0)
    study.discard(0)
    assert [path.name for path in folders.checkpoints.iterdir()] == ["trial-00001"]
