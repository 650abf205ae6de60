"""A program asks for trials and tells their results: states, steps, stops, failures, threads."""

import math
import threading
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import tuner
from tuner import AskedTrial, AskTellStudy, StopCause, TrialState
from tuner.domain.errors import ConfigurationError, NoUsableTrialError, StopTrial, TooManyFailuresError
from tuner.storage.store import open_store

pytestmark = pytest.mark.usefixtures("workplace")

SPACE = tuner.SearchSpace(x=tuner.Float(0, 1))


def study(**overrides: Any) -> AskTellStudy:
    given = {"metric": "loss", "direction": "minimize", "name": "asked", "trials": 4, "epochs": 9, "sampler": "random"}
    return tuner.create_study(SPACE, **{**given, **overrides})


def asked(study: AskTellStudy) -> AskedTrial:
    trial = study.ask()
    assert trial is not None
    return trial


def test_a_study_hands_out_its_trials_and_then_none() -> None:
    with study(trials=3) as opened:
        told = [opened.tell(trial, trial.config["x"]) for trial in iter(opened.ask, None)]
        assert opened.is_finished
        assert opened.stop_cause is None
        assert opened.best_trial == min(told, key=lambda trial: trial.config["x"])
    assert [trial.number for trial in told] == [0, 1, 2]
    assert told[0].config == {"x": 0.5}
    assert {trial.state for trial in told} == {TrialState.COMPLETE}
    assert tuner.load_study("asked").trials == tuple(told)


def test_a_trial_has_the_seed_that_a_run_would_give_it() -> None:
    with study() as opened:
        seeds = {asked(opened).seed for _ in range(3)}
    assert len(seeds) == 3
    with study(name="again") as opened:
        assert {asked(opened).seed for _ in range(3)} == seeds


def test_several_metrics_are_told_as_a_mapping() -> None:
    with study(metric=None, direction=None, metrics=["loss", "size"], directions=["minimize"] * 2) as opened:
        record = opened.tell(asked(opened), {"loss": 0.5, "size": 3, "seconds": 1})
    assert record.metrics == {"loss": 0.5, "size": 3.0, "seconds": 1.0}


def test_the_scheduler_stops_a_reporting_trial() -> None:
    with study(scheduler="asha") as opened:
        good, poor = asked(opened), asked(opened)
        for step in range(1, 9):
            good.report(loss=0.1, step=step)
        assert not good.should_stop
        poor.report({"loss": 0.9})
        assert poor.should_stop
        poor.report(loss=0.0)
        assert opened.tell(poor, 0.0).state is TrialState.PRUNED
        assert opened.tell(good).state is TrialState.COMPLETE
    trials = tuner.load_study("asked").trials
    assert [trial.value for trial in trials] == [0.1, 0.9]
    assert [trial.last_epoch for trial in trials] == [8, 1]


def test_the_last_epoch_of_the_budget_ends_a_trial() -> None:
    with study(epochs=2, scheduler="none") as opened:
        trial = asked(opened)
        trial.report(loss=0.5)
        assert not trial.should_stop
        trial.report(loss=0.4)
        assert trial.should_stop
        assert opened.tell(trial).state is TrialState.COMPLETE


def test_steps_are_in_order_and_jump_over_rungs() -> None:
    with study(scheduler={"name": "asha", "min_epochs": 3, "eta": 3}) as opened:
        trial = asked(opened)
        trial.report(loss=0.5, step=2)
        with pytest.raises(ConfigurationError, match="step 2 is not above the last one that was reported, 2"):
            trial.report(loss=0.5, step=2)
        with pytest.raises(ConfigurationError, match=r"step 10 is beyond the last epoch, budget\.epochs = 9"):
            trial.report(loss=0.5, step=10)
        trial.report(loss=0.4, step=4)
        trial.report(loss=0.3)
        assert opened.tell(trial).curve == {2: 0.5, 4: 0.4, 5: 0.3}


def test_a_trial_of_another_study_is_refused_and_stays_to_be_told() -> None:
    with study() as opened, study(name="other") as other:
        trial = asked(opened)
        with pytest.raises(ConfigurationError, match="trial 0 was asked of another study"):
            other.tell(trial, 0.5)
        with pytest.raises(ConfigurationError, match=r"0 is no trial that ask\(\) has returned"):
            opened.tell(trial.number, 0.5)  # type: ignore[arg-type]
        assert opened.tell(trial, 0.5).value == 0.5
        assert other.trials == ()


def test_what_is_no_usable_value_is_the_programs_mistake_and_changes_nothing() -> None:
    with study() as opened:
        trial = asked(opened)
        with pytest.raises(ConfigurationError, match="the program does not yield the study's metric 'loss'"):
            opened.tell(trial, {"los": 1})
        with pytest.raises(ConfigurationError, match="which is not a number"):
            trial.report({"loss": "low"})
        with pytest.raises(ConfigurationError, match="trial 0 has measured nothing"):
            opened.tell(trial)
        assert opened.tell(trial, 0.5).state is TrialState.COMPLETE
        with pytest.raises(ConfigurationError, match="trial 0 has its result already"):
            opened.tell(trial, 0.5)


def test_a_value_that_is_not_finite_fails_the_trial() -> None:
    with study() as opened:
        trial = asked(opened)
        trial.report(loss=math.nan)
        assert trial.should_stop
        assert opened.tell(trial).failure == tuner.Failure(
            reason=tuner.FailureReason.NOT_FINITE, message="the metric 'loss' is nan"
        )


def test_a_metric_that_is_left_out_is_warned_of() -> None:
    with study() as opened, pytest.warns(UserWarning, match="'note' is 'warm': a metric is kept only where"):
        assert opened.tell(asked(opened), {"loss": 0.5, "note": "warm"}).metrics == {"loss": 0.5}


def test_a_failure_is_told_by_text_or_exception() -> None:
    with study() as opened:
        failures = [
            opened.tell(asked(opened), failure="the reactor is off").failure,
            opened.tell(asked(opened), failure=ValueError("too hot")).failure,
        ]
        with pytest.raises(ConfigurationError, match="not both"):
            opened.tell(asked(opened), 0.5, failure="both")
    assert [failure.message for failure in failures if failure] == ["the reactor is off", "ValueError: too hot"]


def test_a_block_tells_its_trial_and_an_exception_is_its_failure() -> None:
    with study(trials=5, scheduler="none") as opened:
        with asked(opened) as trial:
            trial.report(loss=0.5)
        with asked(opened) as trial:
            raise ValueError("it broke")
        with asked(opened):
            pass
        with asked(opened) as trial:
            opened.tell(trial, 0.3)
        with asked(opened) as trial:
            trial.report(loss=0.7)
            raise StopTrial
        states = [trial.state.value for trial in opened.trials]
    assert states == ["COMPLETE", "FAIL", "FAIL", "COMPLETE", "COMPLETE"]
    first, second = (trial.failure.message for trial in opened.trials if trial.failure)
    assert first.startswith("ValueError: it broke (")
    assert second == "it ended without a report or a result"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ConfigurationError("a mistake")])
def test_what_ends_the_program_is_no_failure_and_its_trial_is_put_back(error: BaseException) -> None:
    with pytest.raises(type(error)), study() as opened, asked(opened):
        raise error
    assert [trial.state for trial in open_store(None).read("asked")[1]] == [TrialState.WAITING]


def test_threads_ask_and_tell_at_the_same_time() -> None:
    together = threading.Barrier(4)

    def work(_: int) -> list[int]:
        together.wait()
        numbers = []
        while (trial := opened.ask()) is not None:
            trial.report(loss=trial.config["x"] + 1)
            opened.tell(trial, trial.config["x"])
            numbers.append(trial.number)
        return numbers

    with study(trials=40, scheduler="none") as opened, ThreadPoolExecutor(4) as threads:
        counts = Counter(number for numbers in threads.map(work, range(4)) for number in numbers)
        assert opened.is_finished
    assert counts == Counter(range(40))
    assert all(trial.value == trial.config["x"] for trial in tuner.load_study("asked").trials)


def test_a_study_whose_trials_all_fail_says_so_when_it_is_asked() -> None:
    with study(trials=50) as opened:
        for _ in range(5):
            opened.tell(asked(opened), failure="no licence")
        with pytest.raises(TooManyFailuresError, match="5 of 5 trials failed; 5 of them with: no licence") as raised:
            opened.ask()
        assert "tuner.create_study(..., name='asked', resume=True)" in raised.value.hint
    assert tuner.load_study("asked").stop_cause is StopCause.FAILURES


def test_there_is_no_best_trial_before_the_first() -> None:
    with study() as opened, pytest.raises(NoUsableTrialError, match="no trial of study 'asked' is complete"):
        _ = opened.best_trial


def test_a_closed_study_hands_out_nothing_and_stays_readable() -> None:
    opened = study()
    trial = asked(opened)
    opened.tell(asked(opened), 0.5)
    opened.close()
    opened.close()
    assert opened.best_trial.number == 1
    for use in (opened.ask, lambda: opened.tell(trial, 1), lambda: trial.report(loss=1)):
        with pytest.raises(ConfigurationError, match="study 'asked' is closed"):
            use()


def test_reporting_and_telling_warn_of_nothing() -> None:
    with warnings.catch_warnings(), study() as opened:
        warnings.simplefilter("error")
        trial = asked(opened)
        trial.report(loss=1)
        opened.tell(trial, 0.5)
