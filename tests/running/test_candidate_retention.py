"""Which repetitions keep their weights."""

from pathlib import Path

import pytest
from fakes import MAXIMIZED

from tuner.analysis.confirmation import confirmation_of
from tuner.domain.config import Config
from tuner.domain.event import Event, EventKind
from tuner.domain.trial import TrialRecord, TrialState
from tuner.execution.checkpoints import trial_folder
from tuner.execution.study_checkpoints import StudyCheckpoints
from tuner.running.candidate_retention import CandidateRetention
from tuner.storage.folder_store import FolderStore


def study(root: Path) -> StudyCheckpoints:
    return StudyCheckpoints(FolderStore(root))


def complete(number: int, config: Config, value: float) -> TrialRecord:
    return TrialRecord(number=number, state=TrialState.COMPLETE, config=config, value=value)


def finished(trial: TrialRecord) -> Event:
    return Event(kind=EventKind.FINISHED, trial=trial)


def kept(root: Path) -> list[int]:
    return sorted(int(path.name.removeprefix("trial-")) for path in root.iterdir())


def test_a_beaten_candidate_loses_its_weights_and_the_default_which_is_tested_keeps_them(tmp_path: Path) -> None:
    values = {0: (0.1, 0.2), 1: (0.7, 0.8), 2: (0.9, 0.8), 3: (0.95, None)}
    configs = [Config({"x": number}) for number in values]
    searched = [complete(number, config, float(number)) for number, config in enumerate(configs)]
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
    searched = [complete(number, config, float(number)) for number, config in enumerate(configs)]
    repetitions = [complete(number, configs[number // 2], 1.0) for number in range(4)]
    root = tmp_path / "confirm"
    for each in repetitions:
        trial_folder(root, each.number).mkdir(parents=True)
    retention = CandidateRetention(study(root), searched, (), MAXIMIZED, times=2)
    for number in order:
        retention.notify(finished(repetitions[number]))
    found = confirmation_of(searched, repetitions, MAXIMIZED)
    assert found is not None
    assert kept(root) == [each.number for each in found.winner.repetitions]
