"""Constraints as people write them."""

import pytest

from tuner.domain.constraint import Constraint, Relation
from tuner.domain.goal import Goal
from tuner.domain.study import Direction


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("parameters <= 100000", "parameters <= 100000"),
        ("parameters<=1_000_000", "parameters <= 1000000"),
        ("  latency_ms  <=  0.25 ", "latency_ms <= 0.25"),
        ("val acc >= -1e-3", "val acc >= -0.001"),
        ("x <= 123456789", "x <= 123456789"),
    ],
)
def test_a_constraint_is_written_in_one_way(text: str, written: str) -> None:
    assert str(Constraint.parse(text)) == written
    assert Constraint.parse(written) == Constraint.parse(text)


@pytest.mark.parametrize("text", ["", "parameters", "parameters < 5", "parameters = 5", "<= 5", "x <= ", "x => 5"])
def test_what_is_no_constraint_is_told_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a constraint; write it as: parameters <= 100000"):
        Constraint.parse(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x <= many", "'many', which is not a number"),
        ("x >= nan", "which bounds nothing"),
        ("x <= inf", "bounds nothing"),
    ],
)
def test_a_bound_is_a_finite_number(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Constraint.parse(text)


def test_a_constraint_knows_its_parts() -> None:
    parsed = Constraint.parse("accuracy >= 0.5")
    assert (parsed.metric, parsed.relation, parsed.bound) == ("accuracy", Relation.AT_LEAST, 0.5)


def test_only_a_constraint_on_what_training_does_not_change_is_broken_for_good() -> None:
    goal = Goal.of("accuracy", Direction.MAXIMIZE, "accuracy >= 0.5", "parameters <= 10")
    assert goal.broken_for_good({"accuracy": 0.1, "parameters": 10}) == ()
    assert goal.broken_for_good({"accuracy": 0.1, "parameters": 11}) == (Constraint.parse("parameters <= 10"),)
    assert len(goal.violated({"accuracy": 0.1, "parameters": 11})) == 2


def test_a_goal_says_itself_in_words() -> None:
    goal = Goal.of("accuracy", Direction.MAXIMIZE, "parameters<=1e1")
    assert str(goal) == "maximize accuracy, parameters <= 10"


def test_a_report_has_to_have_every_metric_that_is_looked_at() -> None:
    goal = Goal.of("accuracy", Direction.MAXIMIZE, "parameters <= 10", "parameters >= 2", "recall >= 0.5")
    assert goal.wanted == ("accuracy", "parameters", "recall")
