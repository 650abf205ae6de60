"""Loops that report by themselves, with accelerate and scikit-learn: the guides' programs as they stand, killed."""

from pathlib import Path

import pytest
from integrations.guides import Guide

from tuner import TrialState

GUIDES = {
    "accelerate": Guide("accelerate", "accelerate"),
    "sklearn": Guide("sklearn", "sklearn.linear_model", "sklearn.datasets", "sklearn.model_selection"),
}


@pytest.fixture(params=GUIDES)
def guide(request: pytest.FixtureRequest) -> Guide:
    return GUIDES[request.param]


def test_a_killed_trial_continues_to_the_curve_that_it_would_have_had(
    guide: Guide, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert guide.changed_lines("train.py") <= 10
    stored, resumed = guide.curves_after_a_kill(tmp_path, "after", 3)
    assert stored == 3
    assert resumed == guide.uninterrupted(tmp_path_factory.mktemp("uninterrupted"))


def test_a_loop_ends_where_the_study_stops_its_trial(guide: Guide, tmp_path: Path) -> None:
    trials = guide.stopped(tmp_path)
    assert any(trial.state is TrialState.PRUNED for trial, _, _ in trials)
    assert all(reports == len(trial.curve) for trial, reports, _ in trials)
