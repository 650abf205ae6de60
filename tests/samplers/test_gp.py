"""A Gaussian process over completed trials."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from fakes import MAXIMIZED, MINIMIZED

from tuner import Choice, Float, SearchSpace
from tuner.domain.errors import ConfigurationError
from tuner.domain.trial import TrialRecord, TrialState
from tuner.samplers.gp import GaussianProcess
from tuner.samplers.random import Random

PLANE = SearchSpace(x=Float(0, 1), y=Float(0, 1))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Fit in one thread: on a busy machine several take ten times as long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def best_of(sampler: GaussianProcess | Random, trials: int) -> float:
    """Return the least squared distance to a point that the trials come to."""
    distances: list[float] = []
    for number in range(1, trials + 1):
        config = sampler.suggest(number)
        assert config is not None
        distances.append((config["x"] - 0.2) ** 2 + (config["y"] - 0.9) ** 2)
        sampler.observe(ended(number, config["x"], config["y"], distances[-1]))
    return min(distances)


def ended(number: int, x: float, y: float, value: float, state: TrialState = TrialState.COMPLETE) -> TrialRecord:
    config = PLANE.at({"x": x, "y": y})
    return TrialRecord(number=number, state=state, config=config, value=value, epoch=1, curve={1: value})


@pytest.mark.parametrize("seed", range(2))
def test_few_trials_find_the_minimum_of_a_quadratic_where_random_ones_do_not(seed: int) -> None:
    learned = best_of(GaussianProcess(PLANE, MINIMIZED, seed), 18)
    assert learned < 1e-3
    assert learned < best_of(Random(PLANE, MINIMIZED, seed), 18) / 5


def test_the_first_trials_are_random_whatever_was_measured() -> None:
    told, untold = (GaussianProcess(PLANE, MAXIMIZED, 0, startup_trials=4) for _ in range(2))
    for number in range(3):
        told.observe(ended(number, number / 3, 0.5, float(number)))
    assert told.suggest(9) == untold.suggest(9)
    told.observe(ended(3, 1.0, 0.5, 3.0))
    assert told.suggest(9) != untold.suggest(9)


def test_trials_that_were_stopped_teach_nothing() -> None:
    told, untold = (GaussianProcess(PLANE, MAXIMIZED, 0) for _ in range(2))
    for number, (x, y) in enumerate(np.random.default_rng(0).random((10, 2))):
        for sampler in (told, untold):
            sampler.observe(ended(number, float(x), float(y), float(x - y)))
    for number in range(10, 20):
        told.observe(ended(number, 0.1, 0.9, 5.0, TrialState.PRUNED))
    assert told.suggest(20) == untold.suggest(20)


@pytest.mark.parametrize("values", [{}, {"value": None, "epoch": 0, "curve": {}}], ids=["measured", "unmeasured"])
def test_where_trials_failed_nothing_is_proposed_although_it_would_be_the_best_place(values: dict[str, Any]) -> None:
    sampler = GaussianProcess(PLANE, MAXIMIZED, 0, startup_trials=4)
    for number, (x, y) in enumerate(np.random.default_rng(0).random((12, 2))):
        trial = ended(number, float(x), float(y), float(x + y))
        if x > 0.6:
            trial = replace(trial, state=TrialState.FAIL, **values)
        sampler.observe(trial)
    configs = [config for config in map(sampler.suggest, range(12, 15)) if config is not None]
    assert all(config["x"] < 0.75 for config in configs)


def test_a_study_of_which_every_trial_failed_looks_elsewhere() -> None:
    sampler = GaussianProcess(PLANE, MAXIMIZED, 0, startup_trials=4)
    for number in range(8):
        trial = ended(number, 0.1 + number / 80, 0.1, 0.0)
        sampler.observe(replace(trial, state=TrialState.FAIL, value=None, curve={}))
    config = sampler.suggest(8)
    assert config is not None
    assert config["x"] + config["y"] > 0.6


def test_schedulers_that_stop_trials_are_refused_with_what_to_use_instead() -> None:
    (problem,) = GaussianProcess.problems(PLANE, MAXIMIZED, stops_early=True)
    assert "scheduler patience or none" in problem


def test_conditional_spaces_are_refused_and_plain_choices_are_not() -> None:
    conditional = SearchSpace(kind=Choice(a={"x": Float(0, 1)}, b={}))
    (problem,) = GaussianProcess.problems(conditional, MAXIMIZED, stops_early=False)
    assert "only in some configurations" in problem
    assert [*GaussianProcess.problems(SearchSpace(kind=Choice("a", "b")), MAXIMIZED, stops_early=False)] == []


def test_a_study_without_a_first_random_trial_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"sampler\.startup_trials: 0 is below 1"):
        GaussianProcess(PLANE, MAXIMIZED, 0, startup_trials=0)
