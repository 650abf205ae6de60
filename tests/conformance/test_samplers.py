"""What every sampler promises."""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
import torch
from fakes import MAXIMIZED, MINIMIZED
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.goal import Goal
from tuner.domain.parameter import Parameter
from tuner.domain.ranking import front
from tuner.domain.sampler import Sampler
from tuner.domain.study import Component, Direction, StudySpec
from tuner.domain.study_folders import StudyFolders
from tuner.domain.trial import Failure, FailureReason, TrialRecord, TrialState
from tuner.running.builder import build_components
from tuner.running.lookup import SAMPLERS

NUMBERS = SearchSpace(
    lr=Float(1e-5, 1.0, log=True), width=Int(1, 512, log=True), dropout=Float(0, 0.9, step=0.1), depth=Int(1, 9, step=2)
)
SPACES = {
    "numbers": NUMBERS,
    "ruled": SearchSpace(x=Float(0, 1), y=Float(0, 1), n=Int(1, 8)).require(
        "x and n are not both small", lambda config: bool(config["x"] + config["n"] / 8 >= 0.75)
    ),
    "mixed": SearchSpace(x=Float(-1, 1), size=Choice(16, 32, 64), bias=Choice(True, False), name=Choice(None, "relu")),
    "conditional": SearchSpace(
        optimizer=Choice(sgd={"lr": Float(0.001, 1, log=True), "momentum": Float(0, 1)}, adam={"beta": Float(0.5, 1)}),
        depth=Int(1, 5),
    ),
    "a single number": SearchSpace(x=Float(0, 1)),
    "ranges of one value": SearchSpace(x=Float(0.5, 0.5), z=Float(10, 10, log=True), y=Float(0, 1), n=Int(3, 3)),
    "uneven steps": SearchSpace(x=Float(0, 1, step=0.3), n=Int(0, 10, step=3)),
}
SEEDLESS = {"grid"}
"""A grid has no randomness: every study tries the same points."""

STATES = (TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL, TrialState.COMPLETE)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Fit Gaussian processes in one thread: on a busy machine several take ten times as long."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def make(name: str, space: SearchSpace, goal: Goal = MAXIMIZED, seed: int = 0) -> Sampler:
    sampler: Sampler = SAMPLERS[name](space, goal, seed)
    return sampler


def accepted() -> Iterator[tuple[str, str]]:
    for name in SAMPLERS.names:
        for title, space in SPACES.items():
            if not [*SAMPLERS[name].problems(space, MAXIMIZED, stops_early=False)]:
                yield name, title


def refused() -> Iterator[tuple[str, str]]:
    yield from ((name, title) for name in SAMPLERS.names for title in SPACES if (name, title) not in set(accepted()))


def written(parameter: Float, step: float) -> set[float]:
    """Return the values of a range as people write them, without a computer's sums."""
    low, size = Fraction(str(parameter.low)), Fraction(str(step))
    return {float(low + index * size) for index in range(int(parameter.count))}


def fits(parameter: Parameter, value: object) -> bool:
    if isinstance(parameter, Choice):
        return any(value is option or (type(value) is type(option) and value == option) for option in parameter.options)
    if isinstance(parameter, Int):
        step = int(parameter.step or 1)
        return type(value) is int and parameter.low <= value <= parameter.high and (value - parameter.low) % step == 0
    assert isinstance(parameter, Float)
    if type(value) is not float or not parameter.low <= value <= parameter.high:
        return False
    return parameter.step is None or value in written(parameter, parameter.step)


def assert_valid(space: SearchSpace, config: Config | None) -> None:
    assert config is not None
    values = space.flatten(config)
    assert space.unflatten(values) == config
    assert all(fits(space.parameters[path], value) for path, value in values.items()), values
    assert space.broken_rules(config) == ()
    assert json.loads(json.dumps(config)) == config


def score(space: SearchSpace, config: Config) -> float:
    """Return how near the configuration is to the upper end of every number it has."""
    numbers = [value for value in space.flatten(config).values() if isinstance(value, int | float)]
    return sum(numbers) / (1 + abs(sum(numbers)))


def ended(trial: TrialRecord, value: float, state: TrialState) -> list[TrialRecord]:
    """Return the trial as it is after each of its reports and at its end."""
    if state is TrialState.FAIL:
        failure = Failure(reason=FailureReason.RAISED, message="it broke")
        return [replace(trial, state=state, failure=failure)]
    curves = [{epoch: value * epoch / 3 for epoch in range(1, last + 1)} for last in (1, 2, 3)]
    records = [replace(trial, value=curve[len(curve)], epoch=len(curve), curve=curve) for curve in curves]
    count = 3 if state is TrialState.COMPLETE else 1 + trial.number % 2
    return [*records[: count - 1], replace(records[count - 1], state=state)]


def run(sampler: Sampler, space: SearchSpace, trials: int, sign: float = 1.0) -> list[TrialRecord]:
    """Run trials, two of them always at a time, and return the records; the last one has reported once, and runs."""
    records: list[TrialRecord] = []
    for number in range(trials):
        config = sampler.suggest(number) if number else space.default
        assert config is not None
        records.append(TrialRecord(number=number, state=TrialState.RUNNING, config=config))
        sampler.observe(records[number])
        if number:
            before = records[number - 1]
            for record in ended(before, sign * score(space, before.config), STATES[before.number % len(STATES)]):
                sampler.observe(record)
                records[before.number] = record
    value = sign * score(space, records[-1].config)
    records[-1] = replace(records[-1], value=value, epoch=1, curve={1: value})
    sampler.observe(records[-1])
    return records


def trials_of(name: str) -> int:
    """Return a number of trials after which a sampler that learns has learnt, and a grid has not ended."""
    return 4 if name == "grid" else 18


@cache
def studied(name: str, title: str) -> tuple[Sampler, tuple[TrialRecord, ...]]:
    """Return a sampler in the middle of a study, and the study's trials."""
    sampler = make(name, SPACES[title])
    return sampler, tuple(run(sampler, SPACES[title], trials_of(name)))


@pytest.mark.parametrize("name", SAMPLERS.names)
def test_a_sampler_is_a_final_member_that_takes_any_numbers(name: str) -> None:
    assert issubclass(SAMPLERS[name], Sampler)
    assert SAMPLERS[name].__final__
    assert [*SAMPLERS[name].problems(NUMBERS, MAXIMIZED, stops_early=False)] == []


@pytest.mark.parametrize(("name", "title"), list(accepted()))
def test_every_proposal_lies_in_the_space_and_meets_its_rules(name: str, title: str) -> None:
    _, records = studied(name, title)
    for record in records:
        assert_valid(SPACES[title], record.config)


@pytest.mark.parametrize(("name", "title"), list(accepted()))
def test_a_rebuilt_sampler_proposes_what_the_one_that_went_on_proposes(name: str, title: str) -> None:
    sampler, records = studied(name, title)
    rebuilt = make(name, SPACES[title])
    for record in records:
        rebuilt.observe(replace(record, state=TrialState.WAITING) if record is records[-1] else record)
    assert rebuilt.suggest(18) == sampler.suggest(18)


@pytest.mark.parametrize("name", SAMPLERS.names)
def test_a_trial_number_gets_the_same_proposal_in_whatever_order_it_is_asked_for(name: str) -> None:
    sampler, _ = studied(name, "numbers")
    forwards = [sampler.suggest(number) for number in (18, 19)]
    assert [sampler.suggest(number) for number in (19, 18)] == forwards[::-1]


FEW = {
    "ten numbers": SearchSpace(x=Float(0, 0.9, step=0.1), y=Float(2, 2)),
    "a few of many": SearchSpace(n=Int(1, 4), m=Int(1, 5, default=1)).require(
        "n and m differ", lambda each: each["n"] != each["m"]
    ),
    "branches": SearchSpace(kind=Choice("none", None, some={"n": Int(1, 3)}), flag=Choice(True, False)),
}


@pytest.mark.parametrize("title", FEW)
@pytest.mark.parametrize("name", SAMPLERS.names)
def test_every_configuration_is_tried_once_before_any_is_tried_again(name: str, title: str) -> None:
    space = FEW[title]
    if [*SAMPLERS[name].problems(space, MAXIMIZED, stops_early=False)]:
        return
    options = {
        "grid": {"points": 10},
        "gp": {"startup_trials": 100},
    }  # a Gaussian process takes half a second a proposal
    sampler = SAMPLERS[name](space, MAXIMIZED, 0, **options.get(name, {}))
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
        for record in (trial, *ended(trial, score(space, config), STATES[number % len(STATES)])):
            sampler.observe(record)
    again = sampler.suggest(len(every))
    assert again is None if sampler.most_proposals < math.inf else again in every


@pytest.mark.parametrize("name", SAMPLERS.names)
def test_what_is_left_with_other_values_than_those_held_is_left_for_later(name: str) -> None:
    space = FEW["a few of many"]
    sampler: Sampler = SAMPLERS[name](space, MAXIMIZED, 0)
    for number, m in enumerate((2, 3, 4, 5)):
        config = Config({"n": 1, "m": m})
        sampler.observe(TrialRecord(number=number, state=TrialState.RUNNING, config=config))
    assert sampler.suggest(4, {"n": 1}) is None
    config_elsewhere = sampler.suggest(4, {"n": 2})
    assert config_elsewhere is not None
    assert config_elsewhere["n"] == 2


@pytest.mark.parametrize("name", SAMPLERS.names)
def test_no_proposal_is_made_twice(name: str) -> None:
    configs = [record.config for record in studied(name, "numbers")[1]]
    assert all(config not in configs[:index] for index, config in enumerate(configs))


@pytest.mark.parametrize("name", sorted(set(SAMPLERS.names) - SEEDLESS))
def test_other_seeds_give_other_proposals(name: str) -> None:
    proposals = [make(name, NUMBERS, seed=seed).suggest(1) for seed in range(5)]
    assert all(config not in proposals[:index] for index, config in enumerate(proposals))


@pytest.mark.parametrize("name", SAMPLERS.names)
def test_the_mirror_image_of_the_values_in_the_other_direction_gives_the_same_proposals(name: str) -> None:
    _, risen = studied(name, "numbers")
    fallen = run(make(name, NUMBERS, MINIMIZED), NUMBERS, len(risen), sign=-1.0)
    assert [record.config for record in fallen] == [record.config for record in risen]


@pytest.mark.parametrize(("name", "title"), list(accepted()))
def test_a_proposal_keeps_the_values_that_are_held(name: str, title: str) -> None:
    space = SPACES[title]
    sampler, _ = studied(name, title)
    wanted = space.flatten([*space.grid(5)][-1])
    for count in range(1, len(wanted)):
        held = dict([*wanted.items()][:count])
        config = sampler.suggest(18, held)
        assert_valid(space, config)
        assert config is not None
        assert {path: space.flatten(config)[path] for path in held} == held


@pytest.mark.parametrize(("name", "title"), list(refused()))
def test_a_refusal_names_the_parameter_or_a_sampler_that_takes_the_space(name: str, title: str, tmp_path: Path) -> None:
    space = SPACES[title]
    spec = StudySpec(
        objective="supervised",
        search_space=space,
        metric="accuracy",
        sampler=name,
        scheduler="none",
        settings={"dataset": "iris"},
    )
    with pytest.raises(ConfigurationError) as caught:
        build_components(spec, tmp_path, StudyFolders.within(tmp_path))
    reasons = [problem for problem in caught.value.problems if problem.startswith(f"sampler {name}: ")]
    assert reasons
    for reason in reasons:
        suggested = re.findall(r"the sampler (\w+)", reason)
        assert suggested or any(path in reason for path in space.parameters)
        assert all([*SAMPLERS[other].problems(space, MAXIMIZED, stops_early=False)] == [] for other in suggested)


@pytest.mark.parametrize("name", SAMPLERS.names)
def test_what_a_refusal_because_of_early_stops_suggests_is_fine_with_them(name: str) -> None:
    for problem in SAMPLERS[name].problems(NUMBERS, MAXIMIZED, stops_early=True):
        (suggested,) = re.findall(r"the sampler (\w+)", problem)
        assert [*SAMPLERS[suggested].problems(NUMBERS, MAXIMIZED, stops_early=True)] == []


SEVERAL = Goal(metrics=("accuracy", "size"), directions=(Direction.MAXIMIZE, Direction.MINIMIZE))
BOUND = Goal.of("accuracy", Direction.MAXIMIZE, "size <= 0.25")
BOTH = replace(SEVERAL, constraints=BOUND.constraints)
PLANE = SearchSpace(x=Float(0, 1), y=Float(0, 1))
SLOW = {"gp"}
"""Samplers of which few proposals are asked for: each takes about half a second."""


def judged(name: str, goal: Goal, trials: int, seed: int = 0) -> tuple[Sampler, list[TrialRecord]]:
    """Run trials that are better the larger they are, and return the sampler and the records.

    What is too large is stopped early, unless the sampler learns from complete trials alone.
    """
    sampler, records = make(name, PLANE, goal, seed), []
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


@pytest.mark.parametrize("goal", [SEVERAL, BOUND, BOTH], ids=["several", "bound", "both"])
@pytest.mark.parametrize("name", SAMPLERS.names)
def test_with_several_metrics_or_constraints_a_rebuilt_sampler_proposes_the_same(name: str, goal: Goal) -> None:
    problems = [*SAMPLERS[name].problems(PLANE, goal, stops_early=False)]
    if problems:
        assert problems == ["it adapts to a single metric, and the study has several; use the sampler tpe"]
        return
    sampler, records = judged(name, goal, 10 if name in SLOW else 20)
    rebuilt = make(name, PLANE, goal)
    for record in records:
        rebuilt.observe(record)
    assert rebuilt.suggest(20) == sampler.suggest(20)


@pytest.mark.parametrize("name", ["tpe", "gp", "cma_es"])
def test_what_breaks_a_constraint_is_proposed_clearly_less_often_than_at_random(name: str) -> None:
    def share(name: str) -> float:
        seeds, trials, last = (1, 14, 4) if name in SLOW else (4, 60, 20)
        records = [record for seed in range(seeds) for record in judged(name, BOUND, trials, seed)[1][-last:]]
        return sum(bool(BOUND.violated(record.metrics)) for record in records) / len(records)

    assert share(name) < 0.75 * share("random")


@pytest.mark.parametrize("goal", [SEVERAL, BOTH], ids=["several", "both"])
def test_more_of_a_common_front_is_found_by_learning_than_at_random(goal: Goal) -> None:
    learned, drawn = (
        [record for seed in range(3) for record in judged(name, goal, 40, seed)[1]] for name in ("tpe", "random")
    )
    common = [replace(record, number=number) for number, record in enumerate([*learned, *drawn])]
    by_learning = [record.number < len(learned) for record in front(common, goal)]
    assert sum(by_learning) > 0.6 * len(by_learning)


@pytest.mark.parametrize("name", SAMPLERS.names)
def test_an_unknown_option_is_refused_by_name(name: str, tmp_path: Path) -> None:
    spec = StudySpec(
        objective="supervised",
        search_space=NUMBERS,
        metric="accuracy",
        sampler=Component(name=name, options={"no_such_option": 1}),
        scheduler="none",
        settings={"dataset": "iris"},
    )
    with pytest.raises(ConfigurationError, match="sampler: unknown option 'no_such_option'"):
        build_components(spec, tmp_path, StudyFolders.within(tmp_path))


@pytest.mark.parametrize("state", [TrialState.FAIL, TrialState.PRUNED])
@pytest.mark.parametrize("name", SAMPLERS.names)
def test_a_study_of_which_every_trial_failed_or_was_stopped_goes_on(name: str, state: TrialState) -> None:
    sampler = make(name, NUMBERS)
    for number in range(16):
        config = sampler.suggest(number + 1)
        assert_valid(NUMBERS, config)
        assert config is not None
        running = TrialRecord(number=number, state=TrialState.RUNNING, config=config)
        for record in (running, *ended(running, 0.5, state)):
            sampler.observe(record)
    assert_valid(NUMBERS, sampler.suggest(17))


def floats() -> st.SearchStrategy[Parameter]:
    plain = st.tuples(st.integers(-50, 50), st.integers(0, 100)).map(lambda pair: Float(pair[0], pair[0] + pair[1]))
    log = st.tuples(st.integers(-12, 3), st.integers(0, 8)).map(
        lambda pair: Float(10.0 ** pair[0], 10.0 ** (pair[0] + pair[1]), log=True)
    )
    stepped = st.tuples(st.integers(-5, 5), st.integers(0, 20), st.sampled_from([0.1, 0.125, 0.3, 0.5])).map(
        lambda drawn: Float(drawn[0], drawn[0] + drawn[1] / 2, step=drawn[2])
    )
    return st.one_of(plain, log, stepped)


def ints() -> st.SearchStrategy[Parameter]:
    plain = st.tuples(st.integers(-50, 50), st.integers(0, 60), st.sampled_from([1, 2, 7])).map(
        lambda drawn: Int(drawn[0], drawn[0] + drawn[1], step=drawn[2])
    )
    log = st.tuples(st.integers(1, 50), st.integers(0, 2000)).map(
        lambda pair: Int(pair[0], pair[0] + pair[1], log=True)
    )
    return st.one_of(plain, log)


def spaces_of(*kinds: st.SearchStrategy[Parameter]) -> st.SearchStrategy[SearchSpace]:
    return st.lists(st.one_of(*kinds), min_size=2, max_size=4).map(
        lambda parameters: SearchSpace(**{f"p{index}": each for index, each in enumerate(parameters)})
    )


@pytest.mark.parametrize("name", SAMPLERS.names)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(space=spaces_of(floats(), ints()), values=st.lists(st.floats(-1e6, 1e6), min_size=12, max_size=12))
def test_whatever_the_ranges_and_the_values_proposals_lie_in_the_space(
    name: str, space: SearchSpace, values: list[float]
) -> None:
    sampler = make(name, space)
    for number, value in enumerate(values):
        config = sampler.suggest(number) if number else space.default
        if config is None:
            assert name == "grid"
            return
        if number:
            assert_valid(space, config)
        sampler.observe(
            TrialRecord(number=number, state=TrialState.COMPLETE, config=config, value=value, epoch=1, curve={1: value})
        )
    if name != "grid":
        assert_valid(space, sampler.suggest(len(values)))
