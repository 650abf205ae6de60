"""Densities of good and of poor trials."""

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from fakes import MAXIMIZED, MINIMIZED

from tuner import Choice, Float, SearchSpace
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.goal import Goal
from tuner.domain.sampler import Sampler
from tuner.domain.study import Direction
from tuner.domain.trial import Failure, FailureReason, TrialRecord, TrialState
from tuner.samplers.random import Random
from tuner.samplers.tpe import TPE

PLANE = SearchSpace(x=Float(0, 1), y=Float(0, 1))
LINE = SearchSpace(x=Float(0, 1))
SEVERAL = Goal(metrics=("accuracy", "size"), directions=(Direction.MAXIMIZE, Direction.MINIMIZE))
BOUND = Goal.of("accuracy", Direction.MAXIMIZE, "size <= 0.6")


def ended(
    number: int, config: Config, value: float, state: TrialState = TrialState.COMPLETE, epochs: int = 1
) -> TrialRecord:
    curve = dict.fromkeys(range(1, epochs + 1), value)
    return TrialRecord(number=number, state=state, config=config, value=value, epoch=1, curve=curve)


def best_of(sampler: Sampler, trials: int) -> float:
    """Return the least squared distance to a point that the trials come to."""
    distances: list[float] = []
    for number in range(1, trials + 1):
        config = sampler.suggest(number)
        assert config is not None
        distances.append((config["x"] - 0.2) ** 2 + (config["y"] - 0.9) ** 2)
        sampler.observe(ended(number, config, distances[-1]))
    return min(distances)


def proposals(sampler: TPE, begin: int = 200, count: int = 40) -> list[Config]:
    return [config for config in map(sampler.suggest, range(begin, begin + count)) if config is not None]


def test_a_quadratic_is_minimised_better_than_at_random_on_average() -> None:
    learned = np.mean([best_of(TPE(PLANE, MINIMIZED, seed), 60) for seed in range(6)])
    drawn = np.mean([best_of(Random(PLANE, MINIMIZED, seed), 60) for seed in range(6)])
    assert learned < drawn / 3


def test_parameters_of_a_branch_are_modelled_together() -> None:
    space = SearchSpace(kind=Choice(pair={"a": Float(0, 1), "b": Float(0, 1)}, single={"c": Float(0, 1)}))
    sampler = TPE(space, MAXIMIZED, 0)
    draw = random.Random(0)
    for number in range(150):
        config = space.build(lambda _, each: each.at(draw.random()))
        kind = config["kind"]
        # Any a and any b are as good as another: only that they are equal counts.
        value = -abs(kind["a"] - kind["b"]) if kind["name"] == "pair" else -2.0
        sampler.observe(ended(number, config, value))
    kinds = [config["kind"] for config in proposals(sampler) if config["kind"]["name"] == "pair"]
    a, b = (np.array([kind[name] for kind in kinds]) for name in "ab")
    assert len(kinds) > 30
    # Each a is nearer to its own b than to the others': had they been drawn one by one, it would not be.
    assert np.abs(a - b).mean() < np.abs(a[:, np.newaxis] - b).mean() / 2


def test_a_better_branch_is_proposed_more_often() -> None:
    space = SearchSpace(kind=Choice(good={"a": Float(0, 1)}, poor={"b": Float(0, 1)}))
    sampler = TPE(space, MAXIMIZED, 0)
    draw = random.Random(0)
    for number in range(40):
        config = space.build(lambda _, each: each.at(draw.random()))
        sampler.observe(ended(number, config, float(config["kind"]["name"] == "good")))
    names = [config["kind"]["name"] for config in proposals(sampler)]
    assert names.count("good") > 30


def test_the_first_trials_are_random_whatever_was_measured() -> None:
    told, untold = (TPE(LINE, MAXIMIZED, 0, startup_trials=5) for _ in range(2))
    for number in range(4):
        told.observe(ended(number, LINE.at({"x": number / 4}), number / 4))
    assert told.suggest(9) == untold.suggest(9)
    told.observe(ended(4, LINE.at({"x": 1.0}), 1.0))
    assert told.suggest(9) != untold.suggest(9)


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING, TrialState.WAITING])
def test_a_trial_counts_with_its_best_value_so_far_whatever_its_state(state: TrialState) -> None:
    sampler = TPE(LINE, MAXIMIZED, 0)
    for number in range(30):
        x = number / 29
        sampler.observe(ended(number, LINE.at({"x": x}), x, state))
    assert np.mean([config["x"] > 0.6 for config in proposals(sampler)]) > 0.6


def test_a_poor_first_trial_is_not_good_because_it_was_trained_to_the_end() -> None:
    sampler = TPE(LINE, MAXIMIZED, 0)
    sampler.observe(ended(0, LINE.at({"x": 0.1}), 0.0, epochs=27))
    for number in range(1, 24):
        sampler.observe(ended(number, LINE.at({"x": 0.7 + number / 50}), number / 20, TrialState.PRUNED, 26))
    assert np.mean([config["x"] < 0.3 for config in proposals(sampler)]) < 0.25


def test_where_trials_are_stopped_early_the_model_begins_after_twenty_trainings_worth_of_epochs() -> None:
    told, untold = (TPE(LINE, MAXIMIZED, 0) for _ in range(2))
    for number in range(100):
        epochs = 27 if number % 10 == 0 else 1
        told.observe(ended(number, LINE.at({"x": number / 99}), number / 99, TrialState.PRUNED, epochs))
    assert proposals(told) == proposals(untold)
    for number in range(100, 120):
        told.observe(ended(number, LINE.at({"x": 0.9}), 0.9, TrialState.PRUNED, 27))
    assert proposals(told) != proposals(untold)


def test_where_trials_are_stopped_early_a_third_of_the_proposals_is_random() -> None:
    told = TPE(LINE, MAXIMIZED, 0)
    for number in range(30):
        told.observe(ended(number, LINE.at({"x": number / 29}), number / 29, TrialState.PRUNED))
    far = np.mean([config["x"] < 0.5 for config in proposals(told, count=120)])
    assert 0.08 < far < 0.3


def test_parallel_proposals_keep_away_from_trials_that_run() -> None:
    busy, idle = (TPE(LINE, MAXIMIZED, 0) for _ in range(2))
    for number in range(20):
        config = LINE.at({"x": number / 19})
        for sampler in (busy, idle):
            sampler.observe(ended(number, config, -abs(number / 19 - 0.5)))
    for number in range(20, 40):
        busy.observe(TrialRecord(number=number, state=TrialState.RUNNING, config=LINE.at({"x": 0.5})))
    distances = [[abs(config["x"] - 0.5) for config in proposals(sampler)] for sampler in (busy, idle)]
    assert np.mean(distances[0]) > 1.5 * np.mean(distances[1])


@pytest.mark.parametrize("reason", FailureReason)
def test_where_trials_fail_fewer_are_proposed_whatever_the_reason(reason: FailureReason) -> None:
    told, untold = (TPE(LINE, MAXIMIZED, 0) for _ in range(2))
    for number in range(20):
        for sampler in (told, untold):
            sampler.observe(ended(number, LINE.at({"x": number / 25}), number / 25))
    for number in range(20, 40):
        config = LINE.at({"x": 0.8 + number / 200})
        failure = Failure(reason=reason, message="it broke")
        told.observe(TrialRecord(number=number, state=TrialState.FAIL, config=config, failure=failure))
    shares = [np.mean([config["x"] > 0.85 for config in proposals(sampler)]) for sampler in (told, untold)]
    assert shares[0] < shares[1] / 2


def test_values_that_a_trial_measured_before_it_failed_do_not_make_it_good() -> None:
    sampler = TPE(LINE, MAXIMIZED, 0)
    for number in range(20):
        x = number / 19
        sampler.observe(ended(number, LINE.at({"x": x}), x, TrialState.FAIL if x > 0.6 else TrialState.COMPLETE))
    assert np.mean([config["x"] > 0.7 for config in proposals(sampler)]) < 0.2


def test_a_study_of_which_every_trial_failed_looks_elsewhere() -> None:
    sampler = TPE(LINE, MAXIMIZED, 0)
    for number in range(12):
        trial = ended(number, LINE.at({"x": number / 30}), 0.0, TrialState.FAIL)
        sampler.observe(replace(trial, value=None, curve={}))
    assert np.mean([config["x"] > 0.5 for config in proposals(sampler)]) > 0.8


BRANCHES = SearchSpace(
    kind=Choice("fine", broken={"a": Float(0, 1)}, good={"b": Float(0, 1)}), x=Float(0, 1), y=Float(0, 1)
)
SHAPES: dict[str, Callable[[Config], bool]] = {
    "a branch": lambda config: config["kind"]["name"] == "broken",
    "a cliff in two dimensions": lambda config: config["x"] * config["y"] > 0.3,
    "four of five": lambda config: config["x"] > 0.2,
}


@pytest.mark.parametrize(
    ("title", "goal"),
    [*((title, MAXIMIZED) for title in SHAPES), ("a branch", SEVERAL), ("a branch", BOUND)],
    ids=[*SHAPES, "a branch, two metrics", "a branch, a constraint"],
)
def test_of_the_later_trials_clearly_fewer_fail_than_at_random(title: str, goal: Goal) -> None:
    fails = SHAPES[title]

    def failed(sampler: Sampler) -> float:
        count = 0
        for number in range(1, 61):
            config = sampler.suggest(number)
            assert config is not None
            value = -((config["x"] - 0.05) ** 2) - (config["y"] - 0.2) ** 2
            trial = replace(ended(number, config, value), metrics={"accuracy": value, "size": config["y"]})
            sampler.observe(replace(trial, state=TrialState.RUNNING, value=None, curve={}, metrics={}))
            if fails(config):
                trial = replace(trial, state=TrialState.FAIL, value=None, curve={}, metrics={})
                count += number > 30
            sampler.observe(trial)
        return count

    learned = np.mean([failed(TPE(BRANCHES, goal, seed)) for seed in range(2)])
    drawn = np.mean([failed(Random(BRANCHES, goal, seed)) for seed in range(2)])
    assert learned < 0.75 * drawn


def test_any_space_is_taken() -> None:
    space = SearchSpace(kind=Choice(a={"x": Float(0, 1)}, b={}))
    assert [*TPE.problems(space, MAXIMIZED, stops_early=True)] == []


def test_a_study_without_a_first_random_trial_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"sampler\.startup_trials: 0 is below 1"):
        TPE(LINE, MAXIMIZED, 0, startup_trials=0)
