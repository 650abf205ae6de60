import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner import Budget, Component, Direction, Float, Limits, Resources, SearchSpace, StudySpec
from tuner.domain.command import Command
from tuner.domain.errors import ConfigurationError, Mistakes
from tuner.domain.fidelity import STEPS
from tuner.running.goal import goal_of
from tuner.running.lookup import find_scheduler
from tuner.spec.overrides import key_paths
from tuner.spec.study_file import Wording, check_name, checked, content_of, override, parse_study, read_study_file

SMALLEST: dict[str, Any] = {"objective": "supervised", "search_space": "image_classifier", "metric": "accuracy"}

NEW = ("metrics", "directions", "constraints")
"""Keys that the specs of older studies lack."""


def parse(**content: Any) -> StudySpec:
    return parse_study({**SMALLEST, **content}, {}, Wording("a.toml"), name="a")


def mistakes(**content: Any) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as raised:
        parse(**content)
    return raised.value.problems


def test_everything_but_three_keys_has_a_default() -> None:
    spec = parse()
    assert spec == StudySpec(**SMALLEST, name="a")
    assert spec.budget == Budget(trials=64, epochs=27)
    assert (spec.sampler, spec.scheduler) == (Component(name="auto"), Component(name="asha"))


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        """
        objective = "mine:train"
        search_space = "mine:space"
        metric = "loss"
        direction = "minimize"
        seed = 7
        sampler = "random"
        [settings]
        dataset = "wine"
        [budget]
        trials = 8
        epochs = 9
        time = "1h30m"
        [scheduler]
        name = "asha"
        eta = 4
        [resources]
        cpu = 0.5
        parallel = 3
        """
    )
    assert read_study_file(file, {}) == StudySpec(
        objective="mine:train",
        search_space="mine:space",
        metric="loss",
        direction=Direction.MINIMIZE,
        name="mine",
        seed=7,
        settings={"dataset": "wine"},
        budget=Budget(trials=8, epochs=9, seconds=5400.0),
        sampler=Component(name="random"),
        scheduler=Component(name="asha", options={"eta": 4}),
        resources=Resources(cpu=0.5, parallel=3),
    )


def test_all_mistakes_come_at_once_with_file_key_and_nearest_name() -> None:
    found = mistakes(
        metrik="f1", direction="maximise", seed=-1, budget={"trails": 3, "epochs": "many"}, resources={"parallel": 0}
    )
    assert len(found) == 6
    assert all(problem.startswith("a.toml: ") for problem in found)
    text = "\n".join(found)
    assert "unknown key 'metrik'; did you mean 'metric'?" in text
    assert "direction: 'maximise' is not 'maximize' or 'minimize'; did you mean 'maximize'?" in text
    assert "seed: -1 is below 0" in text
    assert "unknown key 'trails' in [budget]; did you mean 'trials'?" in text
    assert "budget.epochs: 'many' is not a whole number" in text
    assert "resources.parallel: 0 is neither a whole number above 0 nor 'auto'" in text


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"budget": 3}, "budget: 3 is not a section"),
        ({"budget": {"trials": 0}}, "budget.trials: 0 is below 1"),
        ({"budget": {"trials": 1.5}}, "budget.trials: 1.5 is not a whole number"),
        ({"budget": {"trials": True}}, "budget.trials: True is not a whole number"),
        ({"budget": {"time": "soon"}}, "budget.time: 'soon' is not a duration"),
        ({"objective": 3}, "objective: 3 is neither the name of an objective nor a function"),
        ({"sampler": {"name": 3}}, "sampler.name: 3 is not text"),
        ({"executor": 3}, "executor: 3 is not text"),
        ({"resources": {"cpu": 0}}, "resources.cpu: 0 is not above 0"),
    ],
)
def test_a_mistake_says_what_is_wrong_where(content: dict[str, Any], words: str) -> None:
    (found,) = mistakes(**content)
    assert words in found


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse_study({}, {}, Wording("a.toml"), name="a")
    assert raised.value.problems == tuple(f"a.toml: {key}: is missing" for key in SMALLEST)


def test_a_file_that_is_no_toml_says_where_it_stops_being_toml(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text("metric = accuracy")
    with pytest.raises(ConfigurationError, match="line 1"):
        read_study_file(file, {})


def test_a_file_that_cannot_be_read_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_study_file(tmp_path / "a.toml", {})


def test_options_without_a_name_are_those_of_the_default() -> None:
    assert parse(scheduler={"eta": 4}).scheduler == Component(name="asha", options={"eta": 4})


def test_a_spec_is_overridden_as_a_file_is() -> None:
    spec = override(parse(), {"budget.trials": 5, "metric": "f1"})
    assert (spec.budget.trials, spec.metric, spec.name) == (5, "f1", "a")
    with pytest.raises(ConfigurationError, match=r"budget\.trials"):
        override(parse(), {"budget.trials": 0})


def test_checking_a_spec_keeps_the_objects_in_it() -> None:
    def train() -> None: ...

    space = SearchSpace(x=Float(0, 1))
    spec = StudySpec(objective=train, search_space=space, metric="accuracy")
    for same in (checked(spec, {}), override(spec, {"seed": 3})):
        assert (same.objective, same.search_space, same.name) == (train, space, "")
    assert override(spec, {"objective": "supervised"}).objective == "supervised"


def test_a_spec_made_in_python_is_read_as_a_file_with_the_same_content() -> None:
    content: dict[str, Any] = {
        **SMALLEST,
        "direction": "maximize",
        "constraints": "parameters <= 10",
        "warm_start": "before",
        "sampler": {"name": "random"},
        "scheduler": {"eta": 4},
        "settings": {"sizes": [1, 2]},
    }
    assert checked(StudySpec(**content, name="a"), {}) == parse(**content)


def test_what_is_no_part_of_a_spec_is_refused_with_all_that_is_wrong() -> None:
    wrong: dict[str, Any] = {
        "objective": 3,
        "search_space": [],
        "budget": 5,
        "limits": Limits(time="soon"),  # type: ignore[arg-type]  # people write that
        "sampler": 7,
    }
    with pytest.raises(ConfigurationError) as raised:
        checked(StudySpec(**wrong, metric="accuracy"), {})
    assert raised.value.problems == (
        "the study's spec: objective: 3 is neither the name of an objective nor a function",
        "the study's spec: search_space: [] is neither the name of a search space nor a SearchSpace",
        "the study's spec: budget: 5 is not a section",
        "the study's spec: sampler: 7 is not a section",
        "the study's spec: limits.time: 'soon' is not a duration; write it as 90s, 10m, 1h30m or 2d",
    )


def test_a_spec_survives_its_json_form() -> None:
    spec = parse(budget={"time": 60.0}, sampler={"name": "tpe", "startup_trials": 3})
    assert StudySpec.from_description(spec.describe()) == spec


SEVERAL: dict[str, Any] = {
    "objective": "supervised",
    "search_space": "image_classifier",
    "metrics": ["loss", "parameters"],
    "constraints": ["latency_ms<=1", "accuracy >= 0.5"],
}


def several(overrides: dict[str, Any] | None = None, **content: Any) -> StudySpec:
    return parse_study({**SEVERAL, **content}, overrides or {}, Wording("a.toml"), name="a")


def test_the_first_of_several_metrics_is_the_metric_and_nothing_is_stopped_early() -> None:
    spec = several(directions=["minimize", "minimize"])
    assert (spec.metric, spec.metrics) == ("loss", ("loss", "parameters"))
    assert (spec.direction, spec.directions) == (Direction.MINIMIZE, (Direction.MINIMIZE, Direction.MINIMIZE))
    assert [str(each) for each in spec.constraints] == ["latency_ms <= 1", "accuracy >= 0.5"]
    assert spec.scheduler == Component(name="none")


def test_several_metrics_and_constraints_survive_the_json_form() -> None:
    for spec in (several(), several(directions=["minimize", "minimize"]), parse(constraints=["parameters <= 10"])):
        assert StudySpec.from_description(json.loads(json.dumps(spec.describe()))) == spec


def test_a_spec_that_was_stored_before_there_were_several_metrics_is_the_same_spec() -> None:
    stored = {key: value for key, value in parse().describe().items() if key not in NEW}
    assert StudySpec.from_description(stored) == parse()


def test_a_spec_that_the_first_version_stored_is_read() -> None:
    stored: dict[str, Any] = {
        "name": "a",
        "objective": "supervised",
        "search_space": "image_classifier",
        "metric": "accuracy",
        "direction": "maximize",
        "seed": 0,
        "settings": {"dataset": "digits"},
        "budget": {"trials": 64, "epochs": 27, "seconds": 60.0},
        "sampler": {"name": "tpe", "options": {}},
        "scheduler": {"name": "asha", "options": {"eta": 3}},
        "resources": {"cpu": 1, "gpu": "auto", "parallel": "auto", "cohort": "auto"},
        "executor": "ray",
    }
    asked = parse(
        direction="maximize",
        settings={"dataset": "digits"},
        budget={"time": "1m"},
        sampler={"name": "tpe"},
        scheduler={"eta": 3},
    )
    assert StudySpec.from_description(stored) == asked
    assert asked.describe()["budget"].items() >= stored["budget"].items()


def test_metrics_given_beside_the_file_take_the_place_of_its_metric_and_the_other_way_round() -> None:
    content = {**SMALLEST, "direction": "maximize"}
    spec = parse_study(content, key_paths({"metrics": ["f1", "parameters"]}), Wording("a.toml"), name="a")
    assert (spec.metric, spec.metrics, spec.directions) == ("f1", ("f1", "parameters"), ())
    single = several(key_paths({"metric": "f1"}), directions=["minimize", "minimize"])
    assert (single.metric, single.metrics, single.directions) == ("f1", (), ())
    assert override(spec, {"seed": 3}).metrics == spec.metrics
    assert override(parse(), {"metrics": ["f1", "parameters"]}).metrics == ("f1", "parameters")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"metrics": []}, "metric: is missing"),
        ({"metrics": ["f1", "f1"]}, "metrics: 'f1' is there twice"),
        ({"metrics": ["f1", ""]}, "metrics: one has no name"),
        ({"metric": "f1"}, "metric: 'f1' is not the first of metrics, 'loss'; give one of the two"),
        ({"metrics": 3}, "metrics: 3 is not a list"),
        ({"directions": ["minimize"]}, "directions: 1 for 2 metrics; give one for each, or none"),
        ({"directions": ["up", "minimize"]}, "directions: 'up' is not 'maximize' or 'minimize'"),
        ({"direction": "minimize"}, "direction: is for a single metric; with metrics give directions"),
        ({"constraints": ["latency_ms < 1"]}, "constraints: 'latency_ms < 1' is not a constraint; write it as:"),
        ({"constraints": ["f1>=.5", "f1 >= 0.5"]}, "constraints: 'f1 >= 0.5' is there twice"),
    ],
)
def test_metrics_that_make_no_sense_together_are_mistakes(content: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        several(**content)
    (said,) = raised.value.problems
    assert said.startswith(f"a.toml: {problem}")


def test_a_spec_made_in_python_is_told_all_of_its_mistakes_too() -> None:
    with pytest.raises(ConfigurationError) as raised:
        StudySpec(
            objective="supervised",
            search_space="image_classifier",
            metrics=("f1", "f1"),
            directions=("up",),
            constraints=("f1",),
        )
    assert len(raised.value.problems) == 4


def test_a_single_metric_or_constraint_may_be_given_as_it_is_in_python() -> None:
    spec = StudySpec(
        objective="supervised",
        search_space="image_classifier",
        metrics="loss",
        directions=Direction.MINIMIZE,  # type: ignore[arg-type]  # people write that
        constraints="parameters <= 10",
    )
    assert (spec.metric, spec.metrics, spec.direction) == ("loss", ("loss",), Direction.MINIMIZE)
    assert [str(each) for each in spec.constraints] == ["parameters <= 10"]
    assert spec.scheduler == Component(name="asha")


@pytest.mark.parametrize("name", ["digits", "a", "A-b_c.d", "0", "x" * 100])
def test_a_plain_name_is_a_name(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "a/b", "..", "a..b", ".hidden", "-x", "a b", "a\x1b[31m", "a\n", "é", "x" * 101])
def test_a_name_that_could_be_a_path_or_steer_a_terminal_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be called"):
        check_name(name)


KEYS = (
    st.sampled_from([*SMALLEST, *NEW, "direction", "seed", "settings", "budget", "sampler", "resources", "name"])
    | st.text()
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["trials", "time", "name"]) | st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(KEYS, VALUES))
def test_whatever_a_file_says_the_answer_is_a_spec_or_a_list_of_mistakes(content: dict[str, Any]) -> None:
    with suppress(ConfigurationError):
        parse_study({**SMALLEST, **content}, {}, Wording("a.toml"), name="a")


def test_a_warm_start_is_a_name_or_several_and_nothing_else() -> None:
    assert parse(warm_start=["a", "b", "a"]).warm_start == ("a", "b")
    assert parse(warm_start="a").warm_start == ("a",)
    assert mistakes(warm_start=3) == ("a.toml: warm_start: 3 is not a list",)
    assert mistakes(warm_start=["a", 3]) == ("a.toml: warm_start: 3 is not text",)


def test_a_spec_with_a_warm_start_survives_its_json_form() -> None:
    for names in ("before", ["before"], ()):
        spec = StudySpec(**SMALLEST, warm_start=names)
        assert StudySpec.from_description(spec.describe()).describe() == spec.describe()
    assert "warm_start" not in StudySpec(**SMALLEST).describe()


COMMAND = {"command": ["python", "train.py", "--lr", "{lr}"], "search_space": "space.toml", "metric": "loss"}


def test_a_command_stands_in_the_place_of_an_objective_and_survives_being_stored() -> None:
    content = {**COMMAND, "metrics": {"pattern": "loss=(?P<loss>.*)", "names": ["loss", "seconds"]}}
    spec = parse_study(content, {}, Wording("s.toml"), name="s")
    assert spec.objective == Command(words=("python", "train.py", "--lr", "{lr}"), pattern="loss=(?P<loss>.*)")
    assert (spec.metric, spec.metrics) == ("loss", ("loss", "seconds"))
    assert StudySpec.from_description(json.loads(json.dumps(spec.describe()))) == spec
    assert parse_study(content_of(spec), {}, Wording("s.toml"), name="s") == spec
    assert checked(spec, {"budget.trials": 3}).objective == spec.objective


def test_a_command_line_is_split_as_a_shell_would_and_no_further() -> None:
    spec = parse_study({**COMMAND, "command": "sh -c 'echo $HOME' {lr}"}, {}, Wording("s.toml"), name="s")
    assert spec.objective == Command(words=("sh", "-c", "echo $HOME", "{lr}"))
    changed = checked(spec, {"command": "other {lr}", "metrics.pattern": "(?P<loss>.*)"})
    assert changed.objective == Command(words=("other", "{lr}"), pattern="(?P<loss>.*)")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"objective": "supervised"}, "s.toml: command: is given in place of an objective; give one of the two"),
        ({"settings": {"a": 1}}, "s.toml: settings: are for an objective in Python"),
        ({"command": "echo 'open"}, 's.toml: command: "echo \'open" cannot be split into words: No closing quotation'),
        ({"command": []}, "s.toml: command: is empty; write it as"),
        ({"command": 3}, "s.toml: command: 3 is not a list"),
        ({"metrics": {"patern": "x"}}, "s.toml: unknown key 'patern' in [metrics]; did you mean 'pattern'?"),
    ],
)
def test_what_is_wrong_with_a_command_is_told_with_file_and_key(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        parse_study({**COMMAND, **changes}, {}, Wording("s.toml"), name="s")
    assert any(problem.startswith(words) for problem in raised.value.problems), raised.value.problems


def test_a_pattern_needs_a_command() -> None:
    content = {"objective": "supervised", "search_space": "x", "metric": "loss", "metrics": {"pattern": "x"}}
    with pytest.raises(ConfigurationError, match=r"metrics\.pattern: is for what a command prints"):
        parse_study(content, {}, Wording("s.toml"), name="s")


def test_two_units_in_a_budget_are_a_mistake_among_the_others() -> None:
    content = {"objective": "mine:it", "search_space": "mine:space", "metric": "loss", "seed": "x"}
    with pytest.raises(ConfigurationError) as caught:
        parse_study({**content, "budget": {"epochs": 3, "tokens": 300}}, {}, Wording("it.toml"), name="it")
    problems = "\n".join(caught.value.problems)
    assert "budget: epochs and tokens say in two ways how far a trial is trained" in problems
    assert "seed" in problems


@pytest.mark.parametrize(
    "budget", [{"epochs": 3, "steps": 300}, {"steps": 3_000_000_000}, {"steps": "many"}, {"steps": 0}]
)
def test_a_mistake_in_how_far_trials_are_trained_leaves_the_unit_that_was_meant(budget: dict[str, Any]) -> None:
    content = {"objective": "mine:it", "search_space": "mine:space", "metric": "loss", "budget": budget}
    found = Mistakes()
    scheduler = {"name": "asha", "min_steps": 100}
    spec = parse_study({**content, "scheduler": scheduler}, {}, Wording("it.toml"), name="it", mistakes=found)
    find_scheduler(spec, goal_of(spec, {}), Path())  # or its options would seem to be unknown
    assert spec.budget.fidelity.unit == STEPS
    assert len(found.problems) == 1


def test_a_unit_that_is_given_beside_a_study_file_takes_the_place_of_its_own() -> None:
    content = {"objective": "mine:it", "search_space": "mine:space", "metric": "loss", "budget": {"epochs": 3}}
    spec = parse_study(content, {"budget.steps": 300}, Wording("it.toml"), name="it")
    assert (spec.budget.epochs, spec.budget.steps) == (None, 300)
