"""Which trials keep their weights."""

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import MAXIMIZED, MINIMIZED

from tuner.analysis.confirmation import confirmation_of
from tuner.domain.config import Config
from tuner.domain.event import Event, EventKind
from tuner.domain.goal import Goal
from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord, TrialState
from tuner.execution.checkpoint_retention import KEPT, CandidateRetention, Retention
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


def test_a_beaten_candidate_loses_its_weights_and_the_default_which_is_tested_keeps_them(tmp_path: Path) -> None:
    values = {0: (0.1, 0.2), 1: (0.7, 0.8), 2: (0.9, 0.8), 3: (0.95, None)}
    configs = [Config({"x": number}) for number in values]
    searched = [replace(trial(tmp_path, number), config=config) for number, config in enumerate(configs)]
    root = tmp_path / "confirm"
    retention = CandidateRetention(study(root), searched, (), MAXIMIZED, times=2)
    for number, (config, value) in enumerate(
        (config, value) for config, pair in zip(configs, values.values(), strict=True) for value in pair
    ):
        trial_folder(root, number).mkdir(parents=True)
        state = TrialState.FAIL if value is None else TrialState.COMPLETE
        retention.notify(finished(TrialRecord(number=number, state=state, config=config, value=value)))
    assert kept(root) == [0, 1, 4, 5, 6, 7]  # with fewer values the order may change


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 3, 0, 1), (3, 1, 2, 0)])
def test_of_candidates_that_are_equally_good_the_first_keeps_its_weights_whoever_finishes_first(
    order: tuple[int, ...], tmp_path: Path
) -> None:
    configs = [Config({"x": 0.1}), Config({"x": 0.2})]
    searched = [replace(trial(tmp_path, number), config=configs[number]) for number in range(2)]
    repetitions = [
        TrialRecord(number=number, state=TrialState.COMPLETE, config=configs[number // 2], value=1.0)
        for number in range(4)
    ]
    root = tmp_path / "confirm"
    for each in repetitions:
        trial_folder(root, each.number).mkdir(parents=True)
    retention = CandidateRetention(study(root), searched, (), MAXIMIZED, times=2)
    for number in order:
        retention.notify(finished(repetitions[number]))
    told = confirmation_of(searched, repetitions, MAXIMIZED)
    assert told is not None
    assert kept(root) == [each.number for each in told.winner.repetitions]
