import pytest

from tuner.spec.messages import key_path, place, problem


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ({"type": "missing", "loc": ("metric",)}, "metric: is missing"),
        (
            {"type": "extra_forbidden", "loc": ("budget", "trails")},
            "unknown key 'trails' in [budget]; did you mean 'trials'? (known: trials, epochs)",
        ),
        ({"type": "extra_forbidden", "loc": ("x",)}, "unknown key 'x' (known: trials, epochs)"),
        ({"type": "string_type", "loc": ("names", 1), "input": 3}, "names: 3 is not text"),
        ({"type": "bool_type", "loc": ("names",), "input": 3}, "names: 3 is neither true nor false"),
        ({"type": "greater_than_equal", "loc": ("names",), "input": 0, "ctx": {"ge": 1}}, "names: 0 is below 1"),
        (
            {"type": "enum", "loc": ("names",), "input": "maximise", "ctx": {"expected": "'maximize' or 'minimize'"}},
            "names: 'maximise' is not 'maximize' or 'minimize'; did you mean 'maximize'?",
        ),
        ({"type": "of a later pydantic", "loc": ("names",), "input": 1, "msg": "is odd"}, "names: 1 is odd"),
    ],
)
def test_a_message_has_the_key_the_value_and_what_is_wrong_with_it(mistake: dict[str, object], words: str) -> None:
    assert problem({"msg": "", **mistake}, {"names": ["a", 3]}, ["trials", "epochs"]) == words


def test_a_mistake_is_where_its_key_was_given() -> None:
    overrides = ["budget.trials", "sampler"]
    assert place(["budget", "trials"], "a.toml", overrides) == "override budget.trials"
    assert place(["budget"], "a.toml", overrides) == "override budget.trials"
    assert place(["budget", "epochs"], "a.toml", overrides) == "a.toml"


def test_positions_in_lists_are_no_keys() -> None:
    assert [*key_path(["budget", "trials"], {"budget": {"trials": 3}})] == ["budget", "trials"]
    assert [*key_path(["metrics", "1"], {"metrics": ["a", 3]})] == ["metrics"]
