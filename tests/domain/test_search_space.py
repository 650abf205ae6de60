"""Search spaces: trees of parameters with rules, described, compared and walked."""

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.config import Config
from tuner.domain.errors import SearchSpaceError
from tuner.domain.space_difference import difference

NAMES = st.sampled_from(["lr", "width", "depth", "kind", "loss", "rate"])
LEAVES = st.one_of(
    st.builds(Float, st.just(0.001), st.floats(0.01, 10), log=st.booleans()),
    st.builds(Int, st.integers(1, 4), st.integers(5, 99), log=st.booleans()),
    st.builds(lambda values: Choice(*values), st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True)),
)
TREES = st.recursive(
    st.dictionaries(NAMES, LEAVES, min_size=1, max_size=3),
    lambda inner: st.dictionaries(
        NAMES,
        st.one_of(
            LEAVES,
            st.dictionaries(st.sampled_from(["one", "two"]), inner, min_size=1).map(lambda each: Choice(**each)),
        ),
        min_size=1,
        max_size=3,
    ),
    max_leaves=8,
)
SPACES = TREES.map(lambda tree: SearchSpace(**tree))


def optimizers() -> SearchSpace:
    return SearchSpace(
        width=Int(8, 128, log=True, default=32),
        optimizer=Choice(
            adam={"lr": Float(1e-4, 1e-1, log=True, default=1e-3)},
            sgd={"lr": Float(1e-3, 1.0, log=True), "momentum": Float(0.0, 0.99)},
        ),
    )


def drawn(space: SearchSpace, seed: int) -> Config:
    draw = random.Random(seed)
    return space.at({path: draw.random() for path in space.parameters})


@given(SPACES, st.integers(0, 1000))
def test_flattening_and_unflattening_are_inverse(space: SearchSpace, seed: int) -> None:
    config = drawn(space, seed)
    assert space.unflatten(space.flatten(config)) == config


@given(SPACES, st.integers(0, 1000))
def test_a_configuration_has_the_parameters_of_its_branches_alone(space: SearchSpace, seed: int) -> None:
    values = space.flatten(drawn(space, seed))
    for path in values:
        *above, _ = path.split(".")
        for depth in range(1, len(above), 2):
            assert values[".".join(above[:depth])] == above[depth]


@given(SPACES)
def test_a_space_is_read_back_from_its_description_as_it_was(space: SearchSpace) -> None:
    again = SearchSpace.from_description(json.loads(json.dumps(space.describe())))
    assert again == space
    assert again.fingerprint == space.fingerprint
    assert again.default == space.default
    assert difference(space, again) == ()


@given(SPACES, st.integers(1, 3))
def test_a_grid_repeats_nothing_and_stays_in_the_space(space: SearchSpace, points: int) -> None:
    configs = [config for config, _ in zip(space.grid(points), range(50), strict=False)]
    assert configs
    assert len({json.dumps(config, sort_keys=True) for config in configs}) == len(configs)
    for config in configs:
        assert space.unflatten(space.flatten(config)) == config


@given(SPACES, st.integers(0, 1000))
def test_what_is_near_differs_in_real_numbers_alone(space: SearchSpace, seed: int) -> None:
    config = drawn(space, seed)
    near = space.flatten(space.near(config, (), random.Random(seed)))
    for path, value in space.flatten(config).items():
        parameter = space.parameters[path]
        if isinstance(parameter, Float):
            assert parameter.low <= near[path] <= parameter.high  # type: ignore[operator]
        else:
            assert near[path] == value


def test_the_default_configuration_has_every_default() -> None:
    assert optimizers().default == {"width": 32, "optimizer": {"name": "adam", "lr": 1e-3}}


def test_a_parameter_is_named_by_its_path() -> None:
    assert tuple(optimizers().parameters) == (
        "width", "optimizer", "optimizer.adam.lr", "optimizer.sgd.lr", "optimizer.sgd.momentum",
    )  # fmt: skip
    assert len(optimizers()) == 5
    assert optimizers().is_conditional
    assert not SearchSpace(x=Choice("a", "b")).is_conditional


def test_held_values_are_in_every_configuration() -> None:
    space = optimizers()
    config = space.at({"width": 0.9}, held={"optimizer": "sgd", "optimizer.sgd.lr": 0.5, "optimizer.sgd.momentum": 0.1})
    assert config["optimizer"] == {"name": "sgd", "lr": 0.5, "momentum": 0.1}


def test_what_is_held_stays_where_it_is_in_what_is_near() -> None:
    space = SearchSpace(a=Float(0.0, 10.0), b=Float(0.0, 10.0))
    config = space.at({"a": 0.5, "b": 0.5})
    near = space.near(config, {"a"}, random.Random(0))
    assert near["a"] == config["a"]
    assert near["b"] in (4.0, 6.0)


def test_where_rules_leave_nothing_near_the_configuration_stays() -> None:
    space = SearchSpace(a=Float(0.0, 10.0)).require("a is 5", lambda config: config["a"] == 5.0)
    assert space.near(space.default, (), random.Random(0)) == space.default


def test_a_grid_obeys_rules_and_what_is_held() -> None:
    space = SearchSpace(a=Int(1, 3), b=Int(1, 3)).require("a below b", lambda config: config["a"] < config["b"])
    assert [*space.grid(3)] == [{"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 2, "b": 3}]
    assert [*space.grid(3, {"a": 2})] == [{"a": 2, "b": 3}]
    assert [*space.grid(3, {"a": 7})] == []


def test_every_mistake_is_told_at_once_with_its_path() -> None:
    with pytest.raises(SearchSpaceError) as refused:
        SearchSpace(
            lr=Float(1, 0),
            optimizer=Choice(sgd={"momentum": Float(0, 1, log=True)}, adam=3),  # type: ignore[arg-type]
            width=7,  # type: ignore[arg-type]
        )
    said = str(refused.value)
    for part in (
        "lr: low 1 is above high 0",
        "optimizer.sgd.momentum: a log scale needs low above 0",
        "optimizer.adam: a branch is a dict of parameters, not 3",
        "width: 7 is not a Float, Int or Choice; to fix a value write Choice(7)",
    ):
        assert part in said


def test_a_space_without_parameters_is_refused() -> None:
    with pytest.raises(SearchSpaceError, match="at least one parameter"):
        SearchSpace()


def test_a_branch_cannot_have_a_parameter_called_name() -> None:
    with pytest.raises(SearchSpaceError, match="'name' cannot be a parameter's name"):
        SearchSpace(kind=Choice(a={"name": Int(1, 2)}))


def test_a_default_that_breaks_a_rule_is_refused_with_the_rule() -> None:
    space = SearchSpace(a=Int(1, 9)).require("a is above 7", lambda config: config["a"] > 7)
    with pytest.raises(SearchSpaceError, match="default configuration breaks the rule 'a is above 7'"):
        space.check_possible()


def test_rules_that_leave_nothing_are_refused() -> None:
    space = SearchSpace(a=Int(1, 9)).require("a is above 9", lambda config: config["a"] > 9)
    with pytest.raises(SearchSpaceError, match="the space is impossible"):
        space.check_possible()


def test_a_rule_that_raises_is_told_with_its_reason() -> None:
    space = optimizers().require("momentum", lambda config: config["optimizer"]["momentum"] < 1)
    with pytest.raises(SearchSpaceError, match="the rule 'momentum' raised KeyError"):
        space.check_possible()


def test_a_fingerprint_changes_with_ranges_defaults_and_rules() -> None:
    one = SearchSpace(a=Int(1, 9))
    others = (
        SearchSpace(a=Int(1, 10)),
        SearchSpace(a=Int(1, 9, default=2)),
        SearchSpace(b=Int(1, 9)),
        SearchSpace(a=Int(1, 9)).require("odd", lambda config: config["a"] % 2),
    )
    assert SearchSpace(a=Int(1, 9)).fingerprint == one.fingerprint
    assert one.fingerprint not in {each.fingerprint for each in others}
    assert {one, SearchSpace(a=Int(1, 9))} == {one}


def test_differences_are_told_line_by_line() -> None:
    old = SearchSpace(a=Int(1, 9), b=Choice("x", "y"))
    new = SearchSpace(a=Int(1, 10), c=Float(0, 1))
    assert difference(old, new) == (
        "- b: choice x | y, default x",
        "+ c: float 0 .. 1, default 0.5",
        "~ a: int 1 .. 9, default 5 -> int 1 .. 10, default 6",
    )


def test_a_space_prints_as_an_aligned_table() -> None:
    space = optimizers().require("small", lambda _: True)
    lines = str(space).splitlines()
    assert lines[0].split() == ["width", "8", "..", "128", "log", "default", "32"]
    assert lines[-1] == "rule: small"
    assert "\n    momentum  0 .. 0.99" in str(space)
    assert repr(space) == f"SearchSpace(5 parameters, {space.fingerprint})"


ODD = SearchSpace(
    units=Choice(8, 16, None, default=None),
    optimizer=Choice("word", None, sgd={"lr": Float(0, 1, step=0.1)}, adam={}),
    flag=Choice(True, False),
    text=Choice("", "two words", "a.b"),
    size=Choice(3, 0.5, big={"n": Int(1, 3)}),
)


def test_values_that_are_no_words_survive_the_way_to_json_and_back() -> None:
    back = SearchSpace.from_description(json.loads(json.dumps(ODD.describe())))
    assert back == ODD
    assert back.fingerprint == ODD.fingerprint
    assert difference(ODD, back) == ()
    for path, parameter in ODD.parameters.items():
        if isinstance(parameter, Choice):
            assert [(type(each), each) for each in back.parameters[path].options] == [  # type: ignore[attr-defined]
                (type(each), each) for each in parameter.options
            ]


def test_none_is_chosen_as_a_branch_and_as_a_default() -> None:
    assert ODD.default["units"] is None
    config = ODD.build(lambda path, each: None if path == "optimizer" else each.default)
    assert config["optimizer"] == {"name": None}
    assert ODD.unflatten(ODD.flatten(config)) == config


def test_another_default_is_a_difference_where_it_is_none() -> None:
    with_none, without = SearchSpace(a=Choice(8, None, default=None)), SearchSpace(a=Choice(8, None))
    assert difference(with_none, without) == ("~ a: choice 8 | None, default None -> choice 8 | None, default 8",)


@pytest.mark.parametrize(
    ("space", "count"),
    [
        (SearchSpace(a=Choice(1, 2), n=Int(1, 5)), 10),
        (SearchSpace(a=Choice(1, 2), x=Float(0, 1)), math.inf),
        (SearchSpace(a=Choice("x", None, b={"n": Int(1, 4), "m": Choice(1, 2)}), k=Int(1, 3)), 30),
        (SearchSpace(**{f"p{index}": Int(1, 1000) for index in range(40)}), 1e120),
    ],
)
def test_configurations_are_counted_branch_by_branch(space: SearchSpace, count: float) -> None:
    assert space.count == pytest.approx(count)


def test_every_configuration_is_listed_where_they_are_few() -> None:
    space = SearchSpace(a=Choice(1, 2, b={"x": Float(0, 1, step=0.5)}), n=Int(1, 5, step=2))
    space.require("n is below 5", lambda config: config["n"] < 5)
    assert space.count == 15
    listed = space.every(15)
    assert listed is not None
    assert len(listed) == len({str(config) for config in listed}) == 10
    assert space.every(14) is None
