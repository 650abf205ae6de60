"""What every executor promises, shown by studies that it runs."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tuner import Study, run
from tuner.domain.errors import TooManyFailuresError
from tuner.domain.number import Float
from tuner.domain.resources import Resources
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import INLINE, Budget, Component, StudySpec
from tuner.domain.trial import FailureReason, Trial, TrialState

_SPACE = SearchSpace(x=Float(-1, 1))


def parabola(trial: Trial) -> Iterator[Mapping[str, float]]:
    """Measure `epoch - x ** 2`; a trial with `x` above 0.9 raises an exception."""
    if trial.config["x"] > trial.settings.get("limit", 0.9):
        raise ValueError("x is too large")
    state = trial.load() or {"epoch": 0}
    assert state["epoch"] == trial.epoch
    for epoch in range(trial.epoch, trial.max_epochs):
        trial.save({"epoch": epoch + 1})
        yield {"score": epoch + 1 - trial.config["x"] ** 2}


class ExecutorConformance:
    """Tests of a class that inherits `tuner.Executor`."""

    executor: ClassVar[str]
    """What a study file calls it: `module:Class`, or the name of its entry point."""

    def test_it_trains_every_trial_as_the_inline_executor_does(self, tmp_path: Path) -> None:
        here, inline = self._run(tmp_path / "here", self.executor, 12), self._run(tmp_path / "inline", INLINE, 12)
        assert _outcomes(here) == _outcomes(inline)
        assert {trial.state for trial in here.trials} >= {TrialState.COMPLETE, TrialState.PRUNED}

    def test_an_exception_fails_its_trial_and_no_other(self, tmp_path: Path) -> None:
        study = self._run(tmp_path, self.executor, 12, limit=0.0)
        failed = [trial for trial in study.trials if trial.config["x"] > 0]
        assert failed
        assert [trial for trial in study.trials if trial.state is TrialState.FAIL] == failed
        assert all(trial.failure is not None and trial.failure.reason is FailureReason.RAISED for trial in failed)

    def test_a_study_whose_trials_all_fail_is_ended_before_its_target(self, tmp_path: Path) -> None:
        with pytest.raises(TooManyFailuresError):
            self._run(tmp_path, self.executor, 100, limit=-2.0)

    def test_a_study_that_is_resumed_ends_as_one_that_was_not_interrupted(self, tmp_path: Path) -> None:
        study = self._run(tmp_path / "here", self.executor, 5).resume(trials=12)
        assert _outcomes(study) == _outcomes(self._run(tmp_path / "inline", INLINE, 12))

    def _run(self, folder: Path, executor: str, trials: int, **settings: Any) -> Study:
        spec = StudySpec(
            objective=f"{__name__}:parabola",
            search_space=_SPACE,
            metric="score",
            direction="maximize",
            name="parabola",
            settings=settings,
            budget=Budget(trials=trials, epochs=3),
            sampler="random",
            scheduler=Component(name="asha", options={"min_epochs": 1, "eta": 3}),
            resources=Resources(parallel=1, cohort=1),
            executor=executor,
        )
        return run(spec, storage=str(folder / "studies.db"))


def _outcomes(study: Study) -> list[tuple[object, ...]]:
    return [(each.number, each.state, dict(each.config), dict(each.curve)) for each in study.trials]
