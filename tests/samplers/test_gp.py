"""A Gaussian process over configurations and epochs."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fakes import MAXIMIZED, MINIMIZED

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.goal import Goal
from tuner.domain.sampler import FixedParams, Sampler
from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord, TrialState
from tuner.samplers.gp import GaussianProcess
from tuner.samplers.random import Random

PLANE = SearchSpace(x=Float(0, 1), y=Float(0, 1))
BRANCHES = SearchSpace(kind=Choice(good={"a": Float(0, 1)}, poor={"b": Float(0, 1), "c": Int(1, 9)}))


def best_of(sampler: Sampler, trials: int) -> float:
    """Return the least squared distance to a point that the trials come to."""
    distances: list[float] = []
    for number in range(1, trials + 1):
        config = sampler.suggest(number)
        assert config is not None
        distances.append((config["x"] - 0.2) ** 2 + (config["y"] - 0.9) ** 2)
        sampler.observe(ended(number, config, {1: distances[-1]}))
    return min(distances)


def ended(
    number: int, config: Config, curve: Mapping[int, float], state: TrialState = TrialState.COMPLETE
) -> TrialRecord:
    value = max(curve.values(), default=None)
    return TrialRecord(number=number, state=state, config=config, value=value, epoch=max(curve, default=0), curve=curve)


def drawn(space: SearchSpace, count: int, seed: int = 0) -> list[Config]:
    generator = np.random.default_rng(seed)
    return [space.build(lambda _, each: each.at(float(generator.random()))) for _ in range(count)]


def proposals(sampler: Sampler, begin: int = 100, count: int = 20) -> list[Config]:
    return [config for config in map(sampler.suggest, range(begin, begin + count)) if config is not None]


def test_few_trials_find_the_minimum_of_a_quadratic_where_random_ones_do_not() -> None:
    learned = np.median([best_of(GaussianProcess(PLANE, MINIMIZED, seed), 20) for seed in range(5)])
    random = np.median([best_of(Random(PLANE, MINIMIZED, seed), 20) for seed in range(5)])
    assert learned < random / 5


def test_in_many_dimensions_most_proposals_are_far_better_than_all_that_is_known() -> None:
    space = SearchSpace(**{name: Float(0, 1) for name in "abcdef"})

    def loss(config: Config) -> float:
        return float(sum((config[name] - 0.3) ** 2 for name in "abcdef"))

    shares = []
    for seed in range(5):
        sampler, configs = GaussianProcess(space, MINIMIZED, seed), drawn(space, 40, seed)
        for number, config in enumerate(configs):
            sampler.observe(ended(number, config, {1: loss(config)}))
        shares.append(np.median(list(map(loss, proposals(sampler)))) / min(map(loss, configs)))
    assert np.median(shares) < 0.3


def test_the_first_trials_are_random_whatever_was_measured() -> None:
    observing, other = (GaussianProcess(PLANE, MAXIMIZED, 0, startup_trials=4) for _ in range(2))
    configs = drawn(PLANE, 4)
    for number, config in enumerate(configs[:3]):
        observing.observe(ended(number, config, {1: float(number)}))
    assert observing.suggest(9) == other.suggest(9)
    observing.observe(ended(3, configs[3], {1: 3.0}))
    assert proposals(observing) != proposals(other)


@pytest.mark.parametrize("state", [TrialState.PRUNED, TrialState.RUNNING])
def test_trials_that_were_stopped_or_still_run_teach_what_they_reached(state: TrialState) -> None:
    sampler = GaussianProcess(PLANE, MAXIMIZED, 0)
    for number, config in enumerate(drawn(PLANE, 20)):
        sampler.observe(ended(number, config, {1: config["x"]}, state))
    assert np.mean([config["x"] for config in proposals(sampler)]) > 0.8


def test_what_is_good_at_the_end_is_proposed_although_it_is_poor_at_first() -> None:
    sampler = GaussianProcess(PLANE, MAXIMIZED, 0)
    for number, config in enumerate(drawn(PLANE, 40)):
        last = 27 if number % 3 == 0 else 1
        # Slow learners, with a high x, come out best.
        curve = {epoch: (1 - config["x"]) + 2 * config["x"] * (epoch - 1) / 26 for epoch in (1, 3, 9, 27)}
        known = {epoch: value for epoch, value in curve.items() if epoch <= last}
        sampler.observe(ended(number, config, known, TrialState.COMPLETE if last > 1 else TrialState.PRUNED))
    assert np.mean([config["x"] for config in proposals(sampler)]) > 0.7


@pytest.mark.parametrize("curve", [{1: 2.0}, {}], ids=["measured", "unmeasured"])
def test_where_trials_failed_little_is_proposed_although_it_would_be_the_best_place(curve: Mapping[int, float]) -> None:
    sampler = GaussianProcess(PLANE, MAXIMIZED, 0, startup_trials=4)
    for number, config in enumerate(drawn(PLANE, 24)):
        failed = config["x"] > 0.6
        measured = curve if failed else {1: config["x"] + config["y"]}
        sampler.observe(ended(number, config, measured, TrialState.FAIL if failed else TrialState.COMPLETE))
    places = [config["x"] for config in proposals(sampler)]
    assert sum(x > 0.75 for x in places) < len(places) / 4


def test_a_study_of_which_every_trial_failed_looks_elsewhere() -> None:
    sampler = GaussianProcess(PLANE, MAXIMIZED, 0, startup_trials=4)
    for number in range(8):
        sampler.observe(ended(number, PLANE.at({"x": 0.1 + number / 80, "y": 0.1}), {}, TrialState.FAIL))
    near = [abs(config["x"] - 0.15) < 0.15 and config["y"] < 0.2 for config in proposals(sampler, count=60)]
    assert np.mean(near) < 0.03  # of random ones it would be 6 %


HUGE = {
    "one sign": lambda x: (x - 0.3) ** 2 if x < 0.5 else 1e308,
    "all near the end of doubles": lambda x: 1.7e308 if x > 0.5 else 1.69e308,
    "both signs": lambda x: 1.7e308 if x > 0.5 else -1.7e308,
    "a large offset": lambda x: 1e300 * (1 + x),
}


@pytest.mark.parametrize("loss", HUGE.values(), ids=HUGE)
def test_losses_as_large_as_doubles_are_learned_from_like_all_others(loss: Callable[[float], float]) -> None:
    sampler = GaussianProcess(PLANE, MINIMIZED, 0)
    for number, config in enumerate(drawn(PLANE, 40)):
        sampler.observe(ended(number, config, {1: loss(config["x"])}))
    assert np.mean([config["x"] < 0.5 for config in proposals(sampler)]) > 0.75


def test_huge_values_of_one_of_several_metrics_leave_the_other_to_be_learned() -> None:
    goal = Goal(metrics=("accuracy", "size"), directions=(Direction.MAXIMIZE, Direction.MINIMIZE))
    sampler = GaussianProcess(PLANE, goal, 0)
    for number, config in enumerate(drawn(PLANE, 40)):
        metrics = {"accuracy": config["y"], "size": (-1e308, 1e308)[number % 2]}
        sampler.observe(replace(ended(number, config, {1: metrics["accuracy"]}), metrics=metrics))
    assert np.mean([config["y"] for config in proposals(sampler)]) > 0.65


def test_a_better_branch_is_proposed_more_often_and_its_numbers_are_learned() -> None:
    sampler = GaussianProcess(BRANCHES, MAXIMIZED, 0)
    for number, config in enumerate(drawn(BRANCHES, 30)):
        kind = config["kind"]
        sampler.observe(ended(number, config, {1: 1 - abs(kind["a"] - 0.3) if kind["name"] == "good" else 0.2}))
    kinds = [config["kind"] for config in proposals(sampler)]
    good = [kind["a"] for kind in kinds if kind["name"] == "good"]
    assert len(good) > 15
    assert np.median(np.abs(np.array(good) - 0.3)) < 0.15


def test_proposals_have_the_values_that_are_held() -> None:
    sampler = GaussianProcess(BRANCHES, MAXIMIZED, 0)
    for number, config in enumerate(drawn(BRANCHES, 20)):
        sampler.observe(ended(number, config, {1: float(config["kind"]["name"] == "good")}))
    fixed: FixedParams = {"kind": "poor", "kind.poor.c": 7}
    configs = [sampler.suggest(number, fixed) for number in range(100, 110)]
    assert all(
        config is not None and config["kind"]["name"] == "poor" and config["kind"]["c"] == 7 for config in configs
    )


def test_trials_that_break_a_constraint_are_worth_less_than_all_that_meet_it() -> None:
    goal = Goal.of("accuracy", Direction.MAXIMIZE, "size <= 0.5")
    sampler = GaussianProcess(PLANE, goal, 0)
    for number, config in enumerate(drawn(PLANE, 30)):
        trial = ended(number, config, {1: config["x"]})
        sampler.observe(replace(trial, metrics={"accuracy": config["x"], "size": config["x"]}))
    places = [config["x"] for config in proposals(sampler)]
    assert 0.25 < np.median(places) < 0.6


def test_several_metrics_lead_to_different_places_of_the_front() -> None:
    goal = Goal(metrics=("accuracy", "size"), directions=(Direction.MAXIMIZE, Direction.MINIMIZE))
    sampler = GaussianProcess(PLANE, goal, 0)
    for number, config in enumerate(drawn(PLANE, 40)):
        # Both metrics grow with x and suffer from y: the front is where y is 0.
        metrics = {"accuracy": config["x"] - config["y"], "size": config["x"] + config["y"]}
        sampler.observe(replace(ended(number, config, {1: metrics["accuracy"]}), metrics=metrics))
    configs = proposals(sampler)
    assert np.median([config["y"] for config in configs]) < 0.2
    assert np.ptp([config["x"] for config in configs]) > 0.5


@pytest.mark.parametrize("wrong", [0, 1])
def test_a_study_with_less_than_two_random_trials_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"sampler\.startup_trials: {wrong} is below 2"):
        GaussianProcess(PLANE, MAXIMIZED, 0, startup_trials=wrong)
