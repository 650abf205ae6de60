"""Ranges and choices: what they hold, how they are divided, and what is wrong with a wrong one."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner import Choice, Float, Int
from tuner.domain.config import Scalar
from tuner.domain.parameter import Parameter

quantiles = st.floats(0, 1)
finite = st.floats(-1e6, 1e6, allow_nan=False)


@st.composite
def floats(draw: st.DrawFn) -> Float:
    low = draw(finite)
    return Float(low, low + draw(st.floats(0, 1e6)), step=draw(st.none() | st.floats(1e-3, 1e3)))


@st.composite
def log_floats(draw: st.DrawFn) -> Float:
    low = draw(st.floats(1e-8, 1e3))
    return Float(low, low * draw(st.floats(1, 1e6)), log=True)


@st.composite
def ints(draw: st.DrawFn) -> Int:
    low = draw(st.integers(-1000, 1000))
    return Int(low, low + draw(st.integers(0, 5000)), step=draw(st.none() | st.integers(1, 700)))


@st.composite
def log_ints(draw: st.DrawFn) -> Int:
    low = draw(st.integers(1, 1000))
    return Int(low, low + draw(st.integers(0, 5000)), log=True)


ranges = st.one_of(floats(), log_floats(), ints(), log_ints())


@given(ranges, quantiles)
def test_every_value_of_a_range_lies_in_it(parameter: Float | Int, quantile: float) -> None:
    assert parameter.low <= parameter.at(quantile) <= parameter.high


@given(ranges, quantiles, quantiles)
def test_a_higher_quantile_is_no_lower_value(parameter: Float | Int, first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert parameter.at(low) <= parameter.at(high)


@given(ranges)
def test_the_ends_of_a_range_are_its_ends(parameter: Float | Int) -> None:
    assert parameter.at(0) == pytest.approx(parameter.low)
    assert parameter.at(1) == pytest.approx(parameter.last)


@given(st.one_of(ints(), log_ints()), quantiles)
def test_whole_numbers_are_whole(parameter: Int, quantile: float) -> None:
    assert type(parameter.at(quantile)) is int


@given(st.one_of(floats(), ints()), quantiles)
def test_steps_start_at_the_low_end(parameter: Float | Int, quantile: float) -> None:
    step = parameter.step or (1 if isinstance(parameter, Int) else None)
    if step is not None:
        steps = (parameter.at(quantile) - parameter.low) / step
        assert steps == pytest.approx(round(steps), abs=1e-4)


@given(log_floats(), quantiles)
def test_a_quantile_is_found_again_from_its_value(parameter: Float, quantile: float) -> None:
    value = parameter.at(quantile)
    assert parameter.at(parameter.quantile(value)) == pytest.approx(value, rel=1e-6)


@given(ranges, st.integers(1, 12))
def test_a_grid_lies_in_the_range_and_repeats_nothing(parameter: Float | Int, points: int) -> None:
    grid = parameter.grid(points)
    assert 1 <= len(grid) <= points
    assert len(set(grid)) == len(grid)
    assert all(isinstance(each, int | float) and parameter.low <= each <= parameter.high for each in grid)


@given(ranges)
def test_a_sound_range_has_no_problems(parameter: Float | Int) -> None:
    assert [*parameter.problems()] == []


def test_a_logarithmic_range_is_halved_at_its_geometric_mean() -> None:
    assert Float(1e-4, 1e-2, log=True).default == pytest.approx(1e-3)
    assert Float(0, 10).default == 5.0
    assert Int(8, 128, log=True).default == 31


def test_both_ends_of_whole_numbers_are_as_likely_as_the_middle() -> None:
    drawn = [Int(0, 3).at((index + 0.5) / 400) for index in range(400)]
    assert [drawn.count(value) for value in range(4)] == [100] * 4


def test_steps_are_numbers_as_people_write_them() -> None:
    assert Float(0.1, 0.9, step=0.1).at(0.25) == 0.3


def test_a_step_that_does_not_divide_the_range_ends_below_it() -> None:
    assert Float(0, 1, step=0.3).last == 0.9
    assert [Int(1, 10, step=4).at(quantile) for quantile in (0, 0.5, 1)] == [1, 5, 9]


@pytest.mark.parametrize(
    ("parameter", "problem"),
    [
        (Float(2, 1), "low 2 is above high 1"),
        (Float(0, 2**53 + 1), "high 9007199254740993 lies between two floats; the nearest one is 9007199254740992"),
        (Float(0, 1, log=True), "a log scale needs low above 0, not 0"),
        (Float(0, 1, step=0), "step 0 is not above 0"),
        (Float(1, 2, step=0.5, log=True), "a log scale takes no step"),
        (Float(0, 1, default=2), "default 2 is outside 0 to 1"),
        (Float(0, 1, prior=2), "prior 2 is outside 0 to 1"),
        (Float(0, 1, prior=math.nan), "prior nan is not a finite number"),
        (Int(0, 9, prior=0.5), "prior 0.5 is not a whole number"),
        (Choice("a", "b", prior="c"), "prior 'c' is none of 'a', 'b'"),
        (Float(0, math.inf), "high inf is not a finite number"),
        (Float(math.nan, 1), "low nan is not a finite number"),
        (Float("0", 1), "low '0' is not a finite number"),  # type: ignore[arg-type]
        (Float(False, True), "low False is not a finite number"),
        (Int(0.5, 2), "low 0.5 is not a whole number"),
        (Int(1, 4, default=1.5), "default 1.5 is not a whole number"),
        (Choice(), "a choice needs at least one value"),
        (Choice("a", "a"), "'a' is chosen twice"),
        (Choice(True, 1), "1 is chosen twice"),
        (Choice([1, "two", None]), "none; write Choice(1, 'two', None)"),  # type: ignore[arg-type]
        (Choice([1], [2]), "[1] cannot be chosen"),  # type: ignore[arg-type]
        (Choice(1.0, math.inf), "inf is not finite"),
        (Choice("a", "b", default="c"), "default 'c' is none of 'a', 'b'"),
        (Choice("a", "b", default=None), "default None is none of 'a', 'b'"),
        (Choice(1, 2, default=True), "default True is none of 1, 2"),
        (Choice(1, 1.0), "1.0 is chosen twice"),
        (Choice((1, 2), (3, 4)), "(1, 2) cannot be chosen"),  # type: ignore[arg-type]
        (Choice([1], sgd={}), "[1] cannot be chosen"),  # type: ignore[arg-type]
        (Choice("sgd", sgd={"lr": Float(0, 1)}), "'sgd' is chosen twice"),
        (Choice(**{"a.b": {"lr": Float(0, 1)}}), "'a.b' cannot be the name of a branch"),  # type: ignore[arg-type]
        (Choice(**{"": {"lr": Float(0, 1)}}), "'' cannot be the name of a branch"),  # type: ignore[arg-type]
        (Float(0, 1, step=0.1, default=0.25), "default 0.25 lies between the steps of 0.1 from 0; 0.2 is near"),
        (Float(0, 1, step=0.3, default=1), "default 1 lies between the steps of 0.3 from 0; 0.9 is near"),
        (Int(1, 9, step=4, default=3), "default 3 lies between the steps of 4 from 1"),
    ],
)
def test_what_is_wrong_is_said(parameter: Parameter, problem: str) -> None:
    assert any(problem in said for said in parameter.problems())


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        (Float(0, 1, step=0.1), (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)),
        (Float(0.1, 0.9, step=0.2), (0.1, 0.3, 0.5, 0.7, 0.9)),
        (Float(-0.3, 0.3, step=0.1), (-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3)),
        (Float(1e-05, 5e-05, step=1e-05), (1e-05, 2e-05, 3e-05, 4e-05, 5e-05)),
        (Float(1_000_000, 1_000_001, step=0.25), (1e6, 1000000.25, 1000000.5, 1000000.75, 1000001.0)),
    ],
)
def test_every_way_to_a_value_of_steps_ends_at_the_number_that_people_write(
    parameter: Float, values: tuple[float, ...]
) -> None:
    assert parameter.count == len(values)
    assert parameter.grid(len(values)) == values
    assert tuple(parameter.at(index / (len(values) - 1)) for index in range(len(values))) == values
    for index, value in enumerate(values):
        assert parameter.nearest(parameter.low + index * parameter.step) == value  # type: ignore[operator]
        assert Float(parameter.low, parameter.high, step=parameter.step, default=value).default == value


def test_a_default_that_is_off_its_step_by_a_rounding_is_on_it() -> None:
    parameter = Float(0, 1, step=0.1, default=0.1 + 0.2)
    assert not [*parameter.problems()]
    assert parameter.default == 0.3


@pytest.mark.parametrize(
    ("parameter", "count"),
    [
        (Int(1, 9, step=4), 3),
        (Int(1, 100, log=True), 100),
        (Float(0, 1), math.inf),
        (Float(2, 2), 1),
        (Float(0, 1, step=0.3), 4),
        (Choice("a", None), 2),
    ],
)
def test_the_values_of_a_parameter_are_counted(parameter: Parameter, count: float) -> None:
    assert parameter.count == count


def test_none_is_a_value_and_a_default_like_any_other() -> None:
    assert Choice(8, 16, None, default=None).default is None
    assert Choice(8, None).default == 8
    assert not [*Choice(8, 16, None, default=None).problems()]


def test_the_default_of_a_choice_is_its_first_value_unless_given() -> None:
    assert Choice("relu", "gelu").default == "relu"
    assert Choice("relu", "gelu", default="gelu").default == "gelu"


@given(st.lists(st.text(max_size=4), min_size=1, max_size=9, unique=True), quantiles)
def test_the_values_of_a_choice_are_equally_likely(values: list[str], quantile: float) -> None:
    choice = Choice(*values)
    assert choice.at(quantile) in values
    assert [choice.at((index + 0.5) / len(values)) for index in range(len(values))] == values


@pytest.mark.parametrize("value", [None, 8, 0.5, True, "", "two words", "a.b"])
def test_a_value_beside_branches_stays_what_it_is(value: float | str | None) -> None:
    choice = Choice(value, sgd={"lr": Float(0, 1)})
    assert choice.options == (value, "sgd")
    assert type(choice.options[0]) is type(value)
    assert not [*choice.problems()]


def test_words_beside_branches_are_branches_without_parameters() -> None:
    choice = Choice("none", dropout={"rate": Float(0, 0.5)})
    assert choice.options == ("none", "dropout")
    assert choice.branches is not None
    assert choice.branches["none"] == {}


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        (Float(1e-4, 0.1, log=True), "0.0001 .. 0.1 log"),
        (Int(16, 64, step=16), "16 .. 64 step 16"),
        (Choice("relu", None, 3), "relu | None | 3"),
    ],
)
def test_a_parameter_reads_well(parameter: Parameter, words: str) -> None:
    assert str(parameter) == words


@pytest.mark.parametrize("parameter", [Float(0, 1, step=0.25), Int(1, 9, log=True, default=2), Choice(1, "x", None)])
def test_a_description_is_json_that_holds_everything(parameter: Parameter) -> None:
    description: dict[str, Any] = parameter.describe()
    assert description["type"] == type(parameter).__name__
    assert description["default"] == parameter.default


parameters = ranges | st.just(Choice("a", 1, True, None, 0.5))


@given(parameters, quantiles)
def test_what_a_parameter_can_have_is_its_own_nearest_value(parameter: Parameter, quantile: float) -> None:
    value = parameter.at(quantile)
    assert parameter.nearest(value) == pytest.approx(value)
    assert type(parameter.nearest(value)) is type(value)


@given(parameters, st.floats(allow_nan=False) | st.integers() | st.text() | st.booleans() | st.none())
def test_the_nearest_value_to_anything_is_one_that_the_parameter_can_have(parameter: Parameter, given: Any) -> None:
    nearest = parameter.nearest(given)
    if isinstance(parameter, Choice):
        assert nearest in parameter.options
        return
    assert isinstance(parameter, Float | Int)
    assert parameter.low <= nearest <= parameter.last  # type: ignore[operator]
    assert parameter.nearest(nearest) == nearest


@pytest.mark.parametrize(
    ("parameter", "value", "nearest"),
    [
        (Float(0.1, 0.7), 0.3, 0.3),
        (Float(0.1, 0.7), 5, 0.7),
        (Float(0.1, 1.0, step=0.2), 0.1 + 0.2 + 0.2, 0.1 + 0.2 + 0.2),
        (Float(0.1, 1.0, step=0.2), 1.0, 0.9),
        (Float(0.1, 0.7, default=0.2), "high", 0.2),
        (Int(1, 9), 3.6, 4),
        (Int(1, 9, step=3), 9, 7),
        (Int(1, 9, step=3), 6, 7),
        (Int(1, 9, default=2), True, 2),
        (Int(1, 9, default=2), None, 2),
        (Choice(16, 32), 32.0, 32),
        (Choice(16, 32), 64, 16),
        (Choice(1, 2, default=2), True, 2),
        (Choice("sgd", "adam", default="adam"), "rmsprop", "adam"),
    ],
)
def test_a_value_moves_to_the_nearest_one_and_one_of_another_kind_to_the_default(
    parameter: Parameter, value: Any, nearest: Any
) -> None:
    assert parameter.nearest(value) == nearest


@pytest.mark.parametrize(
    ("parameter", "default"),
    [
        (Float(1e-6, 1, log=True, prior=3e-4), 3e-4),
        (Float(0, 1, step=0.1, prior=0.52), 0.5),
        (Float(0, 1, prior=0.2, default=0.7), 0.7),
        (Int(1, 9, step=4, prior=6), 5),
        (Choice("a", "b", prior="b"), "b"),
        (Choice("a", None, prior=None), None),
    ],
)
def test_the_default_is_the_prior_unless_given(parameter: Parameter, default: Scalar) -> None:
    assert not [*parameter.problems()]
    assert parameter.has_prior
    assert parameter.default == default


@given(ranges, quantiles)
def test_without_a_prior_every_value_is_as_likely_as_any(parameter: Float | Int, quantile: float) -> None:
    assert not parameter.has_prior
    assert parameter.likely(quantile) == parameter.at(quantile)


@given(st.floats(-6, 0), quantiles)
def test_what_is_drawn_near_a_prior_lies_in_the_range(exponent: float, quantile: float) -> None:
    parameter = Float(1e-6, 1, log=True, prior=min(1.0, max(1e-6, 10.0**exponent)))
    assert 1e-6 <= parameter.likely(quantile) <= 1


def test_a_branch_may_be_called_prior() -> None:
    choice = Choice(prior={"lr": Float(0, 1)}, none={})
    assert set(choice.options) == {"prior", "none"}
    assert not choice.has_prior
