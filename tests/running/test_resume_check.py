"""A study is resumed only with what it was started with; what it costs may change."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import MAXIMIZED

from tuner import Budget, Float, Resources, SearchSpace, StudySpec
from tuner.domain.errors import ConfigurationError, ResumeRefusedError
from tuner.domain.new_study import NewStudy
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord, TrialState
from tuner.running.resume_check import refuse_changes, refuse_fewer_trials
from tuner.storage.store import open_store

SPACE = SearchSpace(x=Float(0, 1))
SPEC = StudySpec(objective="supervised", search_space="mlp", metric="accuracy", seed=1)


def stored(folder: Path) -> tuple[Any, StudyRecord]:
    store = open_store(str(folder / "studies.db"))
    store.create(
        NewStudy(
            name="s", goal=MAXIMIZED, space=SPACE, spec=SPEC.describe(), source={"study": "mine.toml", "overrides": {}}
        )
    )
    study = store.study("s")
    store.close()
    return store.location, study


def test_a_budget_and_resources_may_change(tmp_path: Path) -> None:
    location, study = stored(tmp_path)
    richer = replace(SPEC, budget=Budget(trials=99, epochs=SPEC.budget.epochs), resources=Resources(cpu=2))
    refuse_changes(location, study, richer, SPACE)


def test_what_a_reproducible_study_depends_on_may_not_change(tmp_path: Path) -> None:
    location, study = stored(tmp_path)
    kept = Resources(parallel=2, parallel_mode="reproducible", cpu=2)
    began = replace(study, spec=replace(SPEC, resources=replace(kept, cpu=1)).describe())
    refuse_changes(location, began, replace(SPEC, resources=kept), SPACE)
    for other in (replace(kept, parallel=3), replace(kept, parallel_mode="free")):
        with pytest.raises(ResumeRefusedError, match=r"resources\.parallel"):
            refuse_changes(location, began, replace(SPEC, resources=other), SPACE)
    with pytest.raises(ResumeRefusedError, match=r"resources\.parallel_mode"):
        refuse_changes(location, study, replace(SPEC, resources=kept), SPACE)


def test_everything_that_changes_what_the_numbers_mean_is_refused_at_once(tmp_path: Path) -> None:
    location, study = stored(tmp_path)
    with pytest.raises(ResumeRefusedError) as refused:
        refuse_changes(location, study, replace(SPEC, seed=2), SearchSpace(x=Float(0, 2)))
    assert "~ seed: 1 -> 2" in refused.value.message
    assert "x" in refused.value.message.splitlines()[-1]
    assert "start a new study" in refused.value.hint


def test_a_target_below_the_finished_trials_is_refused() -> None:
    trials = [TrialRecord(number=number, state=TrialState.COMPLETE, config=SPACE.default) for number in range(3)]
    refuse_fewer_trials("s", 3, trials)
    with pytest.raises(ConfigurationError, match="2 is below the 3 trials that study 's' has finished"):
        refuse_fewer_trials("s", 2, trials)
