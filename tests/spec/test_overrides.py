from typing import Any

import numpy as np
import pytest

from tuner import Component
from tuner.domain.errors import ConfigurationError, Mistakes
from tuner.spec.overrides import KEY_PATHS, given_paths, key_paths, parse_override
from tuner.spec.schema import known_keys
from tuner.spec.study_file import Wording, parse_study

SMALLEST: dict[str, Any] = {"objective": "supervised", "search_space": "image_classifier", "metric": "accuracy"}


def test_overrides_reach_into_sections_and_make_them() -> None:
    spec = parse_study(
        {**SMALLEST, "sampler": "tpe"},
        {"budget.trials": 3, "settings.dataset": "wine", "sampler.startup_trials": 4, "seed": 9},
        Wording("a.toml"),
        name="a",
    )
    assert spec.budget.trials == 3
    assert spec.settings == {"dataset": "wine"}
    assert spec.sampler == Component(name="tpe", options={"startup_trials": 4})
    assert spec.seed == 9


def test_another_scheduler_comes_without_the_options_of_the_one_before() -> None:
    content = {**SMALLEST, "scheduler": {"name": "asha", "eta": 4}}
    other = parse_study(content, key_paths({"scheduler": "median"}), Wording("a.toml"), name="a")
    same = parse_study(content, key_paths({"scheduler": "asha"}), Wording("a.toml"), name="a")
    assert other.scheduler == Component(name="median")
    assert same.scheduler == Component(name="asha", options={"eta": 4})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b=3", ("a.b", 3)),
        ("a=1.5", ("a", 1.5)),
        ("a=true", ("a", True)),
        ("a=text", ("a", "text")),
        ('a="3"', ("a", "3")),
        ("a=[1, 2]", ("a", [1, 2])),
        ("a=b=c", ("a", "b=c")),
    ],
)
def test_an_assignment_is_toml_or_else_text(text: str, expected: tuple[str, Any]) -> None:
    assert parse_override(text) == expected


@pytest.mark.parametrize("text", ["a", "=3", ""])
def test_an_assignment_without_key_or_value_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="has no value"):
        parse_override(text)


def test_what_a_program_gives_may_have_numpys_numbers() -> None:
    given = given_paths({"trials": np.int64(4), "start": [{"x": np.float64(0.5)}], "seed": None}, Mistakes())
    assert given == {"budget.trials": 4, "start": [{"x": 0.5}]}
    assert type(given["budget.trials"]) is int


def test_an_unknown_override_names_the_nearest_one() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'trials'"):
        key_paths({"trails": 3})


def test_every_word_beside_a_study_file_stands_for_a_key_of_the_schema() -> None:
    for path in KEY_PATHS.values():
        *sections, key = path.split(".")
        assert key in known_keys(sections)
