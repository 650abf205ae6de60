"""Densities of good and of poor trials."""

import random

import numpy as np
import pytest
from fakes import MAXIMIZED, MINIMIZED

from tuner import Choice, Float, SearchSpace
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.sampler import Sampler
from tuner.domain.trial import TrialRecord, TrialState
from tuner.samplers.random import Random
from tuner.samplers.tpe import TPE

PLANE = SearchSpace(x=Float(0, 1), y=Float(0, 1))
LINE = SearchSpace(x=Float(0, 1))


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


def test_of_trials_that_were_stopped_those_that_came_further_count_as_better() -> None:
    sampler = TPE(LINE, MAXIMIZED, 0)
    for number in range(30):
        x = number / 29
        sampler.observe(ended(number, LINE.at({"x": x}), 0.5, TrialState.PRUNED, epochs=9 if x > 0.7 else 1))
    assert np.mean([config["x"] > 0.6 for config in proposals(sampler)]) > 0.8


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


def test_trials_that_failed_teach_nothing() -> None:
    told, untold = (TPE(LINE, MAXIMIZED, 0) for _ in range(2))
    for number in range(20):
        for sampler in (told, untold):
            sampler.observe(ended(number, LINE.at({"x": number / 19}), number / 19))
    for number in range(20, 40):
        told.observe(TrialRecord(number=number, state=TrialState.FAIL, config=LINE.at({"x": 0.9})))
    assert proposals(told) == proposals(untold)


def test_any_space_is_taken() -> None:
    space = SearchSpace(kind=Choice(a={"x": Float(0, 1)}, b={}))
    assert [*TPE.problems(space, MAXIMIZED, stops_early=True)] == []


def test_a_study_without_a_first_random_trial_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"sampler\.startup_trials: 0 is below 1"):
        TPE(LINE, MAXIMIZED, 0, startup_trials=0)
