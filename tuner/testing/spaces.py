"""Search spaces that cover every kind of parameter, and what a configuration of one has to be."""

import json
from fractions import Fraction

from hypothesis import strategies as st

from tuner.domain.choice import Choice
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.number import Float, Int
from tuner.domain.parameter import Parameter
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import Direction

MAXIMIZED = Goal.of("accuracy", Direction.MAXIMIZE)
MINIMIZED = Goal.of("accuracy", Direction.MINIMIZE)

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
    "priors": SearchSpace(
        lr=Float(1e-5, 1.0, log=True, prior=1e-3),
        kind=Choice(sgd={"momentum": Float(0, 1, prior=0.9)}, adam={}, prior="adam"),
        depth=Int(1, 9, prior=2, default=3),
    ),
    "a single number": SearchSpace(x=Float(0, 1)),
    "ranges of one value": SearchSpace(x=Float(0.5, 0.5), z=Float(10, 10, log=True), y=Float(0, 1), n=Int(3, 3)),
    "uneven steps": SearchSpace(x=Float(0, 1, step=0.3), n=Int(0, 10, step=3)),
}
SMALL_SPACES = {
    "ten numbers": SearchSpace(x=Float(0, 0.9, step=0.1), y=Float(2, 2)),
    "a few of many": SearchSpace(n=Int(1, 4), m=Int(1, 5, default=1)).require(
        "n and m differ", lambda each: each["n"] != each["m"]
    ),
    "branches": SearchSpace(kind=Choice("none", None, some={"n": Int(1, 3)}), flag=Choice(True, False)),
}
PLANE = SearchSpace(x=Float(0, 1), y=Float(0, 1))


def assert_valid(space: SearchSpace, config: Config | None) -> None:
    """Assert that `config` is a configuration of `space` that meets its rules and survives JSON."""
    assert config is not None
    values = space.flatten(config)
    assert space.unflatten(values) == config
    assert all(_fits(space.parameters[path], value) for path, value in values.items()), values
    assert space.broken_rules(config) == ()
    assert json.loads(json.dumps(config)) == config


def score(space: SearchSpace, config: Config) -> float:
    """Return how near the configuration is to the upper end of every number it has."""
    numbers = [value for value in space.flatten(config).values() if isinstance(value, int | float)]
    return sum(numbers) / (1 + abs(sum(numbers)))


def numeric_spaces() -> st.SearchStrategy[SearchSpace]:
    """Return spaces of two to four numbers of any kind and range."""
    return st.lists(st.one_of(_floats(), _ints()), min_size=2, max_size=4).map(
        lambda parameters: SearchSpace(**{f"p{index}": each for index, each in enumerate(parameters)})
    )


def _fits(parameter: Parameter, value: object) -> bool:
    if isinstance(parameter, Choice):
        return any(value is option or (type(value) is type(option) and value == option) for option in parameter.options)
    if isinstance(parameter, Int):
        step = int(parameter.step or 1)
        return type(value) is int and parameter.low <= value <= parameter.high and (value - parameter.low) % step == 0
    assert isinstance(parameter, Float)
    if type(value) is not float or not parameter.low <= value <= parameter.high:
        return False
    return parameter.step is None or value in _written(parameter, parameter.step)


def _written(parameter: Float, step: float) -> set[float]:
    """Return the values of a range as people write them, without rounding errors of sums."""
    low, size = Fraction(str(parameter.low)), Fraction(str(step))
    return {float(low + index * size) for index in range(int(parameter.count))}


def _floats() -> st.SearchStrategy[Parameter]:
    plain = st.tuples(st.integers(-50, 50), st.integers(0, 100)).map(lambda pair: Float(pair[0], pair[0] + pair[1]))
    log = st.tuples(st.integers(-12, 3), st.integers(0, 8)).map(
        lambda pair: Float(10.0 ** pair[0], 10.0 ** (pair[0] + pair[1]), log=True)
    )
    stepped = st.tuples(st.integers(-5, 5), st.integers(0, 20), st.sampled_from([0.1, 0.125, 0.3, 0.5])).map(
        lambda drawn: Float(drawn[0], drawn[0] + drawn[1] / 2, step=drawn[2])
    )
    return st.one_of(plain, log, stepped)


def _ints() -> st.SearchStrategy[Parameter]:
    plain = st.tuples(st.integers(-50, 50), st.integers(0, 60), st.sampled_from([1, 2, 7])).map(
        lambda drawn: Int(drawn[0], drawn[0] + drawn[1], step=drawn[2])
    )
    log = st.tuples(st.integers(1, 50), st.integers(0, 2000)).map(
        lambda pair: Int(pair[0], pair[0] + pair[1], log=True)
    )
    return st.one_of(plain, log)
