"""Generator functions as objectives: their members take turns, and each ends in its own way."""

import random
import re
import signal
import sys
import threading
from asyncio import CancelledError
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from tuner import Trial
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.trial import Failure, FailureReason
from tuner.execution.checkpoints import TrialCheckpoints
from tuner.execution.generator import GeneratorObjective
from tuner.execution.host import Host
from tuner.execution.user_failures import failure_of
from tuner.execution.user_thread import UserThread


def trial(number: int) -> Trial:
    return Trial(
        config=Config({"x": 0.5}),
        number=number,
        seed=number,
        device="cpu",
        epoch=0,
        max_epochs=3,
        settings=Config({}),
        checkpoints=TrialCheckpoints(Path("unused"), recorded=0, best=0),
    )


def counting(trial: Trial) -> Iterator[dict[str, float]]:
    for epoch in range(trial.number):
        yield {"epoch": epoch + 1}


def test_every_member_trains_an_epoch_in_its_turn_and_ends_by_itself() -> None:
    cohort = GeneratorObjective(counting).start([trial(1), trial(2)])
    assert [dict(cohort.advance()) for _ in range(3)] == [
        {1: {"epoch": 1}, 2: {"epoch": 1}},
        {1: None, 2: {"epoch": 2}},
        {1: None, 2: None},
    ]


def test_a_member_that_joins_begins_at_its_beginning() -> None:
    cohort = GeneratorObjective(counting).start([trial(2)])
    cohort.advance()
    cohort.add([trial(3)])
    assert cohort.advance() == {2: {"epoch": 2}, 3: {"epoch": 1}}


def test_a_dropped_member_has_no_turn_any_more() -> None:
    cohort = GeneratorObjective(counting).start([trial(2), trial(3)])
    cohort.advance()
    cohort.drop([2, 7])
    assert cohort.advance() == {3: {"epoch": 2}}


def test_nothing_of_a_trial_runs_before_its_first_turn() -> None:
    begun: list[int] = []

    def train(trial: Trial) -> Any:
        begun.append(trial.number)

    cohort = GeneratorObjective(train).start([trial(1)])
    assert begun == []
    cohort.advance()
    assert begun == [1]


def test_all_configurations_can_take_turns() -> None:
    objective = GeneratorObjective(counting)
    assert objective.grows
    assert objective.cohort_key(Config({"x": 0})) == objective.cohort_key(Config({"y": 1})) == ()


def test_what_a_member_changes_for_its_thread_is_its_own() -> None:
    def measuring(trial: Trial) -> Iterator[dict[str, float]]:
        while True:
            enabled = torch.is_grad_enabled()
            with torch.inference_mode(), torch.autocast("cpu"):
                yield {"gradients": enabled, "autocast": torch.is_autocast_enabled("cpu")}

    def plain(trial: Trial) -> Iterator[dict[str, float]]:
        while True:
            yield {"gradients": torch.is_grad_enabled(), "autocast": torch.is_autocast_enabled("cpu")}

    def train(trial: Trial) -> Iterator[dict[str, float]]:
        return measuring(trial) if trial.number % 2 else plain(trial)

    before = {*threading.enumerate()}
    for first in ([trial(1)], [trial(1), trial(0)]):
        cohort = GeneratorObjective(train).start(first)
        cohort.advance()
        cohort.add([trial(2), trial(3), trial(5)])
        for _ in range(2):
            outcomes = cohort.advance()
            assert outcomes[2] == {"gradients": True, "autocast": False}
            assert outcomes[3] == outcomes[5] == {"gradients": True, "autocast": True}
        cohort.drop([each.number for each in (*first, trial(2), trial(3), trial(5))])
        assert {*threading.enumerate()} <= before


def test_what_a_member_draws_does_not_depend_on_the_others() -> None:
    def drawing(trial: Trial) -> Iterator[dict[str, float]]:
        while True:
            yield {"drawn": random.random()}

    alone = GeneratorObjective(drawing).start([trial(1)])
    together = GeneratorObjective(drawing).start([trial(0), trial(1), trial(2)])
    assert [alone.advance()[1] for _ in range(3)] == [together.advance()[1] for _ in range(3)]


def test_the_clean_up_of_a_dropped_member_draws_from_its_own_generators() -> None:
    def drawing_at_the_end(trial: Trial) -> Iterator[dict[str, float]]:
        try:
            yield {"epoch": 1}
        finally:
            random.random()

    cohort = GeneratorObjective(drawing_at_the_end).start([trial(1)])
    cohort.advance()
    before = random.getstate()
    cohort.drop([1])
    assert random.getstate() == before


def test_a_failure_names_the_line_of_the_objective_and_has_the_traceback() -> None:
    cohort = GeneratorObjective(lambda trial: 1 // trial.config["missing"]).start([trial(0)])
    failure = cohort.advance()[0]
    assert isinstance(failure, Failure)
    assert failure.reason is FailureReason.RAISED
    assert failure.message.startswith("KeyError: 'missing' (")
    assert "test_generator.py" in failure.traceback
    assert "tuner/execution" not in failure.traceback


def test_an_error_without_a_traceback_is_a_failure_too() -> None:
    failure = failure_of(ValueError("odd"))
    assert failure.message == "ValueError: odd"
    assert failure.traceback == "ValueError: odd\n"


def test_leaving_the_process_ends_the_trial_alone() -> None:
    cohort = GeneratorObjective(lambda trial: sys.exit(3) if trial.number else {"x": 1.0}).start([trial(0), trial(1)])
    still_there, gone = cohort.advance().values()
    assert still_there == {"x": 1.0}
    assert isinstance(gone, Failure)


class Own(BaseException):
    pass


@pytest.mark.parametrize("error", [Own("odd"), SystemExit("odd"), GeneratorExit("odd"), CancelledError("odd")])
def test_an_exception_that_is_no_exception_is_its_trials_failure(error: BaseException) -> None:
    def raising(trial: Trial) -> Iterator[dict[str, float]]:
        yield {"epoch": 1}
        raise error

    cohort = GeneratorObjective(raising).start([trial(1)])
    assert cohort.advance() == {1: {"epoch": 1}}
    failure = cohort.advance()[1]
    assert isinstance(failure, Failure)
    assert failure.message.startswith(f"{type(error).__name__}: odd")


def test_a_ctrl_c_that_nobody_handles_ends_more_than_a_trial() -> None:
    def raising(trial: Trial) -> None:
        raise KeyboardInterrupt

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    thread = UserThread()
    cohort = GeneratorObjective(raising, Host(thread=thread)).start([trial(1)])
    with pytest.raises(KeyboardInterrupt):
        thread.run(lambda: dict(cohort.advance()).clear())


async def coroutine(trial: Trial) -> dict[str, float]:
    return {"epoch": 1}


async def stream(trial: Trial) -> AsyncIterator[dict[str, float]]:
    yield {"epoch": 1}


class NoObjective:
    def __init__(self, trial: Trial) -> None:
        self.trial = trial


def takes_nothing() -> Iterator[dict[str, float]]:
    yield {"epoch": 1}


def takes_more(trial: Trial, scale: float) -> Iterator[dict[str, float]]:
    yield {"epoch": scale}


class AsyncCall:
    async def __call__(self, trial: Trial) -> dict[str, float]:
        return {"epoch": 1}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (coroutine, "the objective coroutine is async: write a plain function"),
        (partial(coroutine), "the objective partial is async"),
        (stream, "the objective stream is async"),
        (AsyncCall(), "the objective AsyncCall is async"),
        (NoObjective, "the objective NoObjective is a class, and inherits neither"),
        (counting(trial(1)), "the objective is a generator, what calling counting has returned: give counting itself"),
        (takes_nothing, "the objective takes_nothing() cannot be called with only a trial, as takes_nothing(trial)"),
        (takes_more, "the objective takes_more(trial: tuner.domain.trial.Trial, scale: float)"),
        (3, "the objective is an int, which cannot be called with a trial; write a function"),
    ],
)
def test_what_cannot_be_an_objective_is_refused_with_what_can(found: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        GeneratorObjective(found)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (lambda: None, "the objective returned nothing: it is to return its metrics"),
        (lambda: coroutine(trial(1)), "the objective returned a coroutine: asyncio.run(...) inside of it"),
        (lambda: stream(trial(1)), "the objective returned an async_generator"),
    ],
)
def test_what_a_function_returns_that_is_no_metrics_is_said(returned: Callable[[], Any], words: str) -> None:
    failure = GeneratorObjective(lambda _: returned()).start([trial(1)]).advance()[1]
    assert isinstance(failure, Failure)
    assert failure.reason is FailureReason.NO_METRICS
    assert failure.message.startswith(words)
