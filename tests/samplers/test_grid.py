"""Every combination, each once."""

from collections.abc import Iterator

import pytest
from fakes import MAXIMIZED

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.sampler import NOTHING_FIXED, FixedParams
from tuner.domain.trial import TrialRecord, TrialState
from tuner.samplers.grid import Grid

SPACE = SearchSpace(x=Float(0, 1), lr=Float(0.01, 1, log=True), activation=Choice("relu", "gelu"))
MOST = 200
"""More than any grid here has."""


def tried(space: SearchSpace, points: int, fixed: FixedParams = NOTHING_FIXED, *before: Config) -> Iterator[Config]:
    """Yield what the grid proposes until it ends, each proposal being tried."""
    sampler = Grid(space, MAXIMIZED, 0, points=points)
    for number, config in enumerate(before):
        sampler.observe(TrialRecord(number=number, state=TrialState.COMPLETE, config=config))
    for number in range(len(before), MOST):
        proposal = sampler.suggest(number, fixed)
        if proposal is None:
            return
        yield proposal
        sampler.observe(TrialRecord(number=number, state=TrialState.RUNNING, config=proposal))


def test_every_combination_is_tried_once_and_then_the_grid_ends() -> None:
    configs = [*tried(SPACE, 3)]
    combinations = {(config["x"], round(config["lr"], 9), config["activation"]) for config in configs}
    assert combinations == {
        (x, lr, name) for x in (0.0, 0.5, 1.0) for lr in (0.01, 0.1, 1.0) for name in ("relu", "gelu")
    }
    assert len(configs) == len(combinations)


def test_every_branch_has_the_combinations_of_its_own_parameters() -> None:
    space = SearchSpace(optimizer=Choice(sgd={"lr": Float(0, 1), "momentum": Float(0, 1)}, adam={}), depth=Int(1, 100))
    names = [config["optimizer"]["name"] for config in tried(space, 4)]
    assert (names.count("sgd"), names.count("adam")) == (4 * 4 * 4, 4)


def test_a_whole_range_with_few_values_is_tried_whole() -> None:
    assert [config["n"] for config in tried(SearchSpace(n=Int(2, 8, step=2)), 5)] == [2, 4, 6, 8]


def test_one_point_per_range_is_its_default() -> None:
    space = SearchSpace(x=Float(0, 1, default=0.2))
    assert [*tried(space, 1)] == [space.default]


def test_a_default_on_the_grid_is_not_tried_again() -> None:
    configs = [*tried(SPACE, 3, NOTHING_FIXED, SPACE.default)]
    assert len(configs) == 17
    assert SPACE.default not in configs


def test_combinations_that_break_a_rule_are_left_out() -> None:
    space = SearchSpace(x=Float(0, 1), y=Float(0, 1)).require("x is below y", lambda each: bool(each["x"] < each["y"]))
    assert [(config["x"], config["y"]) for config in tried(space, 3)] == [(0, 0.5), (0, 1), (0.5, 1)]


def test_what_is_held_limits_the_grid_to_its_combinations() -> None:
    configs = [*tried(SPACE, 3, {"x": 0.5})]
    assert len(configs) == 6
    assert {config["x"] for config in configs} == {0.5}


def test_a_held_value_beside_the_grid_leaves_nothing_to_try() -> None:
    assert [*tried(SPACE, 3, {"x": 0.3})] == []


@pytest.mark.parametrize("state", [TrialState.FAIL, TrialState.PRUNED, TrialState.WAITING])
def test_a_trial_counts_as_tried_whatever_became_of_it(state: TrialState) -> None:
    sampler = Grid(SPACE, MAXIMIZED, 0)
    first = sampler.suggest(1)
    assert first is not None
    sampler.observe(TrialRecord(number=1, state=state, config=first))
    assert sampler.suggest(2) != first


def test_a_grid_without_points_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"sampler\.points: 0 is below 1"):
        Grid(SPACE, MAXIMIZED, 0, points=0)
