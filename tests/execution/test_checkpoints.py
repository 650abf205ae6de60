"""The files that a trial goes on from: which are kept, which is loaded, and what is taken over from another trial."""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tuner.execution.checkpoints import BestCheckpoint, TrialCheckpoints, discard, hand_over, trial_folder


def checkpoints(root: Path, recorded: int = 0, best: int = 0, number: int = 0) -> TrialCheckpoints:
    return TrialCheckpoints(trial_folder(root, number), recorded, best)


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
    assert hand_over(tmp_path, source=0, number=1, epoch=2)
    taken = checkpoints(tmp_path, recorded=2, best=1, number=1)
    assert taken.epoch == 2
    assert state(taken)["word"] == "other"


def test_the_newest_state_up_to_the_epoch_is_handed_over(tmp_path: Path) -> None:
    train(checkpoints(tmp_path, number=0), epochs=3, best=2)
    assert hand_over(tmp_path, source=0, number=1, epoch=2)
    assert kept(tmp_path, number=1) == ["taken-over-000002"]


@pytest.mark.parametrize("epochs", [0, 3])
def test_nothing_is_handed_over_where_there_is_no_state_so_early(epochs: int, tmp_path: Path) -> None:
    train(checkpoints(tmp_path, number=0), epochs=epochs)
    assert not hand_over(tmp_path, source=0, number=1, epoch=0)
    assert not trial_folder(tmp_path, 1).exists()


def test_handing_over_twice_is_handing_over_once(tmp_path: Path) -> None:
    train(checkpoints(tmp_path, number=0), epochs=2)
    assert hand_over(tmp_path, source=0, number=1, epoch=2)
    assert hand_over(tmp_path, source=0, number=1, epoch=2)
    assert kept(tmp_path, number=1) == ["taken-over-000002"]


def test_a_damaged_state_that_was_taken_over_gives_way_to_the_trials_own(tmp_path: Path) -> None:
    train(checkpoints(tmp_path, number=0), epochs=2, word="other")
    train(checkpoints(tmp_path, number=1), epochs=2)
    hand_over(tmp_path, source=0, number=1, epoch=2)
    damage(tmp_path, "taken-over-000002", number=1)
    assert state(checkpoints(tmp_path, recorded=2, best=1, number=1))["word"] == "own"


def test_what_was_taken_over_goes_when_two_later_states_are_kept(tmp_path: Path) -> None:
    train(checkpoints(tmp_path, number=0), epochs=2, word="other")
    train(checkpoints(tmp_path, number=1), epochs=2)
    hand_over(tmp_path, source=0, number=1, epoch=2)
    taken = checkpoints(tmp_path, recorded=2, best=1, number=1)
    train(taken, epochs=1)
    assert "taken-over-000002" in kept(tmp_path, number=1)
    train(taken, epochs=1)
    assert kept(tmp_path, number=1) == ["epoch-000001", "epoch-000003", "epoch-000004"]


def test_a_trials_own_later_state_goes_before_what_it_took_over(tmp_path: Path) -> None:
    train(checkpoints(tmp_path, number=0), epochs=2, word="other")
    train(checkpoints(tmp_path, number=1), epochs=2)
    hand_over(tmp_path, source=0, number=1, epoch=2)
    train(checkpoints(tmp_path, recorded=2, best=1, number=1), epochs=1)
    again = checkpoints(tmp_path, recorded=3, best=1, number=1)
    assert again.epoch == 3
    assert state(again)["word"] == "own"


def test_a_trials_own_best_state_is_tested_and_not_what_it_took_over(tmp_path: Path) -> None:
    train(checkpoints(tmp_path, number=0), epochs=2, word="other")
    train(checkpoints(tmp_path, number=1), epochs=2, best=2)
    hand_over(tmp_path, source=0, number=1, epoch=2)
    assert state(BestCheckpoint(trial_folder(tmp_path, 1), 2))["word"] == "own"


def test_a_trials_states_are_discarded_and_no_other_trials(tmp_path: Path) -> None:
    for number in range(2):
        train(checkpoints(tmp_path, number=number), epochs=1)
    discard(tmp_path, 0)
    discard(tmp_path, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["trial-00001"]
