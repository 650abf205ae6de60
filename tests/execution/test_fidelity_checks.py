"""What an objective says of how far it is, held against the budget."""

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import folders

from tuner.domain.fidelity import STEPS
from tuner.domain.study import Direction
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.fidelity_checks import beyond_the_end, early_end

IN_EPOCHS = WorkerSpec(
    objective="mine:train",
    folder=Path(),
    settings={},
    seed=0,
    metric="loss",
    direction=Direction.MINIMIZE,
    max_epochs=20,
    device="cpu",
    folders=folders(Path()),
)
IN_STEPS = replace(IN_EPOCHS, unit=STEPS, max_epochs=20_000)


def test_an_epoch_beyond_the_last_one_is_a_failure_and_says_that_there_are_steps() -> None:
    failure = beyond_the_end(21, IN_EPOCHS.fidelity)
    assert failure is not None
    assert "budget.steps" in failure.message
    assert beyond_the_end(20, IN_EPOCHS.fidelity) is None


def test_the_last_report_in_steps_may_pass_the_end() -> None:
    assert beyond_the_end(20_100, IN_STEPS.fidelity) is None


@pytest.mark.parametrize(
    ("step", "worker_spec", "words"),
    [
        (1, IN_EPOCHS, "a single report, epoch 1 of 20"),
        (40, IN_STEPS, "ended by itself at step 40 of 20,000; to say how far the trial is"),
    ],
)
def test_who_ends_suspiciously_early_is_warned(step: int, worker_spec: WorkerSpec, words: str) -> None:
    assert words in early_end(step, worker_spec)


@pytest.mark.parametrize(("step", "worker_spec"), [(2, IN_EPOCHS), (0, IN_STEPS), (10_000, IN_STEPS)])
def test_who_ends_later_is_not(step: int, worker_spec: WorkerSpec) -> None:
    assert not early_end(step, worker_spec)
