"""What every sampler promises."""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.sampler import Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import Direction
from tuner.domain.trial import Failure, FailureReason, TrialRecord, TrialState
from tuner.testing.spaces import (
    MAXIMIZED,
    MINIMIZED,
    NUMBERS,
    PLANE,
    SMALL_SPACES,
    SPACES,
    assert_valid,
    numeric_spaces,
    score,
)

SEVERAL = Goal(metrics=("accuracy", "size"), directions=(Direction.MAXIMIZE, Direction.MINIMIZE))
BOUND = Goal.of("accuracy", Direction.MAXIMIZE, "size <= 0.25")
BOTH = replace(SEVERAL, constraints=BOUND.constraints)

_STATES = (TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.COMPLETE)


class SamplerConformance:
    """Tests of a class that inherits `tuner.Sampler`."""

    sampler: ClassVar[type[Sampler]]
    """The class to test. It has to take spaces of numbers; others are skipped where it refuses them."""

    has_randomness: ClassVar[bool] = True
    """Whether another seed gives other proposals."""

    num_trials: ClassVar[int] = 18
    """A number of trials after which it has learnt, and has not run out of proposals."""

    num_judged: ClassVar[int] = 20
    """The number of trials with several metrics or constraints; fewer for a sampler that is slow."""

    options_for_few: ClassVar[Mapping[str, Any]] = {}
    """Options with which it tries each of about ten configurations, and quickly."""

    def test_it_takes_any_numbers(self) -> None:
        assert issubclass(self.sampler, Sampler)
        assert [*self.sampler.problems(NUMBERS, MAXIMIZED, stops_early=False)] == []

    @pytest.mark.parametrize("title", SPACES)
    def test_every_proposal_lies_in_the_space_and_meets_its_rules(self, title: str) -> None:
        _, records = self._studied(title)
        for record in records:
            assert_valid(SPACES[title], record.config)

    @pytest.mark.parametrize("title", SPACES)
    def test_a_rebuilt_sampler_proposes_the_same(self, title: str) -> None:
        sampler, records = self._studied(title)
        rebuilt = self.sampler(SPACES[title], MAXIMIZED, 0)
        for record in records:
            rebuilt.observe(replace(record, state=TrialState.WAITING) if record is records[-1] else record)
        assert rebuilt.suggest(18) == sampler.suggest(18)

    def test_a_trial_number_gets_the_same_proposal_in_whatever_order_it_is_asked_for(self) -> None:
        sampler, _ = self._studied("numbers")
        forwards = [sampler.suggest(number) for number in (18, 19)]
        assert [sampler.suggest(number) for number in (19, 18)] == forwards[::-1]

    @pytest.mark.parametrize("title", SMALL_SPACES)
    def test_every_configuration_is_tried_once_before_any_is_tried_again(self, title: str) -> None:
        space = SMALL_SPACES[title]
        self._skip_unless_searched(space)
        sampler = self.sampler(space, MAXIMIZED, 0, **self.options_for_few)
        every = space.every(100)
        assert every is not None
        tried: list[Config] = []
        for number in range(len(every)):
            config = sampler.suggest(number) if number else space.default
            assert_valid(space, config)
            assert config is not None
            assert config not in tried
            tried.append(config)
            trial = TrialRecord(number=number, state=TrialState.RUNNING, config=config)
            for record in (trial, *_ended(trial, score(space, config), _STATES[number % len(_STATES)])):
                sampler.observe(record)
        again = sampler.suggest(len(every))
        assert again is None if sampler.most_proposals < math.inf else again in every

    def test_what_is_left_with_other_values_than_those_held_is_left_for_later(self) -> None:
        space = SMALL_SPACES["a few of many"]
        self._skip_unless_searched(space)
        sampler = self.sampler(space, MAXIMIZED, 0)
        for number, m in enumerate((2, 3, 4, 5)):
            config = Config({"n": 1, "m": m})
            sampler.observe(TrialRecord(number=number, state=TrialState.RUNNING, config=config))
        assert sampler.suggest(4, {"n": 1}) is None
        config_elsewhere = sampler.suggest(4, {"n": 2})
        assert config_elsewhere is not None
        assert config_elsewhere["n"] == 2

    def test_no_proposal_is_made_twice(self) -> None:
        configs = [record.config for record in self._studied("numbers")[1]]
        assert all(config not in configs[:index] for index, config in enumerate(configs))

    def test_other_seeds_give_other_proposals_if_it_has_randomness(self) -> None:
        proposals = [self.sampler(NUMBERS, MAXIMIZED, seed).suggest(1) for seed in range(5)]
        differ = all(config not in proposals[:index] for index, config in enumerate(proposals))
        assert differ is self.has_randomness

    def test_the_mirror_image_of_the_values_in_the_other_direction_gives_the_same_proposals(self) -> None:
        _, risen = self._studied("numbers")
        fallen = _run(self.sampler(NUMBERS, MINIMIZED, 0), NUMBERS, len(risen), sign=-1.0)
        assert [record.config for record in fallen] == [record.config for record in risen]

    @pytest.mark.parametrize("title", SPACES)
    def test_a_proposal_keeps_the_values_that_are_held(self, title: str) -> None:
        space = SPACES[title]
        sampler, _ = self._studied(title)
        wanted = space.flatten([*space.grid(5)][-1])
        for count in range(1, len(wanted)):
            fixed = dict([*wanted.items()][:count])
            config = sampler.suggest(18, fixed)
            assert_valid(space, config)
            assert config is not None
            assert {path: space.flatten(config)[path] for path in fixed} == fixed

    @pytest.mark.parametrize("goal", [SEVERAL, BOUND, BOTH], ids=["several", "bound", "both"])
    def test_with_several_metrics_or_constraints_a_rebuilt_sampler_proposes_the_same(self, goal: Goal) -> None:
        self._skip_unless_searched(PLANE, goal)
        sampler, records = judged(self.sampler, goal, self.num_judged)
        rebuilt = self.sampler(PLANE, goal, 0)
        for record in records:
            rebuilt.observe(record)
        assert rebuilt.suggest(20) == sampler.suggest(20)

    @pytest.mark.parametrize("state", [TrialState.FAIL, TrialState.PRUNED])
    def test_it_proposes_although_every_trial_failed_or_was_stopped(self, state: TrialState) -> None:
        sampler = self.sampler(NUMBERS, MAXIMIZED, 0)
        for number in range(16):
            config = sampler.suggest(number + 1)
            assert_valid(NUMBERS, config)
            assert config is not None
            running = TrialRecord(number=number, state=TrialState.RUNNING, config=config)
            for record in (running, *_ended(running, 0.5, state)):
                sampler.observe(record)
        assert_valid(NUMBERS, sampler.suggest(17))

    @settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.differing_executors])
    @given(space=numeric_spaces(), values=st.lists(st.floats(-1e6, 1e6), min_size=12, max_size=12))
    def test_whatever_the_ranges_and_the_values_proposals_lie_in_the_space(
        self, space: SearchSpace, values: list[float]
    ) -> None:
        sampler = self.sampler(space, MAXIMIZED, 0)
        for number, value in enumerate(values):
            config = sampler.suggest(number) if number else space.default
            if config is None:
                assert sampler.most_proposals < math.inf
                return
            if number:
                assert_valid(space, config)
            curve = {1: value}
            record = TrialRecord(
                number=number, state=TrialState.COMPLETE, config=config, value=value, epoch=1, curve=curve
            )
            sampler.observe(record)
        if sampler.most_proposals == math.inf:
            assert_valid(space, sampler.suggest(len(values)))

    def _studied(self, title: str) -> tuple[Sampler, tuple[TrialRecord, ...]]:
        """Return a sampler in the middle of a study, and the study's trials."""
        self._skip_unless_searched(SPACES[title])
        return _studied(self.sampler, title, self.num_trials)

    def _skip_unless_searched(self, space: SearchSpace, goal: Goal = MAXIMIZED) -> None:
        if problems := [*self.sampler.problems(space, goal, stops_early=False)]:
            pytest.skip(f"it refuses this: {problems[0]}")


@cache
def _studied(member: type[Sampler], title: str, num_trials: int) -> tuple[Sampler, tuple[TrialRecord, ...]]:
    sampler = member(SPACES[title], MAXIMIZED, 0)
    return sampler, tuple(_run(sampler, SPACES[title], num_trials))


def _ended(trial: TrialRecord, value: float, state: TrialState) -> list[TrialRecord]:
    """Return the trial as it is after each of its reports and at its end."""
    if state is TrialState.FAIL:
        failure = Failure(reason=FailureReason.RAISED, message="it broke")
        return [replace(trial, state=state, failure=failure)]
    curves = [{epoch: value * epoch / 3 for epoch in range(1, last + 1)} for last in (1, 2, 3)]
    records = [replace(trial, value=curve[len(curve)], epoch=len(curve), curve=curve) for curve in curves]
    count = 3 if state is TrialState.COMPLETE else 1 + trial.number % 2
    return [*records[: count - 1], replace(records[count - 1], state=state)]


def _run(sampler: Sampler, space: SearchSpace, trials: int, sign: float = 1.0) -> list[TrialRecord]:
    """Run trials, two of them always at a time, and return the records; the last one has reported once, and runs."""
    records: list[TrialRecord] = []
    for number in range(trials):
        config = sampler.suggest(number) if number else space.default
        assert config is not None
        records.append(TrialRecord(number=number, state=TrialState.RUNNING, config=config))
        sampler.observe(records[number])
        if number:
            before = records[number - 1]
            for record in _ended(before, sign * score(space, before.config), _STATES[before.number % len(_STATES)]):
                sampler.observe(record)
                records[before.number] = record
    value = sign * score(space, records[-1].config)
    records[-1] = replace(records[-1], value=value, epoch=1, curve={1: value})
    sampler.observe(records[-1])
    return records


def judged(member: type[Sampler], goal: Goal, trials: int, seed: int = 0) -> tuple[Sampler, list[TrialRecord]]:
    """Run trials that are better the larger they are, and return the sampler and the records.

    What is too large is stopped early, unless the sampler learns only from complete trials.
    """
    sampler = member(PLANE, goal, seed)
    records: list[TrialRecord] = []
    for number in range(trials):
        config = sampler.suggest(number) if number else PLANE.default
        assert_valid(PLANE, config)
        assert config is not None
        value = (2 * config["x"] + config["y"]) / 3
        measured = {"accuracy": value, "size": config["y"]}
        stops = bool(goal.violated(measured)) and not sampler.needs_complete_trials
        state = TrialState.PRUNED if stops else TrialState.COMPLETE
        record = TrialRecord(
            number=number, state=state, config=config, value=value, epoch=1, metrics=measured, curve={1: value}
        )
        sampler.observe(replace(record, state=TrialState.RUNNING, metrics={}))
        sampler.observe(record)
        records.append(record)
    return sampler, records
