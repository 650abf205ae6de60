"""The files that a trial goes on from: which are kept, which is loaded, and what is taken over from another trial."""

import random
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tuner.domain.errors import ConfigurationError
from tuner.execution.checkpoints import (
    BestCheckpoint,
    TrialCheckpoints,
    tidy,
    trial_folder,
)
from tuner.execution.study_checkpoints import StudyCheckpoints
from tuner.storage.folder_store import FolderStore


def checkpoints(root: Path, recorded: int = 0, best: int = 0, number: int = 0) -> TrialCheckpoints:
    return TrialCheckpoints(trial_folder(root, number), recorded, best)


def study(root: Path) -> StudyCheckpoints:
    return StudyCheckpoints(FolderStore(root))


def train(to: TrialCheckpoints, epochs: int, best: int = 0, word: str = "own") -> None:
    """Save, measure and record some epochs; epoch `best` is the best so far, the first where that is 0."""
    for _ in range(epochs):
        to.begin_epoch()
        to.save({"epoch": to.epoch + 1, "word": word})
        to.advance(is_best=to.epoch + 1 in (1, best))
        to.recorded()


def kept(root: Path, number: int = 0) -> list[str]:
    return sorted(path.stem for path in trial_folder(root, number).iterdir())


def state(of: TrialCheckpoints | BestCheckpoint) -> Mapping[str, Any]:
    loaded = of.load()
    assert loaded is not None
    return loaded


def damage(root: Path, name: str, number: int = 0) -> None:
    path = trial_folder(root, number) / f"{name}.safetensors"
    path.write_bytes(path.read_bytes()[:20])


def test_a_new_trial_has_no_state(tmp_path: Path) -> None:
    new = checkpoints(tmp_path)
    assert (new.load(), new.epoch, new.is_best) == (None, 0, False)
    assert not list(tmp_path.iterdir())


def test_a_trial_goes_on_from_its_last_recorded_epoch(tmp_path: Path) -> None:
    train(checkpoints(tmp_path), epochs=3)
    again = checkpoints(tmp_path, recorded=3, best=1)
    assert again.epoch == 3
    assert state(again)["epoch"] == 3


def test_the_state_to_go_on_from_is_let_go_once_an_epoch_was_trained(tmp_path: Path) -> None:
    train(checkpoints(tmp_path), epochs=1)
    again = checkpoints(tmp_path, recorded=1, best=1)
    train(again, epochs=1)
    assert again.load() is None


def test_the_newest_the_one_recorded_before_and_the_best_are_kept(tmp_path: Path) -> None:
    train(checkpoints(tmp_path), epochs=5, best=2)
    assert kept(tmp_path) == ["epoch-000002", "epoch-000004", "epoch-000005"]


def test_what_was_not_recorded_is_never_the_only_state(tmp_path: Path) -> None:
    first = checkpoints(tmp_path)
    train(first, epochs=1)
    for _ in range(2):
        first.begin_epoch()
        first.save({"epoch": first.epoch + 1})
        first.advance(is_best=False)
    assert checkpoints(tmp_path, recorded=1, best=1).epoch == 1


def test_the_best_epoch_is_the_best_again_when_it_is_trained_a_second_time(tmp_path: Path) -> None:
    again = checkpoints(tmp_path, recorded=2, best=2)
    again.begin_epoch()
    again.advance(is_best=False)
    assert not again.is_best
    again.begin_epoch()
    again.advance(is_best=False)
    assert again.is_best


def test_a_damaged_state_gives_way_to_the_one_before(tmp_path: Path) -> None:
    train(checkpoints(tmp_path), epochs=3, best=2)
    damage(tmp_path, "epoch-000003")
    assert checkpoints(tmp_path, recorded=3, best=2).epoch == 2


def test_a_trial_whose_states_are_all_damaged_starts_at_the_beginning(tmp_path: Path) -> None:
    train(checkpoints(tmp_path), epochs=1)
    damage(tmp_path, "epoch-000001")
    again = checkpoints(tmp_path, recorded=1, best=1)
    assert (again.epoch, again.load()) == (0, None)


def test_the_states_are_the_owners_alone(tmp_path: Path) -> None:
    train(checkpoints(tmp_path), epochs=1)
    assert stat.S_IMODE(trial_folder(tmp_path, 0).stat().st_mode) == 0o700


def test_the_best_epochs_state_is_read_whatever_was_trained_after_it(tmp_path: Path) -> None:
    train(checkpoints(tmp_path), epochs=5, best=2)
    best = BestCheckpoint(trial_folder(tmp_path, 0), 2)
    assert best.is_there
    assert state(best)["epoch"] == 2


def test_a_best_state_that_is_gone_is_not_replaced_by_another(tmp_path: Path) -> None:
    train(checkpoints(tmp_path), epochs=5, best=2)
    assert not BestCheckpoint(trial_folder(tmp_path, 0), 3).is_there


def test_a_trial_saves_nothing_while_it_is_tested(tmp_path: Path) -> None:
    train(checkpoints(tmp_path), epochs=1)
    with pytest.raises(TypeError, match="not trained while it is tested"):
        BestCheckpoint(trial_folder(tmp_path, 0), 1).save({"epoch": 1})
    assert kept(tmp_path) == ["epoch-000001"]


def test_a_trial_goes_on_from_what_it_takes_over_and_not_from_its_own(tmp_path: Path) -> None:
    train(checkpoints(tmp_path, number=0), epochs=2, word="other")
    train(checkpoints(tmp_path, number=1), epochs=2)
    assert study(tmp_path).hand_over(source=0, number=1, epoch=2)
    taken = checkpoints(tmp_path, recorded=2, best=1, number=1)
    assert taken.epoch == 2
    assert state(taken)["word"] == "other"


def test_the_newest_state_up_to_the_epoch_is_handed_over(tmp_path: Path) -> None:
    train(checkpoints(tmp_path, number=0), epochs=3, best=2)
    assert study(tmp_path).hand_over(source=0, number=1, epoch=2)
    assert kept(tmp_path, number=1) == ["taken-over-000002"]


@pytest.mark.parametrize("epochs", [0, 3])
def test_nothing_is_handed_over_where_there_is_no_state_so_early(epochs: int, tmp_path: Path) -> None:
    train(checkpoints(tmp_path, number=0), epochs=epochs)
    assert not study(tmp_path).hand_over(source=0, number=1, epoch=0)
    assert not trial_folder(tmp_path, 1).exists()


def test_handing_over_twice_is_handing_over_once(tmp_path: Path) -> None:
    train(checkpoints(tmp_path, number=0), epochs=2)
    assert study(tmp_path).hand_over(source=0, number=1, epoch=2)
    assert study(tmp_path).hand_over(source=0, number=1, epoch=2)
    assert kept(tmp_path, number=1) == ["taken-over-000002"]


def test_a_damaged_state_that_was_taken_over_gives_way_to_the_trials_own(tmp_path: Path) -> None:
    train(checkpoints(tmp_path, number=0), epochs=2, word="other")
    train(checkpoints(tmp_path, number=1), epochs=2)
    study(tmp_path).hand_over(source=0, number=1, epoch=2)
    damage(tmp_path, "taken-over-000002", number=1)
    assert state(checkpoints(tmp_path, recorded=2, best=1, number=1))["word"] == "own"


def test_what_was_taken_over_goes_when_two_later_states_are_kept(tmp_path: Path) -> None:
    train(checkpoints(tmp_path, number=0), epochs=2, word="other")
    train(checkpoints(tmp_path, number=1), epochs=2)
    study(tmp_path).hand_over(source=0, number=1, epoch=2)
    taken = checkpoints(tmp_path, recorded=2, best=1, number=1)
    train(taken, epochs=1)
    assert "taken-over-000002" in kept(tmp_path, number=1)
    train(taken, epochs=1)
    assert kept(tmp_path, number=1) == ["epoch-000001", "epoch-000003", "epoch-000004"]


def test_a_trials_own_later_state_goes_before_what_it_took_over(tmp_path: Path) -> None:
    train(checkpoints(tmp_path, number=0), epochs=2, word="other")
    train(checkpoints(tmp_path, number=1), epochs=2)
    study(tmp_path).hand_over(source=0, number=1, epoch=2)
    train(checkpoints(tmp_path, recorded=2, best=1, number=1), epochs=1)
    again = checkpoints(tmp_path, recorded=3, best=1, number=1)
    assert again.epoch == 3
    assert state(again)["word"] == "own"


def test_a_trials_own_best_state_is_tested_and_not_what_it_took_over(tmp_path: Path) -> None:
    train(checkpoints(tmp_path, number=0), epochs=2, word="other")
    train(checkpoints(tmp_path, number=1), epochs=2, best=2)
    study(tmp_path).hand_over(source=0, number=1, epoch=2)
    assert state(BestCheckpoint(trial_folder(tmp_path, 1), 2))["word"] == "own"


def write(to: TrialCheckpoints, word: str, step: int | None = None, *, rng: bool = False) -> None:
    with to.folder(step, rng=rng) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_text(word)


def written(of: TrialCheckpoints | BestCheckpoint) -> str | None:
    folder = of.load_folder()
    return None if folder is None else (folder / "inner" / "file").read_text()


def train_in_folders(to: TrialCheckpoints, *steps: int, best: int = 0) -> None:
    """Save, measure and record up to these steps; `best` is the best so far, the first where that is 0."""
    for step in steps:
        to.begin_epoch()
        write(to, f"step {step}")
        to.reach(step)
        to.advance(is_best=step in (steps[0], best))
        to.recorded()


def test_a_folder_is_the_checkpoint_of_the_step_that_is_reported_next(tmp_path: Path) -> None:
    train_in_folders(checkpoints(tmp_path), 100, 200, 350)
    again = checkpoints(tmp_path, recorded=350, best=100)
    assert (again.epoch, written(again), again.load()) == (350, "step 350", None)
    assert kept(tmp_path) == ["epoch-000100", "epoch-000200", "epoch-000350"]


def test_a_folder_of_a_step_that_was_not_recorded_gives_way_to_the_one_before(tmp_path: Path) -> None:
    train_in_folders(checkpoints(tmp_path), 1, 2)
    again = checkpoints(tmp_path, recorded=1, best=1)
    assert (again.epoch, written(again)) == (1, "step 1")


def test_a_folder_in_which_something_raises_is_no_checkpoint(tmp_path: Path) -> None:
    first = checkpoints(tmp_path)
    train_in_folders(first, 1)
    first.begin_epoch()
    with pytest.raises(IsADirectoryError), first.folder(None, rng=False) as folder:
        folder.write_text("half")
    with pytest.raises(ValueError, match="nothing was written"), first.folder(None, rng=False):
        pass
    assert kept(tmp_path) == ["epoch-000001"]


def test_a_folder_is_its_owners_alone_with_all_that_is_in_it(tmp_path: Path) -> None:
    train_in_folders(checkpoints(tmp_path), 1)
    paths = [trial_folder(tmp_path, 0), *trial_folder(tmp_path, 0).rglob("*")]
    assert not [path for path in paths if path.stat().st_mode & 0o077]


def test_a_folder_can_be_of_the_step_that_was_reported_last(tmp_path: Path) -> None:
    first = checkpoints(tmp_path)
    first.begin_epoch()
    first.reach(200)
    first.advance(is_best=True)
    first.recorded()
    first.begin_epoch()
    write(first, "late", 200)
    assert written(checkpoints(tmp_path, recorded=200, best=200)) == "late"


def test_a_folder_that_is_written_in_the_background_is_of_the_step_it_was_begun_in(tmp_path: Path) -> None:
    first = checkpoints(tmp_path)
    first.begin_epoch()
    with first.folder(None, rng=False) as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_text("step 5")
        first.reach(5)
        first.advance(is_best=True)
        first.begin_epoch()
    assert kept(tmp_path) == ["epoch-000005"]


def test_the_newest_recorded_state_is_kept_however_seldom_one_is_saved(tmp_path: Path) -> None:
    first = checkpoints(tmp_path)
    train(first, epochs=2, best=1)
    for _ in range(3):
        first.begin_epoch()
        first.advance(is_best=False)
        first.recorded()
    first.begin_epoch()
    write(first, "not recorded")
    assert kept(tmp_path) == ["epoch-000001", "epoch-000002", "epoch-000006"]


def test_the_generators_continue_with_the_folder_that_was_saved_with_them(tmp_path: Path) -> None:
    first = checkpoints(tmp_path)
    first.begin_epoch()
    write(first, "drawn", rng=True)
    drawn = random.random()
    again = checkpoints(tmp_path, recorded=1, best=1)
    assert written(again) == "drawn"
    assert random.random() == drawn


def test_a_state_and_a_folder_of_one_step_are_loaded_together(tmp_path: Path) -> None:
    first = checkpoints(tmp_path)
    first.begin_epoch()
    first.save({"epoch": 1})
    write(first, "both")
    again = checkpoints(tmp_path, recorded=1, best=1)
    assert (state(again)["epoch"], written(again)) == (1, "both")


def test_what_a_killed_process_has_left_is_put_in_order_before_the_trial_begins(tmp_path: Path) -> None:
    train_in_folders(checkpoints(tmp_path), 1, 2)
    folder = trial_folder(tmp_path, 0)
    (folder / ".epoch-000002.abc.partial").mkdir()
    (folder / "epoch-000002.safetensors.abc.partial").touch()
    (folder / "epoch-000001").rename(folder / ".epoch-000001.abc.before")
    tidy(folder, recorded=1)
    assert kept(tmp_path) == ["epoch-000001"]
    assert written(checkpoints(tmp_path, recorded=1, best=1)) == "step 1"


def test_what_is_saved_after_the_trial_is_over_is_not_kept(tmp_path: Path) -> None:
    first = checkpoints(tmp_path)
    train_in_folders(first, 1)
    first.is_over = True
    first.save({"epoch": 2})
    write(first, "late")
    assert kept(tmp_path) == ["epoch-000001"]


def test_a_folder_is_handed_over_and_the_trials_own_best_one_stays(tmp_path: Path) -> None:
    train_in_folders(checkpoints(tmp_path, number=0), 1, 2)
    train_in_folders(checkpoints(tmp_path, number=1), 1, 2, best=2)
    (trial_folder(tmp_path, 0) / "epoch-000002" / "inner" / "file").write_text("other")
    assert study(tmp_path).hand_over(source=0, number=1, epoch=2)
    assert written(checkpoints(tmp_path, recorded=2, best=2, number=1)) == "other"
    assert written(BestCheckpoint(trial_folder(tmp_path, 1), 2)) == "step 2"
    assert study(tmp_path).has_states(1, recorded=2)


def test_a_step_that_was_reported_before_is_refused(tmp_path: Path) -> None:
    first = checkpoints(tmp_path)
    train_in_folders(first, 1, 5)
    with pytest.raises(ConfigurationError, match="step 5 was reported, and the last one before it is 5"):
        first.reach(5)


def test_no_folder_is_saved_while_a_trial_is_tested(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="not trained while it is tested"):
        BestCheckpoint(trial_folder(tmp_path, 0), 1).folder(None, rng=False)
