"""Covariance matrix adaptation, generation by generation."""

import numpy as np
import pytest
from fakes import MAXIMIZED, MINIMIZED

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.trial import TrialRecord, TrialState
from tuner.samplers.cma_es import CMAES
from tuner.samplers.random import Random

SPACE = SearchSpace(**{f"x{index}": Float(-5, 5) for index in range(4)})
PLANE = SearchSpace(x=Float(0, 1), y=Float(0, 1))


def sphere(config: Config) -> float:
    return float(sum((value - 2) ** 2 for value in config.values()))


def ended(number: int, config: Config, value: float | None, state: TrialState = TrialState.COMPLETE) -> TrialRecord:
    if value is None:
        return TrialRecord(number=number, state=state, config=config)
    return TrialRecord(number=number, state=state, config=config, value=value, epoch=1, curve={1: value})


def minimised(sampler: CMAES | Random, trials: int) -> list[float]:
    values = []
    for number in range(1, trials + 1):
        config = sampler.suggest(number)
        assert config is not None
        values.append(sphere(config))
        sampler.observe(ended(number, config, values[-1]))
    return values


def centre(sampler: CMAES) -> float:
    """Return where the proposals lie on average on the x axis of the plane."""
    configs = [sampler.suggest(number) for number in range(100, 200)]
    return float(np.mean([config["x"] for config in configs if config is not None]))


@pytest.mark.parametrize("seed", range(3))
def test_the_sphere_is_approached_and_found_better_than_at_random(seed: int) -> None:
    values = minimised(CMAES(SPACE, MINIMIZED, seed), 120)
    assert np.mean(values[-8:]) < np.mean(values[:8]) / 5
    assert min(values) < min(minimised(Random(SPACE, MINIMIZED, seed), 120)) / 4


def test_a_generation_is_only_learned_from_when_it_is_complete() -> None:
    sampler = CMAES(PLANE, MAXIMIZED, 0, population=4)
    before = sampler.suggest(50)
    for number in range(4):
        assert sampler.suggest(50) == before
        sampler.observe(ended(number, PLANE.at({"x": number / 3, "y": 0.5}), number / 3))
    assert sampler.suggest(50) != before


@pytest.mark.parametrize("population", [0, 6])
def test_a_generation_has_four_and_three_times_the_logarithm_of_the_dimensions_unless_told_otherwise(
    population: int,
) -> None:
    sampler = CMAES(PLANE, MAXIMIZED, 0, population=population)
    before = sampler.suggest(50)
    told = 0
    while sampler.suggest(50) == before:
        sampler.observe(ended(told, PLANE.at({"x": told / 10, "y": 0.5}), float(told)))
        told += 1
    assert told == 6


def test_proposals_move_towards_the_better_half() -> None:
    up, down = CMAES(PLANE, MAXIMIZED, 0), CMAES(PLANE, MINIMIZED, 0)
    for number in range(12):
        x = number % 6 / 5
        for sampler in (up, down):
            sampler.observe(ended(number, PLANE.at({"x": x, "y": 0.5}), x))
    assert centre(down) < 0.4
    assert centre(up) > 0.6


@pytest.mark.parametrize("value", [None, 99.0])
def test_failed_trials_count_as_the_worst_of_their_generation(value: float | None) -> None:
    sampler = CMAES(PLANE, MAXIMIZED, 0)
    for number in range(12):
        x = number % 6 / 5
        fails = x > 0.5
        state = TrialState.FAIL if fails else TrialState.COMPLETE
        sampler.observe(ended(number, PLANE.at({"x": x, "y": 0.5}), value if fails else 1.0 - x, state))
    assert centre(sampler) < 0.4


def test_trials_that_run_teach_nothing_yet() -> None:
    sampler = CMAES(PLANE, MAXIMIZED, 0, population=4)
    before = sampler.suggest(50)
    for number in range(9):
        sampler.observe(ended(number, PLANE.at({"x": number / 9, "y": 0.5}), 1.0, TrialState.RUNNING))
    assert sampler.suggest(50) == before


def test_the_order_in_which_trials_end_makes_no_difference() -> None:
    forwards, backwards = CMAES(PLANE, MAXIMIZED, 0), CMAES(PLANE, MAXIMIZED, 0)
    records = [ended(number, PLANE.at({"x": number / 12, "y": number / 24}), number / 12) for number in range(12)]
    for first, last in zip(records, reversed(records), strict=True):
        forwards.observe(first)
        backwards.observe(last)
    assert forwards.suggest(20) == backwards.suggest(20)


@pytest.mark.parametrize(
    ("space", "reason"),
    [
        (SearchSpace(x=Float(0, 1), name=Choice("a", "b"), flag=Choice(True, False)), "choices: name, flag; use"),
        (SearchSpace(kind=Choice(a={"x": Float(0, 1), "size": Choice(1, 2)}, b={})), "choices: kind, kind.a.size; use"),
        (SearchSpace(n=Int(1, 9)), "at least two parameters"),
    ],
)
def test_choices_and_single_numbers_are_refused(space: SearchSpace, reason: str) -> None:
    (problem,) = CMAES.problems(space, MAXIMIZED, stops_early=False)
    assert reason in problem
    assert "use the sampler tpe" in problem


@pytest.mark.parametrize("population", [-1, 1, 2])
def test_a_population_too_small_to_have_a_covariance_is_refused(population: int) -> None:
    with pytest.raises(ConfigurationError, match=rf"sampler\.population: {population} is neither"):
        CMAES(PLANE, MAXIMIZED, 0, population=population)
