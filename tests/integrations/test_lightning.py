"""Lightning: the guide's program as it stands, stopped and killed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from integrations.guides import Guide

from tuner import TrialState

GUIDE = Guide("lightning", "lightning.pytorch", "tuner.integrations.lightning")


@pytest.fixture(autouse=True, scope="module")
def _template() -> Iterator[None]:
    yield
    GUIDE.template.close()


def test_the_program_needs_at_most_three_lines_and_runs_without_tuner(tmp_path: Path) -> None:
    assert GUIDE.changed_lines("train.py") <= 3
    for changed in (False, True):
        GUIDE.write(tmp_path, changed=changed)
        done = GUIDE.template.run(cwd=tmp_path, main="integrations.reports:program")
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("place", "call"), [("before", 3), ("after", 3)])
def test_a_killed_trial_continues_to_the_curve_that_it_would_have_had(
    place: str, call: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stored, resumed = GUIDE.curves_after_a_kill(tmp_path, place, call)
    assert stored == (2 if place == "before" else 3)
    assert resumed == GUIDE.uninterrupted(tmp_path_factory.mktemp("uninterrupted"))


def test_lightning_ends_its_own_training_when_the_study_stops_a_trial(tmp_path: Path) -> None:
    trials = GUIDE.stopped(tmp_path)
    assert any(trial.state is TrialState.PRUNED for trial, _, _ in trials)
    for trial, reports, has_returned in trials:
        assert reports == len(trial.curve), "nothing was trained after the stop"
        assert has_returned


def test_lightning_lets_stop_trial_pass(tmp_path: Path) -> None:
    trials = GUIDE.stopped(tmp_path, RAISES="1")
    assert any(trial.state is TrialState.PRUNED for trial, _, _ in trials)
    assert all(trial.state is not TrialState.FAIL for trial, _, _ in trials)
    assert not any(has_returned for _, _, has_returned in trials)
    assert all(reports == len(trial.curve) for trial, reports, _ in trials)


def test_a_stopped_trainer_neither_trains_its_min_epochs_nor_leaves_its_teardown_out(tmp_path: Path) -> None:
    guide = GUIDE.edited(
        {
            "max_epochs=epochs,": "max_epochs=epochs, min_epochs=epochs,",
            "    def configure_optimizers": "    def teardown(self, stage):\n"
            "        open('torn-down.txt', 'a').write('x')\n\n    def configure_optimizers",
        }
    )
    trials = guide.stopped(tmp_path)
    assert any(trial.state is TrialState.PRUNED for trial, _, _ in trials)
    assert all(reports == len(trial.curve) for trial, reports, _ in trials)
    assert len((tmp_path / "torn-down.txt").read_text()) == len(trials)
