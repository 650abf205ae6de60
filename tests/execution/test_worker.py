import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tuner import Trial
from tuner.domain.config import Config
from tuner.domain.job import Job
from tuner.domain.study import Direction
from tuner.domain.trial import Failure, FailureReason
from tuner.domain.work import Member, Work, WorkKind
from tuner.execution.checkpoints import trial_folder
from tuner.execution.worker import Worker

MAX_EPOCHS = 5


def make_worker(objective: Callable[..., Any], folder: Path) -> Worker:
    return Worker(
        Job(
            objective=objective,
            folder=folder,
            settings={"dataset": "none"},
            seed=0,
            metric="accuracy",
            direction=Direction.MAXIMIZE,
            max_epochs=MAX_EPOCHS,
            device="cpu",
            checkpoints=folder,
        )
    )


def work(number: int = 0, epoch: int = 0, best_epoch: int = 0, best: float | None = None) -> Work:
    member = Member(number=number, config=Config({"x": 0.5}), seed=1, epoch=epoch, best_epoch=best_epoch, best=best)
    return Work(id=1, kind=WorkKind.TRAIN, members=(member,))


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
    worker.begin(work())
    for epoch in range(1, MAX_EPOCHS + 1):
        (report,) = worker.advance()
        assert report.epoch == epoch
        assert report.metrics is not None
        assert report.metrics["count"] == epoch
    (report,) = worker.advance()
    assert report.has_ended


def test_a_trial_knows_what_it_may_depend_on(tmp_path: Path) -> None:
    seen: list[Trial] = []

    def train(trial: Trial) -> Iterator[dict[str, float]]:
        seen.append(trial)
        yield {"accuracy": 1.0}

    worker = make_worker(train, tmp_path)
    worker.begin(work(number=3))
    worker.advance()
    (trial,) = seen
    assert (trial.number, trial.seed, trial.device, trial.epoch, trial.max_epochs) == (3, 1, "cpu", 0, MAX_EPOCHS)
    assert trial.config == {"x": 0.5}
    assert trial.settings == {"dataset": "none"}


def test_an_interrupted_trial_goes_on_from_its_last_recorded_epoch(tmp_path: Path) -> None:
    first = make_worker(counting, tmp_path)
    first.begin(work())
    for _ in range(3):
        first.advance()
    second = make_worker(counting, tmp_path)
    second.begin(work(epoch=3, best_epoch=2, best=1.0))
    (report,) = second.advance()
    assert report.epoch == 4
    assert report.metrics is not None
    assert report.metrics["count"] == 4


def test_a_checkpoint_beyond_what_was_recorded_is_not_used(tmp_path: Path) -> None:
    first = make_worker(counting, tmp_path)
    first.begin(work())
    for _ in range(3):
        first.advance()
    second = make_worker(counting, tmp_path)
    second.begin(work(epoch=2, best_epoch=2, best=1.0))
    (report,) = second.advance()
    assert report.epoch == 3


def test_a_damaged_checkpoint_costs_the_epoch_after_the_one_before(tmp_path: Path) -> None:
    first = make_worker(counting, tmp_path)
    first.begin(work())
    for _ in range(4):
        first.advance()
    newest = trial_folder(tmp_path, 0) / "epoch-000004.safetensors"
    newest.write_bytes(newest.read_bytes()[:20])
    second = make_worker(counting, tmp_path)
    second.begin(work(epoch=4, best_epoch=2, best=1.0))
    (report,) = second.advance()
    assert report.epoch == 4
    assert report.metrics is not None
    assert report.metrics["count"] == 4


def test_the_newest_two_checkpoints_and_the_best_are_kept(tmp_path: Path) -> None:
    worker = make_worker(counting, tmp_path)
    worker.begin(work())
    for _ in range(MAX_EPOCHS):
        worker.advance()
    kept = sorted(path.stem for path in trial_folder(tmp_path, 0).iterdir())
    assert kept == ["epoch-000002", "epoch-000004", "epoch-000005"]


def test_the_best_checkpoint_survives_an_interruption(tmp_path: Path) -> None:
    first = make_worker(counting, tmp_path)
    first.begin(work())
    for _ in range(3):
        first.advance()
    second = make_worker(counting, tmp_path)
    second.begin(work(epoch=3, best_epoch=2, best=1.0))
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
    worker.begin(work())
    (report,) = worker.advance()
    assert report.failure is not None
    assert report.failure.reason is FailureReason.RAISED
    assert words in report.failure.message
    assert "test_worker.py" in report.failure.traceback
    worker.drop([0])


def test_a_function_that_returns_its_metrics_has_measured_one_epoch(tmp_path: Path) -> None:
    worker = make_worker(lambda trial: {"accuracy": 0.5}, tmp_path)
    worker.begin(work())
    (report,) = worker.advance()
    assert report.metrics == {"accuracy": 0.5}
    (report,) = worker.advance()
    assert report.has_ended


def test_a_function_that_returns_nothing_measures_nothing(tmp_path: Path) -> None:
    worker = make_worker(lambda trial: None, tmp_path)
    worker.begin(work())
    (report,) = worker.advance()
    assert report.has_ended


def test_a_dropped_trial_is_closed_and_cannot_fail_any_more(tmp_path: Path) -> None:
    closed: list[int] = []

    def stubborn(trial: Trial) -> Iterator[dict[str, float]]:
        try:
            yield {"accuracy": 1.0}
        finally:
            closed.append(trial.number)
            raise RuntimeError("the clean-up failed")

    worker = make_worker(stubborn, tmp_path)
    worker.begin(work())
    worker.advance()
    worker.drop([0])
    assert closed == [0]


def test_beginning_a_cohort_closes_the_one_before(tmp_path: Path) -> None:
    closed: list[int] = []

    def train(trial: Trial) -> Iterator[dict[str, float]]:
        try:
            yield {"accuracy": 1.0}
        finally:
            closed.append(trial.number)

    worker = make_worker(train, tmp_path)
    worker.begin(work(0))
    worker.advance()
    worker.begin(work(1))
    assert closed == [0]


def test_a_generator_has_no_test_data(tmp_path: Path) -> None:
    worker = make_worker(counting, tmp_path)
    assert worker.test(work(epoch=5, best_epoch=2)) is None


def test_missing_weights_fail_the_test_and_say_where_they_were(tmp_path: Path) -> None:
    job_objective = "supervised"
    worker = Worker(
        Job(
            objective=job_objective,
            folder=tmp_path,
            settings={"dataset": "iris"},
            seed=0,
            metric="accuracy",
            direction=Direction.MAXIMIZE,
            max_epochs=1,
            device="cpu",
            checkpoints=tmp_path,
        )
    )
    outcome = worker.test(work(epoch=1, best_epoch=1))
    assert isinstance(outcome, Failure)
    assert str(tmp_path) in outcome.message
