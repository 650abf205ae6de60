"""Trials one after another in this process."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import MAXIMIZED, FakeSampler, FakeScheduler, FakeWriter, folders, ticking_clock

from tuner import Cohort, Decision, Float, Objective, SearchSpace, Trial
from tuner.domain.errors import StorageError
from tuner.domain.resources import Resources
from tuner.domain.run_controller import StopCause
from tuner.domain.study import Direction
from tuner.domain.trial import TrialState
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.inline import InlineExecutor
from tuner.search.cohort_policy import CohortPolicy, CohortSettings
from tuner.search.controller import SearchController
from tuner.search.plan import RunPlan
from tuner.search.policies import Policies

SPACE = SearchSpace(x=Float(0, 1))


class Bench:
    """A study that runs in this process, kept in memory."""

    def __init__(
        self, objective: Callable[..., Any], folder: Path, *, trials: int = 3, cohort: int = 1, tests: bool = False
    ) -> None:
        self.writer = FakeWriter()
        self.scheduler = FakeScheduler()
        plan = RunPlan(
            trials=trials,
            max_epochs=3,
            goal=MAXIMIZED,
            seed=0,
            default=SPACE.default,
            tests=tests,
            grows=True,
        )
        self.controller = SearchController(
            plan,
            Policies(
                sampler=FakeSampler(SPACE),
                scheduler=self.scheduler,
                cohorts=CohortPolicy(SPACE, lambda _: (), CohortSettings(size=cohort), trials=trials),
            ),
            writer=self.writer,
            now=ticking_clock(),
        )
        self.worker_spec = WorkerSpec(
            objective=objective,
            folder=folder,
            settings={},
            seed=0,
            metric="accuracy",
            direction=Direction.MAXIMIZE,
            max_epochs=3,
            device="cpu",
            folders=folders(folder),
        )

    def run(self) -> None:
        InlineExecutor().run(self.controller, self.worker_spec, Resources())

    @property
    def states(self) -> list[TrialState]:
        return [trial.state for trial in self.writer.trials.values()]


def train(trial: Trial) -> Iterator[dict[str, float]]:
    for epoch in range(trial.epoch, trial.max_epochs):
        yield {"accuracy": trial.config["x"] + epoch}


@pytest.mark.parametrize("cohort", [1, 2])
def test_trials_are_run_to_the_target_whatever_the_cohorts(cohort: int, tmp_path: Path) -> None:
    bench = Bench(train, tmp_path, cohort=cohort)
    bench.run()
    assert bench.controller.is_finished
    assert bench.states == [TrialState.COMPLETE] * 3
    assert [list(trial.curve) for trial in bench.writer.trials.values()] == [[1, 2, 3]] * 3


def test_a_trial_that_is_stopped_trains_no_further(tmp_path: Path) -> None:
    trained: list[tuple[int, int]] = []

    def noting(trial: Trial) -> Iterator[dict[str, float]]:
        for epoch in range(trial.max_epochs):
            trained.append((trial.number, epoch + 1))
            yield {"accuracy": 0.5}

    bench = Bench(noting, tmp_path, trials=2)
    bench.scheduler.answers[1, 1] = Decision.STOP
    bench.run()
    assert bench.states == [TrialState.COMPLETE, TrialState.PRUNED]
    assert trained == [(0, 1), (0, 2), (0, 3), (1, 1)]


def test_everything_runs_on_the_thread_that_called(tmp_path: Path) -> None:
    threads: set[int] = set()

    def noting(trial: Trial) -> Iterator[dict[str, float]]:
        threads.add(threading.get_ident())
        yield {"accuracy": 0.5}

    Bench(noting, tmp_path).run()
    assert threads == {threading.get_ident()}


def test_what_an_objective_prints_is_no_answer_of_ours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def chatting(trial: Trial) -> Iterator[dict[str, float]]:
        print("epoch 1")  # noqa: T201 - that is the test
        yield {"accuracy": 0.5}

    Bench(chatting, tmp_path, trials=1).run()
    assert capsys.readouterr() == ("", "epoch 1\n")


def test_a_run_that_is_stopped_leaves_its_trial_to_go_on(tmp_path: Path) -> None:
    def stopping(trial: Trial) -> Iterator[dict[str, float]]:
        for _ in range(trial.max_epochs):
            yield {"accuracy": 0.5}
            bench.controller.stop(StopCause.TIME)

    bench = Bench(stopping, tmp_path)
    bench.run()
    assert bench.controller.stop_cause is StopCause.TIME
    assert not any(state.is_finished for state in bench.states)


class Halving(Objective):
    """Yields its number, and half of it on unseen data."""

    def __init__(self, settings: Any, seed: int) -> None:
        pass

    def start(self, trials: Any) -> Cohort:
        return Numbers(trials)

    def cohort_key(self, config: Any) -> None:
        return None

    def test(self, trial: Trial) -> dict[str, float]:
        return {"accuracy": trial.number / 2}


class Numbers(Cohort):
    """Measures one epoch of each trial, and keeps its number."""

    def __init__(self, trials: Any) -> None:
        self.trials = {trial.number: trial for trial in trials}

    def advance(self) -> dict[int, dict[str, float]]:
        return {number: {"accuracy": float(number)} for number in self.trials}

    def save(self, numbers: Any) -> None:
        for number in numbers:
            self.trials[number].save({"number": number})

    def drop(self, numbers: Any) -> None:
        for number in numbers:
            self.trials.pop(number, None)


def test_the_best_trial_is_tested_at_the_end(tmp_path: Path) -> None:
    bench = Bench(Halving, tmp_path, tests=True)
    bench.run()
    assert bench.writer.notes["test"] == {"number": 2, "metrics": {"accuracy": 1.0}}


def test_a_function_that_reports_runs_on_the_thread_that_called(tmp_path: Path) -> None:
    threads: set[int] = set()

    def reporting(trial: Trial) -> None:
        for epoch in range(trial.epoch, trial.max_epochs):
            threads.add(threading.get_ident())
            trial.report(accuracy=trial.config["x"] + epoch)

    bench = Bench(reporting, tmp_path)
    bench.scheduler.answers[1, 2] = Decision.STOP
    bench.run()
    assert threads == {threading.get_ident()}
    assert bench.states == [TrialState.COMPLETE, TrialState.PRUNED, TrialState.COMPLETE]
    assert [list(trial.curve) for trial in bench.writer.trials.values()] == [[1, 2, 3], [1, 2], [1, 2, 3]]


def test_what_the_study_raises_ends_the_function_that_waits_for_it(tmp_path: Path) -> None:
    seen: list[str] = []

    def reporting(trial: Trial) -> None:
        bench.writer.error = StorageError("the disk is full")
        try:
            trial.report(accuracy=0.5)
        finally:
            seen.append("cleaned up")

    bench = Bench(reporting, tmp_path)
    with pytest.raises(StorageError, match="the disk is full"):
        bench.run()
    assert seen == ["cleaned up"]
