from typing import Any

import pytest

from tuner.domain.goal_problems import goal_problems


@pytest.mark.parametrize(
    ("goal", "problems"),
    [
        (("f1", [], [], []), []),
        (("", ["f1", "loss"], ["maximize", "minimize"], ["loss <= 1"]), []),
        (("", [], [], []), ["metric: is missing"]),
        (("f1", ["loss"], [], []), ["metric: 'f1' is not the first of metrics, 'loss'; give one of the two"]),
        (("", ["f1", "f1"], [], []), ["metrics: 'f1' is there twice"]),
        (("f1", [], ["maximize"], []), ["directions: 1 for 0 metrics; give one for each, or none"]),
        (("f1", [], [], ["f1>=1", "f1 >= 1.0"]), ["constraints: 'f1 >= 1' is there twice"]),
        (("f1", [], [], [3]), ["constraints: 3 is not text"]),
    ],
)
def test_a_goal_is_sound_or_all_that_is_wrong_with_it_is_said(goal: Any, problems: list[str]) -> None:
    assert [*goal_problems(*goal)] == problems
