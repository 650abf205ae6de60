"""Which way a metric is better: said by the spec, else by the objective, else by its name."""

from typing import Any

import pytest

from tuner import Direction, StudySpec
from tuner.running.goal import assumed_directions, goal_of, undirected

MAXIMIZE, MINIMIZE = Direction.MAXIMIZE, Direction.MINIMIZE


def spec(**keys: Any) -> StudySpec:
    return StudySpec(**{"objective": "supervised", "search_space": "mlp", "metric": "score", **keys})


@pytest.mark.parametrize(
    ("keys", "yields", "directions"),
    [
        ({"direction": MINIMIZE}, {"score": MAXIMIZE}, (MINIMIZE,)),
        ({}, {"score": MINIMIZE}, (MINIMIZE,)),
        ({"metric": "loss"}, {}, (MINIMIZE,)),
        ({"metric": "accuracy"}, {}, (MAXIMIZE,)),
        ({"metrics": ("score", "parameters")}, {"score": MAXIMIZE}, (MAXIMIZE, MINIMIZE)),
    ],
)
def test_the_spec_is_asked_before_the_objective_and_the_objective_before_the_name(
    keys: dict[str, Any], yields: dict[str, Direction], directions: tuple[Direction, ...]
) -> None:
    assert goal_of(spec(**keys), yields).directions == directions


def test_a_direction_that_only_the_name_says_is_a_warning() -> None:
    (warning,) = assumed_directions(spec(metric="loss"), {})
    assert warning.startswith("direction: minimize (assumed from the name `loss`")
    assert not [*assumed_directions(spec(metric="loss", direction=MINIMIZE), {})]
    assert not [*assumed_directions(spec(metric="loss"), {"loss": MINIMIZE})]


def test_a_direction_that_nothing_says_is_an_error() -> None:
    (error,) = undirected(spec(metric="zork"), None)
    assert "nothing says which way 'zork' is better" in error
    assert not [*undirected(spec(metric="zork", direction=MAXIMIZE), None)]
    assert not [*undirected(spec(metric="loss"), None)]
