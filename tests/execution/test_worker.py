import random
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fakes import folders

from tuner import Cohort, Objective, Trial
from tuner.domain.assignment import Assignment, AssignmentKind, CohortUpdate, TrialAssignment
from tuner.domain.config import Config
from tuner.domain.study import Direction
from tuner.domain.trial import Failure, FailureReason, Report
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.checkpoints import trial_folder
from tuner.execution.worker import Worker

MAX_EPOCHS = 5
BOTH = {"accuracy": 0.5, "weight": 2.0}


def make_worker(objective: Callable[..., Any], folder: Path, wanted: tuple[str, ...] = ()) -> Worker:
    return Worker(
        WorkerSpec(
            objective=objective,
            folder=folder,
            settings={"dataset": "none"},
            seed=0,
            metric="accuracy",
            direction=Direction.MAXIMIZE,
            wanted=wanted,
            max_epochs=MAX_EPOCHS,
            device="cpu",
            folders=folders(folder),
        )
    )


def assignment(number: int = 0, epoch: int = 0, best_epoch: int = 0, best: float | None = None) -> Assignment:
    member = TrialAssignment(
        number=number, config=Config({"x": 0.5}), seed=1, epoch=epoch, best_epoch=best_epoch, best=best
    )
    return Assignment(id=1, kind=AssignmentKind.TRAIN, members=(member,))


def has_ended(report: Report) -> bool:
    return report.metrics is None and report.failure is None


def counting(trial: Trial) -> Iterator[dict[str, float]]:
    """Trains a counter; its accuracy is best in epoch 2."""
    state = trial.load() or {"count": torch.zeros(1)}
    count = state["count"]
    for epoch in range(trial.epoch, trial.max_epochs):
        count = count + 1
        trial.save({"count": count})
        yield {"accuracy": 1.0 if epoch == 1 else 0.1 * epoch, "count": float(count)}


def test_each_advance_is_an_epoch(tmp_path: Path) -> None:
    worker = make_worker(counting, tmp_path)
    worker.begin(assignment())
    for epoch in range(1, MAX_EPOCHS + 1):
        (report,) = worker.advance()
        assert report.epoch == epoch
        assert report.metrics is not None
        assert report.metrics["count"] == epoch
    (report,) = worker.advance()
    assert has_ended(report)


def test_a_trial_knows_what_it_may_depend_on(tmp_path: Path) -> None:
    seen: list[Trial] = []

    def train(trial: Trial) -> Iterator[dict[str, float]]:
        seen.append(trial)
        yield {"accuracy": 1.0}

    worker = make_worker(train, tmp_path)
    worker.begin(assignment(number=3))
    worker.advance()
    (trial,) = seen
    assert (trial.number, trial.seed, trial.device, trial.epoch, trial.max_epochs) == (3, 1, "cpu", 0, MAX_EPOCHS)
    assert trial.config == {"x": 0.5}
    assert trial.settings == {"dataset": "none"}


def test_an_interrupted_trial_goes_on_from_its_last_recorded_epoch(tmp_path: Path) -> None:
    first = make_worker(counting, tmp_path)
    first.begin(assignment())
    for _ in range(3):
        first.advance()
    second = make_worker(counting, tmp_path)
    second.begin(assignment(epoch=3, best_epoch=2, best=1.0))
    (report,) = second.advance()
    assert report.epoch == 4
    assert report.metrics is not None
    assert report.metrics["count"] == 4


def test_a_checkpoint_beyond_what_was_recorded_is_not_used(tmp_path: Path) -> None:
    first = make_worker(counting, tmp_path)
    first.begin(assignment())
    for _ in range(3):
        first.advance()
    second = make_worker(counting, tmp_path)
    second.begin(assignment(epoch=2, best_epoch=2, best=1.0))
    (report,) = second.advance()
    assert report.epoch == 3


def test_a_damaged_checkpoint_costs_the_epoch_after_the_one_before(tmp_path: Path) -> None:
    first = make_worker(counting, tmp_path)
    first.begin(assignment())
    for _ in range(4):
        first.advance()
    newest = trial_folder(tmp_path, 0) / "epoch-000004.safetensors"
    newest.write_bytes(newest.read_bytes()[:20])
    second = make_worker(counting, tmp_path)
    second.begin(assignment(epoch=4, best_epoch=2, best=1.0))
    (report,) = second.advance()
    assert report.epoch == 4
    assert report.metrics is not None
    assert report.metrics["count"] == 4


def test_the_newest_two_checkpoints_and_the_best_are_kept(tmp_path: Path) -> None:
    worker = make_worker(counting, tmp_path)
    worker.begin(assignment())
    for _ in range(MAX_EPOCHS):
        worker.advance()
    kept = sorted(path.stem for path in trial_folder(tmp_path, 0).iterdir())
    assert kept == ["epoch-000002", "epoch-000004", "epoch-000005"]


def test_the_best_checkpoint_survives_an_interruption(tmp_path: Path) -> None:
    first = make_worker(counting, tmp_path)
    first.begin(assignment())
    for _ in range(3):
        first.advance()
    second = make_worker(counting, tmp_path)
    second.begin(assignment(epoch=3, best_epoch=2, best=1.0))
    for _ in range(2):
        second.advance()
    assert (trial_folder(tmp_path, 0) / "epoch-000002.safetensors").exists()


def raising(trial: Trial) -> Iterator[dict[str, float]]:
    raise RuntimeError("no such layer")
    yield {}


def exiting(trial: Trial) -> Iterator[dict[str, float]]:
    sys.exit(3)
    yield {}


def not_a_generator_and_broken(trial: Trial) -> dict[str, float]:
    raise RuntimeError("no such layer")


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        (raising, "RuntimeError: no such layer"),
        (exiting, "SystemExit: 3"),
        (not_a_generator_and_broken, "RuntimeError: no such layer"),
    ],
)
def test_what_an_objective_raises_fails_its_trial(objective: Callable[..., Any], words: str, tmp_path: Path) -> None:
    worker = make_worker(objective, tmp_path)
    worker.begin(assignment())
    (report,) = worker.advance()
    assert report.failure is not None
    assert report.failure.reason is FailureReason.RAISED
    assert words in report.failure.message
    assert "test_worker.py" in report.failure.traceback
    worker.follow(CohortUpdate(leaving=frozenset({0}), is_over=True))


def test_a_function_that_returns_its_metrics_has_measured_one_epoch(tmp_path: Path) -> None:
    worker = make_worker(lambda trial: {"accuracy": 0.5}, tmp_path)
    worker.begin(assignment())
    (report,) = worker.advance()
    assert report.metrics == {"accuracy": 0.5}
    (report,) = worker.advance()
    assert has_ended(report)


def test_a_function_that_returns_nothing_fails_its_trial(tmp_path: Path) -> None:
    worker = make_worker(lambda trial: None, tmp_path)
    worker.begin(assignment())
    (report,) = worker.advance()
    assert report.failure is not None
    assert report.failure.reason is FailureReason.NO_METRICS


def test_a_dropped_trial_is_closed_and_cannot_fail_any_more(tmp_path: Path) -> None:
    closed: list[int] = []

    def stubborn(trial: Trial) -> Iterator[dict[str, float]]:
        try:
            yield {"accuracy": 1.0}
        finally:
            closed.append(trial.number)
            raise RuntimeError("the clean-up failed")

    worker = make_worker(stubborn, tmp_path)
    worker.begin(assignment())
    worker.advance()
    worker.follow(CohortUpdate(leaving=frozenset({0}), is_over=True))
    assert closed == [0]


def test_beginning_a_cohort_closes_the_one_before(tmp_path: Path) -> None:
    closed: list[int] = []

    def train(trial: Trial) -> Iterator[dict[str, float]]:
        try:
            yield {"accuracy": 1.0}
        finally:
            closed.append(trial.number)

    worker = make_worker(train, tmp_path)
    worker.begin(assignment(0))
    worker.advance()
    worker.begin(assignment(1))
    assert closed == [0]


def test_a_generator_has_no_test_data(tmp_path: Path) -> None:
    worker = make_worker(counting, tmp_path)
    assert worker.test(assignment(epoch=5, best_epoch=2)) is None


def test_missing_weights_fail_the_test_and_say_where_they_were(tmp_path: Path) -> None:
    job_objective = "supervised"
    worker = Worker(
        WorkerSpec(
            objective=job_objective,
            folder=tmp_path,
            settings={"dataset": "iris"},
            seed=0,
            metric="accuracy",
            direction=Direction.MAXIMIZE,
            max_epochs=1,
            device="cpu",
            folders=folders(tmp_path),
        )
    )
    outcome = worker.test(assignment(epoch=1, best_epoch=1))
    assert isinstance(outcome, Failure)
    assert str(tmp_path) in outcome.message


class Weighing(Objective):
    """Weighs its models only where somebody wants to know."""

    def __init__(self, settings: Mapping[str, Any], seed: int) -> None:
        self.wanted: Collection[str] = ()

    def want(self, metrics: Collection[str]) -> None:
        self.wanted = metrics

    def start(self, trials: Sequence[Trial]) -> Cohort:
        return Weighed([trial.number for trial in trials], {"weight": 2.0} if "weight" in self.wanted else {})

    def cohort_key(self, config: Config) -> None:
        return None


class Weighed(Cohort):
    def __init__(self, numbers: Sequence[int], weight: Mapping[str, float]) -> None:
        self.numbers = numbers
        self.weight = weight

    def advance(self) -> Mapping[int, Mapping[str, float]]:
        return {number: {"accuracy": 0.5, **self.weight} for number in self.numbers}

    def drop(self, numbers: Collection[int]) -> None:
        self.numbers = []

    def notes(self) -> Mapping[int, str]:
        return dict.fromkeys(self.numbers, "they are weighed twice")


def test_what_a_cohort_says_of_how_its_members_train_is_reported_once(tmp_path: Path) -> None:
    worker = make_worker(Weighing, tmp_path)
    worker.begin(assignment())
    assert [report.note for report in worker.advance()] == ["they are weighed twice"]
    assert [report.note for report in worker.advance()] == [""]


@pytest.mark.parametrize(("wanted", "metrics"), [((), {"accuracy": 0.5}), (("accuracy", "weight"), BOTH)])
def test_an_objective_is_told_which_metrics_are_wanted(
    wanted: tuple[str, ...], metrics: Mapping[str, float], tmp_path: Path
) -> None:
    worker = make_worker(Weighing, tmp_path, wanted)
    worker.begin(assignment())
    assert worker.advance()[0].metrics == metrics


def test_a_report_that_lacks_a_wanted_metric_is_a_failure(tmp_path: Path) -> None:
    worker = make_worker(counting, tmp_path, ("accuracy", "cout"))
    worker.begin(assignment())
    (report,) = worker.advance()
    assert report.failure is not None
    assert report.failure.reason is FailureReason.MISSING_METRIC
    assert "'cout'; did you mean 'count'?" in report.failure.message


class Counting(Cohort):
    """Counts epochs; keeps states when it is asked to."""

    def __init__(self, trials: Sequence[Trial]) -> None:
        self.trials = {trial.number: trial for trial in trials}
        self.counts = {trial.number: float((trial.load() or {"count": 0.0})["count"]) for trial in trials}
        self.dropped: list[int] = []

    def advance(self) -> dict[int, dict[str, float]]:
        self.counts = {number: count + 1 for number, count in self.counts.items()}
        return {number: {"accuracy": count if count != 2 else 0.0} for number, count in self.counts.items()}

    def drop(self, numbers: Collection[int]) -> None:
        for number in numbers:
            del self.counts[number]

    def save(self, numbers: Collection[int]) -> None:
        for number in numbers:
            self.trials[number].save({"count": self.counts[number]})

    def add(self, trials: Sequence[Trial]) -> None:
        more = Counting(trials)
        self.trials |= more.trials
        self.counts |= more.counts


class CountingObjective(Objective):
    grows = True

    def __init__(self, settings: Mapping[str, Any], seed: int) -> None:
        pass

    def start(self, trials: Sequence[Trial]) -> Cohort:
        return Counting(trials)

    def cohort_key(self, config: Config) -> str:
        return "all"


def saved_epochs(tmp_path: Path, number: int) -> list[int]:
    folder = trial_folder(tmp_path, number)
    return sorted(int(path.stem.removeprefix("epoch-")) for path in folder.glob("*.safetensors"))


def cohort_of(*numbers: int, epoch: int = 0, best_epoch: int = 0) -> Assignment:
    members = tuple(
        TrialAssignment(number=number, config=Config({}), seed=number, epoch=epoch, best_epoch=best_epoch)
        for number in numbers
    )
    return Assignment(id=1, kind=AssignmentKind.TRAIN, members=members)


def test_a_trial_that_is_stopped_leaves_no_file_and_the_others_are_kept_once_they_go_on(tmp_path: Path) -> None:
    worker = make_worker(CountingObjective, tmp_path)
    worker.begin(cohort_of(0, 1))
    worker.advance()
    worker.follow(CohortUpdate(leaving=frozenset({1})))
    assert saved_epochs(tmp_path, 0) == []
    worker.advance()
    assert saved_epochs(tmp_path, 0) == [1]
    assert saved_epochs(tmp_path, 1) == []


def test_a_suspended_trial_is_kept_as_it_is(tmp_path: Path) -> None:
    worker = make_worker(CountingObjective, tmp_path)
    worker.begin(cohort_of(0, 1))
    worker.advance()
    worker.follow(CohortUpdate(leaving=frozenset({0, 1}), suspended=frozenset({0}), is_over=True))
    assert saved_epochs(tmp_path, 0) == [1]
    assert saved_epochs(tmp_path, 1) == []


def test_the_weights_of_a_best_last_epoch_are_kept_before_it_is_reported(tmp_path: Path) -> None:
    worker = make_worker(CountingObjective, tmp_path)
    worker.begin(cohort_of(0))
    for _ in range(MAX_EPOCHS):
        worker.advance()
    assert MAX_EPOCHS in saved_epochs(tmp_path, 0)


def test_the_best_epoch_is_kept_again_where_its_weights_were_lost(tmp_path: Path) -> None:
    worker = make_worker(CountingObjective, tmp_path)
    worker.begin(cohort_of(0, epoch=1, best_epoch=1))
    worker.advance()
    worker.advance()
    assert 1 in saved_epochs(tmp_path, 0)


def test_a_member_that_joins_starts_at_its_own_epoch(tmp_path: Path) -> None:
    worker = make_worker(CountingObjective, tmp_path)
    worker.begin(cohort_of(0))
    worker.advance()
    worker.follow(CohortUpdate(joining=cohort_of(5).members))
    assert {report.number: report.epoch for report in worker.advance()} == {0: 2, 5: 1}


def test_a_cohort_that_runs_out_of_memory_says_so_for_all_of_its_members(tmp_path: Path) -> None:
    class Large(CountingObjective):
        def start(self, trials: Sequence[Trial]) -> Cohort:
            raise MemoryError("17 GiB")

    worker = make_worker(Large, tmp_path)
    worker.begin(cohort_of(0, 1))
    reasons = {report.number: report.failure and report.failure.reason for report in worker.advance()}
    assert reasons == {0: FailureReason.OUT_OF_MEMORY, 1: FailureReason.OUT_OF_MEMORY}


def test_what_a_cohort_raises_is_no_members_own_failure_as_long_as_there_are_several(tmp_path: Path) -> None:
    class Broken(CountingObjective):
        def start(self, trials: Sequence[Trial]) -> Cohort:
            raise ValueError("no such width")

    worker = make_worker(Broken, tmp_path)
    worker.begin(cohort_of(0, 1))
    assert {report.failure and report.failure.reason for report in worker.advance()} == {FailureReason.COHORT_RAISED}
    worker.begin(cohort_of(0))
    assert {report.failure and report.failure.reason for report in worker.advance()} == {FailureReason.RAISED}


def test_generators_take_turns_and_one_that_raises_fails_alone(tmp_path: Path) -> None:
    def train(trial: Trial) -> Iterator[dict[str, float]]:
        yield {"accuracy": 0.1}
        if trial.number == 1:
            raise RuntimeError("no such layer")
        yield {"accuracy": 0.2}

    worker = make_worker(train, tmp_path)
    worker.begin(cohort_of(0, 1))
    worker.advance()
    healthy, broken = worker.advance()
    assert healthy.metrics == {"accuracy": 0.2}
    assert broken.failure is not None
    assert broken.failure.reason is FailureReason.RAISED


def test_generators_that_take_turns_draw_what_they_draw_alone(tmp_path: Path) -> None:
    def train(trial: Trial) -> Iterator[dict[str, float]]:
        while True:
            drawn = random.random() + float(np.random.random()) + float(torch.rand(()))  # noqa: NPY002
            yield {"accuracy": drawn}

    def curves(*cohorts: Assignment) -> dict[int, list[float]]:
        worker = make_worker(train, tmp_path)
        values: dict[int, list[float]] = {}
        for cohort in cohorts:
            worker.begin(cohort)
            for _ in range(3):
                for report in worker.advance():
                    values.setdefault(report.number, []).append((report.metrics or {})["accuracy"])
        return values

    together = curves(cohort_of(0, 1))
    assert together == curves(cohort_of(0), cohort_of(1))
    assert together[0] != together[1]


def jumping(*steps: int) -> Callable[[Trial], None]:
    def train(trial: Trial) -> None:
        for step in steps:
            with trial.checkpoint() as folder:
                (folder / "step").write_text(str(step))
            trial.report(accuracy=step, step=step)

    return train


def reported(worker: Worker, decision_epochs: tuple[int, ...] | None) -> list[Report]:
    begun = assignment()
    worker.begin(replace(begun, members=(replace(begun.members[0], decision_epochs=decision_epochs),)))
    reports: list[Report] = []
    while not reports or (reports[-1].metrics is not None and reports[-1].epoch < MAX_EPOCHS):
        reports += worker.advance()
    worker.close()
    return reports


def test_steps_may_jump_where_nothing_is_judged_in_between(tmp_path: Path) -> None:
    reports = reported(make_worker(jumping(2, 5), tmp_path), (2,))
    assert [(report.epoch, report.metrics) for report in reports] == [(2, {"accuracy": 2.0}), (5, {"accuracy": 5.0})]
    assert (tmp_path / "trial-00000" / "epoch-000005" / "step").read_text() == "5"


def test_a_report_that_passes_an_epoch_at_which_trials_are_judged_is_decided_before_the_trial_continues(
    tmp_path: Path,
) -> None:
    begun = assignment()
    worker = make_worker(jumping(1, 2, 4, 5), tmp_path)
    worker.begin(replace(begun, members=(replace(begun.members[0], decision_epochs=(3,)),)))
    assert [report.epoch for report in worker.advance()] == [1, 2, 4]
    worker.close()


@pytest.mark.parametrize(
    ("steps", "decision_epochs", "words"),
    [
        ((1, 100), (), "step 100 is beyond the last epoch, budget.epochs = 5"),
    ],
)
def test_a_step_that_cannot_be_compared_with_others_is_refused(
    steps: tuple[int, ...], decision_epochs: tuple[int, ...] | None, words: str, tmp_path: Path
) -> None:
    failure = reported(make_worker(jumping(*steps), tmp_path), decision_epochs)[-1].failure
    assert failure is not None
    assert words in failure.message
