"""What is asked of every callback, of the program of its guide as it stands: run, stopped, and killed."""

from pathlib import Path
from typing import ClassVar

import pytest
from integrations.guides import Guide

from tuner import TrialState


class CallbackOfAGuide:
    """Tests of the callback that a guide is about."""

    guide: ClassVar[Guide]

    def test_the_program_needs_at_most_three_lines_and_runs_without_tuner(self, tmp_path: Path) -> None:
        assert self.guide.changed_lines("train.py") <= 3
        for changed in (False, True):
            self.guide.write(tmp_path, changed=changed)
            done = self.guide.template.run(cwd=tmp_path, main="integrations.reports:program")
            assert done.returncode == 0, done.stderr

    @pytest.mark.parametrize(("place", "call"), [("before", 3), ("after", 3)])
    def test_a_killed_trial_continues_to_the_curve_that_it_would_have_had(
        self, place: str, call: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        stored, resumed = self.guide.curves_after_a_kill(tmp_path, place, call)
        assert stored == (2 if place == "before" else 3)
        assert resumed == self.guide.uninterrupted(tmp_path_factory.mktemp("uninterrupted"))

    def test_the_framework_ends_its_own_training_when_the_study_stops_a_trial(self, tmp_path: Path) -> None:
        trials = self.guide.stopped(tmp_path)
        assert any(trial.state is TrialState.PRUNED for trial, _, _ in trials)
        for trial, reports, has_returned in trials:
            assert reports == len(trial.curve), "nothing was trained after the stop"
            assert has_returned

    def test_the_framework_lets_stop_trial_pass(self, tmp_path: Path) -> None:
        trials = self.guide.stopped(tmp_path, RAISES="1")
        assert any(trial.state is TrialState.PRUNED for trial, _, _ in trials)
        assert all(trial.state is not TrialState.FAIL for trial, _, _ in trials)
        assert not any(has_returned for _, _, has_returned in trials)
        assert all(reports == len(trial.curve) for trial, reports, _ in trials)
