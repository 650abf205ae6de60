"""What a trial remembers: its best epoch, its configurations, its time."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.domain.checkpoints import Checkpoints
from tuner.domain.config import Config
from tuner.domain.study import Direction
from tuner.domain.trial import Failure, FailureReason, Stage, Trial, TrialRecord, TrialState, best_epoch

CURVES = st.dictionaries(st.integers(1, 30), st.floats(-1e6, 1e6), min_size=1)


def trial(number: int, value: float | None, state: TrialState = TrialState.COMPLETE) -> TrialRecord:
    return TrialRecord(number=number, state=state, config=Config({}), value=value)


@given(CURVES, st.sampled_from(Direction))
def test_no_epoch_is_better_than_the_best_and_none_as_good_is_earlier(
    curve: dict[int, float], direction: Direction
) -> None:
    best = best_epoch(curve, direction)
    for epoch, value in curve.items():
        assert direction.sign * value <= direction.sign * curve[best]
        assert value != curve[best] or epoch >= best


def test_a_trial_without_a_curve_has_no_best_epoch() -> None:
    assert best_epoch({}, Direction.MINIMIZE) == 0
    assert trial(0, None).last_epoch == 0


@pytest.mark.parametrize("state", TrialState)
def test_a_trial_is_over_when_it_is_complete_stopped_or_failed(state: TrialState) -> None:
    assert state.is_finished is (state.name in {"COMPLETE", "PRUNED", "FAIL"})


def test_each_epoch_has_the_configuration_it_was_trained_with() -> None:
    first, second = Config({"lr": 1}), Config({"lr": 2})
    stages = (Stage(epoch=0, config=first), Stage(epoch=3, config=second, source=7))
    record = TrialRecord(number=0, state=TrialState.RUNNING, config=second, schedule=stages)
    assert [record.config_at(epoch)["lr"] for epoch in (1, 3, 4, 9)] == [1, 1, 2, 2]
    assert trial(0, 1.0).config_at(5) == {}


def test_a_trial_takes_from_its_start_to_its_end() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    record = TrialRecord(number=0, state=TrialState.RUNNING, config=Config({}), started=start)
    assert record.seconds is None
    ended = TrialRecord(
        number=0, state=TrialState.FAIL, config=Config({}), started=start, finished=start + timedelta(seconds=90)
    )
    assert ended.seconds == 90


def failure(message: str) -> Failure:
    return Failure(reason=FailureReason.RAISED, message=message)


def test_a_trial_that_waits_again_is_not_charged_for_the_time_since_its_end() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    over = replace(trial(0, 0.5), started=start, finished=start + timedelta(seconds=7))
    again = over.waiting_again(start + timedelta(days=3))
    assert (again.state, again.finished) == (TrialState.WAITING, None)
    assert replace(again, finished=start + timedelta(days=3, seconds=5)).seconds == 12


@pytest.mark.parametrize(
    ("one", "other", "is_one_cause"),
    [
        ("loss is nan at step 3", "loss is nan at step 17", True),
        ("<list_iterator object at 0x7f2bd>", "<list_iterator object at 0x81aee>", True),
        ("its process ended with exit code 0", "its process ended with exit code 1", False),
    ],
)
def test_failures_of_one_cause_have_one_pattern(one: str, other: str, is_one_cause: bool) -> None:  # noqa: FBT001
    assert (failure(one).pattern == failure(other).pattern) is is_one_cause


def test_a_summary_of_a_failure_is_short() -> None:
    assert failure("x" * 100_000).summary == "x" * 300 + " ..."
    assert failure("short").summary == "short"


class Kept(Checkpoints):
    """Keeps one state, and folders under a name each."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state: Mapping[str, Any] | None = None

    def save(self, state: Mapping[str, Any]) -> None:
        self.state = state

    def load(self) -> Mapping[str, Any] | None:
        return self.state

    @contextmanager
    def folder(self, step: int | None, *, rng: bool) -> Iterator[Path]:
        (self.root / f"{step} {rng}").mkdir()
        yield self.root / f"{step} {rng}"


def running(root: Path) -> Trial:
    return Trial(
        config=Config({}),
        number=0,
        seed=0,
        device="cpu",
        epoch=0,
        max_epochs=3,
        settings=Config({}),
        checkpoints=Kept(root),
        place=root / "place",
    )


def test_the_random_generators_are_saved_where_that_is_asked_for_and_restored_by_loading(tmp_path: Path) -> None:
    mine = running(tmp_path)
    mine.save({"step": 1}, rng=True)
    drawn = random.random()
    assert mine.load() == {"step": 1}
    assert random.random() == drawn
    mine.save({"step": 2})
    assert mine.load() == {"step": 2}
    assert random.random() != drawn


def test_a_copy_of_a_folder_is_kept_and_later_writes_do_not_reach_it(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "inner").mkdir(parents=True)
    (theirs / "inner" / "file").write_text("first")
    running(tmp_path).save_folder(theirs, step=3)
    (theirs / "inner" / "file").write_text("second")
    assert (tmp_path / "3 False" / "inner" / "file").read_text() == "first"


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="there is no folder nowhere"):
        running(tmp_path).save_folder("nowhere")


def test_a_trials_own_folder_is_made_when_it_is_asked_for(tmp_path: Path) -> None:
    assert not (tmp_path / "place").exists()
    assert running(tmp_path).folder.is_dir()
