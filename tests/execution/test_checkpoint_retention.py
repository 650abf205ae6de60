"""Which trials keep their weights."""

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import MAXIMIZED, MINIMIZED

from tuner.domain.config import Config
from tuner.domain.event import Event, EventKind
from tuner.domain.goal import Goal
from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord, TrialState
from tuner.execution.checkpoint_retention import KEPT, Retention
from tuner.execution.checkpoints import trial_folder
from tuner.execution.study_checkpoints import StudyCheckpoints
from tuner.storage.folder_store import FolderStore


def study(root: Path) -> StudyCheckpoints:
    return StudyCheckpoints(FolderStore(root))


def trial(root: Path, number: int, state: TrialState = TrialState.COMPLETE) -> TrialRecord:
    """Return a trial whose value is its number, and which has weights."""
    trial_folder(root, number).mkdir()
    return TrialRecord(number=number, state=state, config=Config({}), value=float(number))


def finished(trial: TrialRecord) -> Event:
    return Event(kind=EventKind.FINISHED, trial=trial)


def kept(root: Path) -> list[int]:
    return sorted(int(path.name.removeprefix("trial-")) for path in root.iterdir())


@pytest.mark.parametrize(("goal", "best"), [(MAXIMIZED, [5, 6, 7, 8, 9]), (MINIMIZED, [0, 1, 2, 3, 4])])
def test_the_best_trials_keep_their_weights(goal: Goal, best: list[int], tmp_path: Path) -> None:
    retention = Retention(study(tmp_path), goal, ())
    for number in (3, 8, 0, 5, 9, 1, 7, 2, 6, 4):
        retention.notify(finished(trial(tmp_path, number)))
    assert kept(tmp_path) == best
    assert len(best) == KEPT


@pytest.mark.parametrize("state", [TrialState.PRUNED, TrialState.FAIL])
def test_a_trial_that_is_not_complete_loses_its_weights_at_its_end(state: TrialState, tmp_path: Path) -> None:
    Retention(study(tmp_path), MAXIMIZED, ()).notify(finished(trial(tmp_path, 0, state)))
    assert kept(tmp_path) == []


@pytest.mark.parametrize("kind", [kind for kind in EventKind if kind is not EventKind.FINISHED])
def test_a_trial_that_is_not_over_keeps_its_weights(kind: EventKind, tmp_path: Path) -> None:
    running = trial(tmp_path, 0, TrialState.RUNNING)
    Retention(study(tmp_path), MAXIMIZED, ()).notify(Event(kind=kind, trial=running))
    assert kept(tmp_path) == [0]


def test_the_best_of_an_earlier_run_count(tmp_path: Path) -> None:
    before = [trial(tmp_path, number) for number in range(1, 6)]
    retention = Retention(study(tmp_path), MAXIMIZED, before)
    retention.notify(finished(trial(tmp_path, 0)))
    assert kept(tmp_path) == [1, 2, 3, 4, 5]
    retention.notify(finished(trial(tmp_path, 6)))
    assert kept(tmp_path) == [2, 3, 4, 5, 6]


def test_all_of_a_front_keep_their_weights_however_many_they_are(tmp_path: Path) -> None:
    goal = Goal(metrics=("value", "size"), directions=(Direction.MAXIMIZE, Direction.MINIMIZE))
    retention = Retention(study(tmp_path), goal, ())
    for number in range(8):
        retention.notify(finished(replace(trial(tmp_path, number), metrics={"size": float(number)})))
    assert kept(tmp_path) == [*range(8)]
    retention.notify(finished(replace(trial(tmp_path, 8), value=5.5, metrics={"size": 1.5})))
    assert kept(tmp_path) == [0, 1, 6, 7, 8]


def test_what_breaks_a_constraint_loses_its_weights(tmp_path: Path) -> None:
    retention = Retention(study(tmp_path), Goal.of("value", Direction.MAXIMIZE, "size <= 1"), ())
    for number in range(3):
        retention.notify(finished(replace(trial(tmp_path, number), metrics={"size": float(number)})))
    assert kept(tmp_path) == [0, 1]
