"""The guide to search spaces: what it shows in Python and as TOML is the same space, and is what it says."""

import ast
import tomllib
from typing import Any

from guides import DOCS, blocks

from tuner import SearchSpace
from tuner.spec.space_file import parse_space

PAGE = DOCS / "search-spaces.md"


def in_python() -> SearchSpace:
    shown: dict[str, Any] = {}
    exec(blocks(PAGE, "python")[0], shown)
    space = shown["space"]
    assert isinstance(space, SearchSpace)
    return space


def test_both_forms_are_the_same_space() -> None:
    read = parse_space(tomllib.loads(blocks(PAGE, "toml")[0]), "space.toml")
    assert read.fingerprint == in_python().fingerprint
    assert [bool(read.broken_rules(each)) for each in read.spread(40)] == [
        bool(in_python().broken_rules(each)) for each in read.spread(40)
    ]


def test_the_configuration_that_is_shown_is_one_of_the_space() -> None:
    shown, default = ast.literal_eval(blocks(PAGE, "python")[1]), in_python().default
    assert in_python().has(shown)
    assert not in_python().broken_rules(shown)
    assert {key: value for key, value in shown.items() if key != "optimizer"} == {
        key: value for key, value in default.items() if key != "optimizer"
    }
