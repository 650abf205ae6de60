"""What `StudySpec` declares is what study files, the JSON schema and the template say."""

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from tuner import StudySpec
from tuner.domain.errors import ConfigurationError
from tuner.domain.key import Key, Unit
from tuner.spec.schema import (
    json_schema,
    keys_of,
    known_keys,
    section_model,
    sections,
    spec_of,
    study_model,
)
from tuner.spec.shipped_studies import shipped_studies, shipped_study
from tuner.spec.study_file import Wording, parse_study
from tuner.spec.template import template

Cli = Callable[..., tuple[int, str, str]]

SMALLEST: dict[str, Any] = {"objective": "supervised", "search_space": "image_classifier", "metric": "accuracy"}
EVERY_KEY = {key.name: key for key in keys_of(StudySpec)} | {
    f"{name}.{key.name}": key for name, section in sections().items() for key in keys_of(section)
}
WRONG: list[dict[str, Any]] = [
    {"metrik": "f1"},
    {"objective": 3},
    {"direction": "up"},
    {"directions": ["up"]},
    {"seed": -1},
    {"seed": 1.5},
    {"executor": 3},
    {"warm_start": [3]},
    {"settings": 3},
    {"budget": 3},
    {"budget": {"trails": 3}},
    {"budget": {"trials": 0}},
    {"budget": {"time": "soon"}},
    {"resources": {"cpu": 0}},
    {"resources": {"gpu": -1}},
    {"resources": {"parallel": 0}},
    {"resources": {"parallel": True}},
    {"resources": {"share_process": "yes"}},
    {"limits": {"memory": "much"}},
    {"budget": {"target": "nothing"}},
    {"budget": {"patience": 0}},
    {"budget": {"trials": "none"}},
    {"limits": {"output": 0}},
    {"confirm": {"seeds": 1}},
    {"confirm": {"run": "perhaps"}},
    {"sampler": {"name": 3}},
    {"scheduler": 3},
]
RIGHT: list[dict[str, Any]] = [
    {},
    {"direction": "maximize", "constraints": ["parameters <= 10"], "warm_start": "earlier"},
    {"sampler": "random", "scheduler": {"eta": 4}},
    {"sampler": {"name": "mine:Sampler", "depth": 3}},
    {"budget": {"time": "1h30m"}},
    {"budget": {"time": 90, "trials": 3}},
    {"budget": {"time": "none", "target": "none", "patience": "none"}},
    {"limits": {"memory": "8GiB", "output": "none", "start": 0.5, "time": "2d"}},
    {"resources": {"cpu": 0.5, "gpu": 0, "parallel": 3, "cohort": "auto", "share_process": True}},
    {"confirm": {"run": False}},
    {"settings": {"deep": {"list": [1, "two", {"three": 3.0}]}}},
]

VALIDATOR = Draft202012Validator(json_schema())


def test_the_json_schema_is_one() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("name", shipped_studies())
def test_the_json_schema_accepts_every_shipped_study(name: str) -> None:
    VALIDATOR.validate(tomllib.loads(shipped_study(name).read_text()))


def test_the_json_schema_accepts_the_template() -> None:
    VALIDATOR.validate(tomllib.loads(template()))


@pytest.mark.parametrize("content", RIGHT, ids=repr)
def test_what_a_study_file_may_say_is_right_in_an_editor_too(content: dict[str, Any]) -> None:
    VALIDATOR.validate({**SMALLEST, **content})
    parse_study({**SMALLEST, **content}, {}, Wording("a.toml"), name="a")


@pytest.mark.parametrize("content", WRONG, ids=repr)
def test_what_a_study_file_may_not_say_is_wrong_in_an_editor_too(content: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid({**SMALLEST, **content})
    with pytest.raises(ConfigurationError):
        parse_study({**SMALLEST, **content}, {}, Wording("a.toml"), name="a")


@pytest.mark.parametrize("missing", SMALLEST)
def test_an_editor_misses_what_has_no_default(missing: str) -> None:
    assert not VALIDATOR.is_valid({key: value for key, value in SMALLEST.items() if key != missing})


@pytest.mark.parametrize("path", EVERY_KEY)
def test_every_key_is_known_to_study_files_editors_and_the_template(path: str) -> None:
    key, inside = EVERY_KEY[path], path.split(".")[:-1]
    described = json_schema()
    for name in inside:
        described = described["$defs"][sections()[name].__name__]
    assert key.name in known_keys(inside)
    assert described["properties"][key.name]["description"] == key.key.words
    heading = rf"[{key.name}]" if key.section or key.key.members or key.name == "settings" else f"{key.name} = "
    assert any(
        line.removeprefix("# ").startswith(heading) and line.endswith(f"# {key.key.words}")
        for line in template().splitlines()
    )


def test_what_nothing_is_said_of_has_the_defaults_of_python() -> None:
    assert spec_of(study_model().model_validate(SMALLEST)) == StudySpec(**SMALLEST)


def test_the_command_prints_the_json_schema(cli: Cli) -> None:
    code, out, _ = cli("schema")
    assert (code, json.loads(out)) == (0, json_schema())


@dataclass(frozen=True, kw_only=True)
class Section:
    steps: Annotated[int | None, Key(words="in place of epochs", least=1)] = None
    until: Annotated[float | None, Key(words="how long", unit=Unit.SECONDS, name="for")] = None
    command: Annotated[Sequence[str], Key(words="a program to run", example=("train",))] = ()
    start: Annotated[Sequence[Mapping[str, Any]], Key(words="configurations that are tried first")] = ()
    patterns: Annotated[Mapping[str, Any], Key(words="how metrics are found")] = field(default_factory=dict)


def test_a_field_is_all_there_is_to_a_key() -> None:
    content = tomllib.loads(
        'steps = 3\nfor = "1h"\ncommand = ["train", "--fast"]\n[[start]]\nlr = 0.1\n[patterns]\nloss = "loss: (.*)"\n'
    )
    read = section_model(Section).model_validate(content)
    assert read.model_dump() == {**content, "for": 3600.0}
    with pytest.raises(ValidationError) as raised:
        section_model(Section).model_validate({"steps": 0, "for": "soon", "until": "1h", "start": 3})
    assert {mistake["loc"][0]: mistake["type"] for mistake in raised.value.errors()} == {
        "steps": "greater_than_equal",
        "for": "value_error",
        "start": "list_type",
        "until": "extra_forbidden",
    }
