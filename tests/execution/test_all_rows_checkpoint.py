"""The state of a trial that was trained on all rows, here and in a checkpoint store."""

from pathlib import Path

import torch

from tuner.domain.study_folders import StudyFolders
from tuner.execution.all_rows_checkpoint import AllRowsCheckpoint
from tuner.execution.study_checkpoints import StudyCheckpoints, store_of


def folders(folder: Path, machine: str, store: Path | None = None) -> StudyFolders:
    here = folder / machine
    return StudyFolders(
        checkpoints=here / "checkpoints",
        logs=here / "logs",
        trials=here / "trials",
        store="" if store is None else store.as_uri(),
    )


def state(number: float) -> dict[str, torch.Tensor]:
    return {"weights": torch.tensor([number])}


def found(checkpoint: AllRowsCheckpoint) -> float | None:
    loaded = checkpoint.load()
    return None if loaded is None else float(loaded["weights"])


def test_it_is_the_state_of_one_epoch_and_no_state_that_a_trial_continues_from(tmp_path: Path) -> None:
    here = folders(tmp_path, "here")
    assert found(AllRowsCheckpoint(here, 3, 2)) is None
    AllRowsCheckpoint(here, 3, 2).save(state(1.0))
    assert found(AllRowsCheckpoint(here, 3, 2)) == 1.0
    assert found(AllRowsCheckpoint(here, 3, 4)) is None
    assert not StudyCheckpoints(store_of(here)).has_states(3, recorded=9)


def test_it_goes_with_the_states_of_the_search(tmp_path: Path) -> None:
    for where in (folders(tmp_path, "here"), folders(tmp_path, "there", tmp_path / "store")):
        AllRowsCheckpoint(where, 3, 2).save(state(1.0))
        assert store_of(where).list("trial-00003") == ("trial-00003/all-rows-000002.safetensors",)
        StudyCheckpoints(store_of(where)).discard(3)
        assert store_of(where).list() == ()


def test_another_machine_fetches_it_and_so_does_one_whose_file_is_damaged(tmp_path: Path) -> None:
    store = tmp_path / "store"
    AllRowsCheckpoint(folders(tmp_path, "one", store), 3, 2).save(state(1.0))
    other = folders(tmp_path, "other", store)
    assert found(AllRowsCheckpoint(other, 3, 2)) == 1.0
    next((tmp_path / "other").rglob("*.safetensors")).write_bytes(b"")
    assert found(AllRowsCheckpoint(other, 3, 2)) == 1.0


def test_one_that_is_damaged_in_the_store_is_none_and_is_put_there_again(tmp_path: Path) -> None:
    store = tmp_path / "store"
    AllRowsCheckpoint(folders(tmp_path, "one", store), 3, 2).save(state(1.0))
    next(each for each in store.rglob("*") if each.name == "state").write_bytes(b"")
    other = folders(tmp_path, "other", store)
    assert found(AllRowsCheckpoint(other, 3, 2)) is None
    AllRowsCheckpoint(other, 3, 2).save(state(2.0))
    assert found(AllRowsCheckpoint(folders(tmp_path, "third", store), 3, 2)) == 2.0
