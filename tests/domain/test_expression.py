"""Conditions as text: what they mean, and that nothing but conditions is evaluated."""

import re

import pytest

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.config import Config
from tuner.domain.config_path import config_paths
from tuner.domain.errors import SearchSpaceError
from tuner.domain.expression import Expression

SPACE = SearchSpace(
    model=Choice(mlp={"depth": Int(1, 3), "width": Int(1, 99)}, linear={"width": Int(1, 99)}),
    optimizer=Choice(sgd={"lr": Float(0.0, 1.0)}, adam={"lr": Float(0.0, 1.0)}),
    batch=Choice(32, 64),
)
PATHS = config_paths(SPACE)
MLP = Config({"model": {"name": "mlp", "depth": 2, "width": 8}, "optimizer": {"name": "sgd", "lr": 0.5}, "batch": 64})
LINEAR = Config({"model": {"name": "linear", "width": 8}, "optimizer": {"name": "adam", "lr": 0.1}, "batch": 32})


@pytest.mark.parametrize(
    ("text", "on_mlp", "on_linear"),
    [
        ("model.depth * model.width <= 16", True, True),
        ("model.depth * model.width < 16", False, True),
        ("model == 'mlp'", True, False),
        ("model.name == 'mlp' and not batch == 32", True, False),
        ("optimizer in ['adam', 'rmsprop'] or batch > 32", True, True),
        ("optimizer not in ('adam',)", True, False),
        ("model.depth is None", False, True),
        ("model.depth is None or model.depth > 2", False, True),
        ("0.2 < lr <= 0.5", True, False),
        ("depth % 2 == 0 and -width // 3 == -3", True, True),
        ("2 ** 5 == batch / 1 + 0", False, True),
    ],
)
def test_a_condition_is_evaluated_as_python_would(text: str, on_mlp: bool, on_linear: bool) -> None:  # noqa: FBT001
    condition = Expression.parse(text, PATHS)
    assert (condition(MLP), condition(LINEAR)) == (on_mlp, on_linear)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model.dept > 1", "'model.dept' is not a parameter of the search space; did you mean 'model.depth'"),
        ("lr > 1 and hidden < 2", "'hidden' is not a parameter"),
        ("__import__('os').system('true')", "which is not evaluated"),
        ("().__class__ == 1", "which is not evaluated"),
        ("[each for each in (1, 2)]", "which is not evaluated"),
        ("lambda: 1", "which is not evaluated"),
        ("batch if lr else 1", "which is not evaluated"),
        ("f'{lr}' == 'a'", "which is not evaluated"),
        ("batch in model", "has no list behind `in`"),
        ("lr = 1", "is not an expression"),
        ("", "is not an expression"),
        ("(" * 400 + "lr" + ")" * 400, "is not an expression"),
        ("not " * 30 + "lr", "is too large"),
        ("+".join(["lr"] * 200), "is too large"),
        ("lr < " + "1" * 1000, "has 1005 characters"),
    ],
)
def test_what_is_no_condition_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        Expression.parse(text, PATHS)


def test_a_name_that_several_parameters_have_is_ambiguous() -> None:
    space = SearchSpace(one=Choice(a={"lr": Float(0, 1)}), other=Choice(b={"lr": Float(0, 1)}))
    with pytest.raises(ValueError, match=r"'lr' is ambiguous: one\.lr or other\.lr"):
        Expression.parse("lr > 0", config_paths(space))


@pytest.mark.parametrize(
    "text", ["'a' * 99999999999 == 1", "9 ** 9 ** 9 > 1", "1 / (batch - batch) > 1", "'a' < batch"]
)
def test_what_cannot_be_computed_is_a_mistake_and_costs_nothing(text: str) -> None:
    space = SearchSpace(batch=Choice(32, 64)).require("because", Expression.parse(text, ["batch"]))
    with pytest.raises(SearchSpaceError, match="the rule 'because' raised") as raised:
        space.check_possible()
    assert raised.value.hint.startswith(f"the rule is {text!r}: only numbers are computed with")


def test_a_path_says_whether_every_configuration_has_it() -> None:
    assert PATHS == {
        "model": True, "model.name": True, "model.depth": False, "model.width": True,
        "optimizer": True, "optimizer.name": True, "optimizer.lr": True, "batch": True,
    }  # fmt: skip
