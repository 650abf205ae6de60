"""Study files to start from say what they are to say, and are read back as it."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tuner
from tuner import Budget, Component, Direction, Limits, Resources, StudySpec
from tuner.domain.errors import ConfigurationError
from tuner.domain.study import Confirm, as_component
from tuner.running.spec_source import read_spec
from tuner.schedulers.asha import ASHA
from tuner.spec.shipped_studies import shipped_studies
from tuner.spec.study_file import Wording, parse_study, read_study_file
from tuner.spec.template import study_file_of, template

names = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_characters="."), min_size=1, max_size=9)
scalars = (
    st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
options = st.dictionaries(names.filter(lambda name: name != "name"), values, max_size=3)
seconds = st.none() | st.integers(1, 10**7).map(float) | st.floats(0.001, 1e6)
sizes = st.none() | st.integers(1, 2**40) | st.integers(1, 2**20).map(lambda count: count * 2**20)
whole = st.integers(1, 1000)
several = st.integers(2, 1000)


@st.composite
def specs(draw: st.DrawFn) -> StudySpec:
    goal: dict[str, Any] = draw(
        st.fixed_dictionaries({"metric": names, "direction": st.sampled_from(Direction)})
        | st.fixed_dictionaries({"metrics": st.lists(names, min_size=1, max_size=3, unique=True)})
    )
    return StudySpec(
        **goal,
        objective=draw(names),
        search_space=draw(names),
        constraints=draw(st.just(()) | st.just(("parameters <= 1000",))),
        seed=draw(st.integers(0, 2**63 - 1)),
        settings=draw(options),
        budget=Budget(trials=draw(whole), epochs=draw(whole), seconds=draw(seconds)),
        sampler=Component(name=draw(names), options=draw(options)),
        scheduler=Component(name=draw(names), options=draw(options)),
        resources=Resources(
            cpu=draw(st.floats(0.5, 64)),
            gpu=draw(st.integers(0, 8) | st.floats(0, 8)),
            parallel=draw(whole | st.just("auto")),
            cohort=draw(whole | st.just("auto")),
            share_process=draw(st.booleans()),
        ),
        limits=Limits(start=draw(seconds), time=draw(seconds), memory=draw(sizes), output=draw(sizes)),
        confirm=Confirm(top=draw(several), seeds=draw(several), run=draw(st.booleans() | st.just("auto"))),
        executor=draw(st.sampled_from(["ray", "inline"])),
        warm_start=tuple(draw(st.lists(names, max_size=2, unique=True))),
    )


@settings(max_examples=50, deadline=None)
@given(specs())
def test_a_spec_written_as_a_study_file_is_read_back_as_it_is(spec: StudySpec) -> None:
    assert parse_study(tomllib.loads(study_file_of(spec)), {}, Wording("it"), name="study") == replace(
        spec, name="study"
    )


@pytest.mark.parametrize("name", shipped_studies())
def test_a_shipped_study_written_as_a_study_file_is_read_back_as_it_is(name: str, tmp_path: Path) -> None:
    spec, _ = read_spec(name, {})
    file = tmp_path / f"{name}.toml"
    file.write_text(study_file_of(spec))
    assert read_study_file(file, {}) == spec


def test_the_template_says_the_defaults() -> None:
    content = tomllib.loads(template())
    assert content.pop("settings") == {"dataset": "digits", "precision": "float32"}
    options = content.pop("scheduler")
    read = parse_study(content, {}, Wording("it"), name="study")
    assert read == StudySpec(objective="supervised", search_space="image_classifier", metric="accuracy", name="study")
    assert options == {"name": as_component(read.scheduler).name, **defaults_of_options(ASHA)}


def defaults_of_options(member: type) -> dict[str, Any]:
    parameters = signature(member).parameters.values()
    return {each.name: each.default for each in parameters if each.kind is each.KEYWORD_ONLY}


def test_a_key_without_a_value_stands_there_with_an_example() -> None:
    uncommented = re.sub(r"^# (metrics|name) = ", r"\1 = ", template(), flags=re.MULTILINE)
    assert tomllib.loads(uncommented)["metrics"] == ["accuracy", "parameters"]
    assert parse_study(tomllib.loads(uncommented), {}, Wording("it"), name="study").name == "digits"


def test_comments_stay_and_options_of_another_scheduler_go() -> None:
    text = study_file_of(read_spec("iris", {"scheduler": "patience", "budget.time": 5400})[0])
    assert '# "maximize" or "minimize";' in text
    assert "min_epochs" not in text
    assert 'time = "1h30m"' in text


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    yield {"score": trial.config["x"]}


def test_what_was_made_in_python_has_no_name_that_a_file_could_give() -> None:
    spec = StudySpec(objective=train, search_space=tuner.SearchSpace(x=tuner.Float(0, 1)), metric="score")
    with pytest.raises(ConfigurationError) as raised:
        study_file_of(spec)
    assert [problem.partition(":")[0] for problem in raised.value.problems] == ["objective", "search_space"]


@pytest.mark.parametrize("value", [None, [None], {"inside": None}])
def test_what_toml_cannot_say_is_refused(value: Any) -> None:
    spec = StudySpec(objective="supervised", search_space="mine", metric="score", settings={"key": value})
    with pytest.raises(ConfigurationError, match="cannot be written as a study file"):
        study_file_of(spec)
