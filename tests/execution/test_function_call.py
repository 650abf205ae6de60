"""Plain functions that report: they stand still while the study decides, and end when it wants them to."""

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import tuner
from tuner import StopTrial, Trial
from tuner.domain.config import Config
from tuner.domain.objective import Cohort
from tuner.domain.trial import Failure, FailureReason
from tuner.execution.checkpoints import TrialCheckpoints
from tuner.execution.generator import GeneratorObjective
from tuner.execution.host import Host


def trial(number: int = 1) -> Trial:
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


Start = Callable[..., Cohort]


@pytest.fixture
def start() -> Iterator[Start]:
    cohorts: list[Cohort] = []

    def begin(function: Callable[[Trial], Any], *numbers: int, host: Host | None = None) -> Cohort:
        cohorts.append(GeneratorObjective(function, host).start([trial(number) for number in numbers or (1,)]))
        return cohorts[-1]

    yield begin
    for cohort in cohorts:
        cohort.drop(range(10))


def failure(outcome: object) -> Failure:
    assert isinstance(outcome, Failure)
    return outcome


def test_each_report_is_a_turn_and_the_end_of_the_function_is_the_end(start: Start) -> None:
    def train(trial: Trial) -> None:
        trial.report({"loss": 0.5})
        trial.report(loss=0.4, accuracy=0.9)
        trial.report({"loss": 0.3}, accuracy=1.0)

    cohort = start(train)
    assert [cohort.advance()[1] for _ in range(5)] == [
        {"loss": 0.5},
        {"loss": 0.4, "accuracy": 0.9},
        {"loss": 0.3, "accuracy": 1.0},
        None,
        None,
    ]


def test_what_a_function_returns_is_its_one_report_unless_it_has_reported(start: Start) -> None:
    def train(trial: Trial) -> dict[str, float]:
        if trial.number == 2:
            trial.report(loss=0.5)
        return {"loss": 0.4}

    cohort = start(train, 1, 2)
    assert cohort.advance() == {1: {"loss": 0.4}, 2: {"loss": 0.5}}
    assert cohort.ended() == [1]
    assert cohort.advance()[2] is None


def test_a_function_stands_still_between_its_turns(start: Start) -> None:
    done: list[int] = []

    def train(trial: Trial) -> None:
        for step in (1, 2):
            done.append(step)
            trial.report(loss=step)

    cohort = start(train)
    assert done == []
    cohort.advance()
    assert done == [1]
    cohort.advance()
    assert done == [1, 2]


def test_the_exception_that_stops_a_trial_passes_by_what_catches_exceptions(start: Start) -> None:
    seen: list[str] = []

    def train(trial: Trial) -> None:
        try:
            while True:
                try:
                    trial.report(loss=0.5)
                except Exception:  # noqa: BLE001 - as frameworks do
                    seen.append("caught")
        finally:
            seen.append("cleaned up")

    cohort = start(train)
    cohort.advance()
    cohort.drop([1])
    assert seen == ["cleaned up"]


def test_a_loop_that_ends_by_itself_sees_that_it_should_and_what_it_reports_then_is_ignored(start: Start) -> None:
    seen: list[bool] = []

    def train(trial: Trial) -> None:
        while not trial.should_stop:
            trial.report({"loss": 0.5}, stop=False)
            seen.append(trial.should_stop)
        trial.report({"loss": 0.4}, stop=False)
        with pytest.raises(StopTrial):
            trial.report({"loss": 0.3})
        seen.append(True)

    cohort = start(train)
    cohort.advance()
    cohort.advance()
    cohort.drop([1])
    assert seen == [False, True, True]


def test_the_running_trial_is_found_from_any_function_and_thread(start: Start) -> None:
    def deep() -> None:
        tuner.report(x=tuner.current_trial().config["x"])

    def train(trial: Trial) -> None:
        deep()
        thread = threading.Thread(target=deep)
        thread.start()
        thread.join()

    cohort = start(train)
    assert [cohort.advance()[1] for _ in range(3)] == [{"x": 0.5}, {"x": 0.5}, None]
    with pytest.raises(tuner.NoTrialError, match="outside of a trial"):
        tuner.current_trial()


def test_trials_that_share_a_process_are_told_apart_by_their_threads(start: Start) -> None:
    def train(trial: Trial) -> None:
        tuner.report(number=tuner.current_trial().number)
        with pytest.raises(tuner.ConfigurationError) as refused:
            _in_a_thread(tuner.current_trial)
        trial.report(told=str(refused.value).startswith("trials 1, 2 share this process"))

    cohort = start(train, 1, 2)
    assert cohort.advance() == {1: {"number": 1}, 2: {"number": 2}}
    assert cohort.advance() == {1: {"told": True}, 2: {"told": True}}


def _in_a_thread(call: Callable[[], object]) -> None:
    raised: list[BaseException] = []

    def called() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - it is raised again
            raised.append(error)

    thread = threading.Thread(target=called)
    thread.start()
    thread.join()
    for error in raised:
        raise error


def test_a_generator_that_a_function_returns_yields_what_it_measures(start: Start) -> None:
    def stream() -> Iterator[dict[str, float]]:
        yield {"loss": 0.5}
        trial(1).report(loss=1.0)

    cohort = start(lambda _: stream())
    assert cohort.advance()[1] == {"loss": 0.5}
    assert "this one is none" in failure(cohort.advance()[1]).message


def test_a_generator_function_does_not_report(start: Start) -> None:
    def train(trial: Trial) -> Iterator[dict[str, float]]:
        yield {"number": tuner.current_trial().number}
        tuner.report(loss=0.5)

    cohort = start(train)
    assert cohort.advance()[1] == {"number": 1}
    assert "trial.report(...) is for objectives that are plain functions" in failure(cohort.advance()[1]).message


def test_what_is_raised_after_a_report_is_the_trials_failure(start: Start) -> None:
    def train(trial: Trial) -> None:
        trial.report(loss=0.5)
        raise ValueError("odd")

    cohort = start(train)
    cohort.advance()
    failed = failure(cohort.advance()[1])
    assert failed.reason is FailureReason.RAISED
    assert failed.message.startswith("ValueError: odd (")
    assert "tuner/execution" not in failed.traceback


@pytest.mark.parametrize("step", [0, -1, True, 1.5, "2"])
def test_a_step_is_a_whole_number_from_one(step: Any, start: Start) -> None:
    cohort = start(lambda trial: trial.report(loss=0.5, step=step))
    assert failure(cohort.advance()[1]).message.startswith(("ValueError", "TypeError"))


def test_a_report_of_nothing_is_refused(start: Start) -> None:
    cohort = start(lambda trial: trial.report())
    assert "give what was measured" in failure(cohort.advance()[1]).message


def test_a_forked_child_reports_nothing_and_is_refused(start: Start) -> None:
    def train(trial: Trial) -> None:
        reading, writing = os.pipe()
        if os.fork() == 0:
            for report in (trial.report, tuner.report):
                try:
                    report(loss=0.5)
                except tuner.NoTrialError as error:
                    os.write(writing, f"{error} {error.hint}\n".encode())
            os._exit(0)
        os.close(writing)
        os.wait()
        with os.fdopen(reading) as told:
            lines = told.read().splitlines()
        trial.report(told=sum("is a child of process" in line for line in lines))

    assert start(train).advance()[1] == {"told": 2}


def test_what_members_draw_does_not_depend_on_the_others(start: Start) -> None:
    def drawing(trial: Trial) -> None:
        while True:
            trial.report(drawn=random.random())

    alone, together = start(drawing, 1), start(drawing, 0, 1, 2)
    assert [alone.advance()[1] for _ in range(3)] == [together.advance()[1] for _ in range(3)]


def test_a_function_that_goes_on_after_it_was_stopped_ends_with_a_process_that_others_share() -> None:
    def train(trial: Trial) -> None:
        while True:
            with suppress(StopTrial):
                trial.report(loss=0.5)

    child = os.fork()
    if child == 0:
        try:
            cohort = GeneratorObjective(train, Host(grace_seconds=0.1)).start([trial()])
            cohort.advance()
            cohort.drop([1])
        finally:
            os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
