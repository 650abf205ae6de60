"""Search spaces as TOML equal those in Python, and every mistake in one is told at once."""

import tomllib
from pathlib import Path

import pytest
from domain.test_search_space import SPACES
from hypothesis import given
from hypothesis import strategies as st

from tuner import Choice, ConfigurationError, Float, Int, SearchSpace
from tuner.domain.config import Config
from tuner.domain.config_path import config_paths
from tuner.domain.errors import SearchSpaceError
from tuner.domain.expression import Expression
from tuner.registry.catalogue import Catalogue
from tuner.spec.space_file import parse_space, read_space_file, space_text

SHIPPED = Catalogue("tuner.search_spaces", "search space")

FILE = """
lr = {float = [1e-4, 1e-1], log = true, default = 1e-3}
depth = {int = [1, 3]}
width = {int = [8, 64], step = 8, default = 16}
batch_size = [32, 64, 128]
activation = {choice = ["relu", "gelu"], default = "gelu"}
clip = [{none = true}, 1.0]
momentum = 0.9

[optimizer.choice.sgd]
nesterov = [true, false]
[optimizer.choice.adam.beta]
float = [0.8, 0.99]
[optimizer.choice.adam.decay.choice.l2]
weight = {float = [0.0, 0.1]}
[optimizer.choice.adam.decay.choice.none]

[schedule]
values = [0, 1]
default = "cosine"
[schedule.choice.cosine]
warm_up = {float = [0.0, 0.2]}

[[rules]]
require = "depth * width <= 128"
why = "the memory is small"
[[rules]]
require = "optimizer.decay.weight < 0.1"
"""


def in_python() -> SearchSpace:
    return (
        SearchSpace(
            lr=Float(1e-4, 1e-1, log=True, default=1e-3),
            depth=Int(1, 3),
            width=Int(8, 64, step=8, default=16),
            batch_size=Choice(32, 64, 128),
            activation=Choice("relu", "gelu", default="gelu"),
            clip=Choice(None, 1.0),
            momentum=Choice(0.9),
            optimizer=Choice(
                sgd={"nesterov": Choice(True, False)},
                adam={"beta": Float(0.8, 0.99), "decay": Choice(l2={"weight": Float(0.0, 0.1)}, none={})},
            ),
            schedule=Choice(0, 1, cosine={"warm_up": Float(0.0, 0.2)}, default="cosine"),
        )
        .require("the memory is small", lambda config: config["depth"] * config["width"] <= 128)
        .require(
            "optimizer.decay.weight < 0.1",
            lambda config: config["optimizer"].get("decay", {}).get("weight", 0) < 0.1,
        )
    )


def test_a_file_says_what_a_space_in_python_does(tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text(FILE)
    read = read_space_file(tmp_path / "space.toml")
    assert read.fingerprint == in_python().fingerprint
    assert list(read.parameters) == list(in_python().parameters)
    assert [read.broken_rules(each) for each in read.spread(50)] == [
        in_python().broken_rules(each) for each in read.spread(50)
    ]
    wide = Config({**read.default, "depth": 3, "width": 64})
    assert read.broken_rules(wide) == ("the memory is small",)


def test_what_is_written_is_read_as_the_same() -> None:
    read = parse_space(tomllib.loads(FILE), "space.toml")
    again = parse_space(tomllib.loads(space_text(read)), "again.toml")
    assert again.fingerprint == read.fingerprint
    assert [str(rule.holds) for rule in again.rules] == [str(rule.holds) for rule in read.rules]


@given(SPACES)
def test_every_space_is_equal_to_what_is_written_of_it(space: SearchSpace) -> None:
    assert parse_space(tomllib.loads(space_text(space)), "space.toml").fingerprint == space.fingerprint


def test_priors_are_read_and_written() -> None:
    text = """
lr = {float = [1e-6, 1.0], log = true, prior = 3e-4}
depth = {int = [1, 9], default = 2, prior = 4}
norm = {choice = ["batch", {none = true}], prior = {none = true}}

[optimizer]
prior = "adam"
[optimizer.choice.sgd]
[optimizer.choice.adam]
"""
    read = parse_space(tomllib.loads(text), "space.toml")
    assert read.default == {"lr": 3e-4, "depth": 2, "norm": None, "optimizer": {"name": "adam"}}
    assert all(each.has_prior for each in read.parameters.values())
    assert parse_space(tomllib.loads(space_text(read)), "again.toml") == read
    assert SearchSpace.from_description(read.describe()) == read


NUMBERS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.lists(st.none() | NUMBERS | TEXTS, min_size=1, max_size=4, unique_by=repr)


@given(VALUES, st.integers(0, 3))
def test_every_value_that_can_be_chosen_is_written(values: list[str], default: int) -> None:
    try:
        chosen, likely = values[default % len(values)], values[-1 - default % len(values)]
        space = SearchSpace(x=Choice(*values, default=chosen, prior=likely))
    except SearchSpaceError:  # 1 and 1.0 are the same choice
        return
    assert parse_space(tomllib.loads(space_text(space)), "space.toml").fingerprint == space.fingerprint


@pytest.mark.parametrize("name", SHIPPED.names)
def test_every_shipped_space_can_be_written(name: str) -> None:
    space = SHIPPED[name]
    assert parse_space(tomllib.loads(space_text(space)), "space.toml").fingerprint == space.fingerprint


def test_mistakes_are_told_all_at_once_with_file_key_and_nearest_name() -> None:
    content = """
lr = {float = [1e-4, 1e-1], lgo = true}
depth = {itn = [1, 3]}
width = {int = [8]}
both = {int = [1, 2], float = [1, 2]}
kind = {choice = ["a", "b"], default = "c"}
day = 2020-01-01
"a b" = 1
one = {choice = [1], values = [2]}
low = {float = [0.0, 1.0], log = true}
[optimizer.choice]
sgd = 1
[model.choice.mlp]
name = [1]
[[rules]]
requires = "lr < 1"
[[rules]]
require = "lr < 1"
why = 1
"""
    with pytest.raises(SearchSpaceError) as raised:
        parse_space(tomllib.loads(content), "space.toml")
    told = raised.value.problems
    assert all(problem.startswith("space.toml: ") for problem in told)
    for words in (
        "lr: unknown key 'lgo'; did you mean 'log'? (known: float, log, step, default, prior)",
        "depth: has no kind; did you mean 'int'?",
        "width: int is [8], not the two ends of a range",
        "both: has 2 kinds, float and int",
        "kind: default 'c' is none of 'a', 'b'",
        "day: datetime.date(2020, 1, 1) cannot be chosen",
        "'a b' cannot be a parameter's name",
        "one: values are for a choice of branches",
        "low: a log scale needs low above 0",
        "optimizer.sgd: is not a table of parameters",
        "model.mlp.name: 'name' cannot be a parameter's name",
        "rules[0]: unknown key 'requires'; did you mean 'require'?",
        "rules[0].require: is missing",
        "rules[1].why: 1 is not text",
    ):
        assert sum(words in problem for problem in told) == 1, words


def test_a_rule_about_what_is_no_parameter_names_the_nearest() -> None:
    content = {"lr": {"float": [0.1, 1.0]}, "rules": [{"require": "lrr < 1 and width > 1"}]}
    with pytest.raises(SearchSpaceError) as raised:
        parse_space(content, "space.toml")
    where = "space.toml: rules[0].require: 'lrr < 1 and width > 1'"
    assert raised.value.problems == (
        f"{where}: 'lrr' is not a parameter of the search space; did you mean 'lr'?",
        f"{where}: 'width' is not a parameter of the search space",
    )


@pytest.mark.parametrize("content", ["", "rules = []\nrules", "x = " + "[" * 5000, "x = {a = 1", "x = []"])
def test_what_is_no_search_space_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "space.toml").write_text(content)
    with pytest.raises(ConfigurationError, match=r"space\.toml"):
        read_space_file(tmp_path / "space.toml")


def test_a_rule_that_is_a_function_cannot_be_written() -> None:
    with pytest.raises(ConfigurationError, match="the rule 'because' is a function in Python"):
        space_text(SearchSpace(x=Choice(1, 2)).require("because", lambda config: True))
    space = SearchSpace(x=Choice(1, 2))
    space.require("because", Expression.parse("x > 0", config_paths(space)))
    assert 'why = "because"' in space_text(space)
