"""The guide to search spaces: what it shows in Python and as TOML is the same space, and is what it says."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

from tuner import SearchSpace
from tuner.spec.space_file import parse_space

PAGE = (Path(__file__).parent.parent / "docs" / "search-spaces.md").read_text()


def block(language: str, number: int = 0) -> str:
    blocks: list[str] = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return blocks[number]


def in_python() -> SearchSpace:
    shown: dict[str, Any] = {}
    exec(block("python"), shown)
    space = shown["space"]
    assert isinstance(space, SearchSpace)
    return space


def test_both_forms_are_the_same_space() -> None:
    read = parse_space(tomllib.loads(block("toml")), "space.toml")
    assert read.fingerprint == in_python().fingerprint
    assert [bool(read.broken_rules(each)) for each in read.spread(40)] == [
        bool(in_python().broken_rules(each)) for each in read.spread(40)
    ]


def test_the_configuration_that_is_shown_is_one_of_the_space() -> None:
    shown, default = ast.literal_eval(block("python", 1)), in_python().default
    assert in_python().has(shown)
    assert not in_python().broken_rules(shown)
    assert {key: value for key, value in shown.items() if key != "optimizer"} == {
        key: value for key, value in default.items() if key != "optimizer"
    }
