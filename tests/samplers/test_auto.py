"""The sampler that chooses among samplers."""

import pytest
from fakes import MAXIMIZED

from tuner import Choice, Float, SearchSpace
from tuner.domain.goal import Goal
from tuner.domain.sampler import Sampler
from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord, TrialState
from tuner.samplers.auto import Auto
from tuner.samplers.gp import GaussianProcess
from tuner.samplers.tpe import TPE

PLANE = SearchSpace(x=Float(0, 1), y=Float(0, 1))
LARGE = SearchSpace(**{f"x{index}": Float(0, 1) for index in range(61)})
CONDITIONAL = SearchSpace(kind=Choice(a={"x": Float(0, 1)}, b={"y": Float(0, 1)}))
SEVERAL = Goal(metrics=("accuracy", "size"), directions=(Direction.MAXIMIZE, Direction.MINIMIZE))


def informed(sampler: Sampler, space: SearchSpace) -> Sampler:
    for number in range(30):
        config = space.at(dict.fromkeys(space.parameters, (number * 0.37) % 1))
        metrics = {"accuracy": number / 30, "size": 1.0}
        record = TrialRecord(
            number=number,
            state=TrialState.COMPLETE,
            config=config,
            value=number / 30,
            epoch=1,
            metrics=metrics,
            curve={1: number / 30},
        )
        sampler.observe(record)
    return sampler


@pytest.mark.parametrize(
    ("space", "goal", "number", "like"),
    [
        (PLANE, MAXIMIZED, 40, GaussianProcess),
        (CONDITIONAL, MAXIMIZED, 40, GaussianProcess),
        (PLANE, MAXIMIZED, 1_000, TPE),
        (PLANE, SEVERAL, 40, GaussianProcess),
        (LARGE, MAXIMIZED, 40, TPE),
    ],
    ids=["few trials", "branches", "many trials", "several metrics", "many parameters"],
)
def test_it_proposes_what_the_sampler_proposes_that_suits_the_study(
    space: SearchSpace, goal: Goal, number: int, like: type[GaussianProcess | TPE]
) -> None:
    auto, other = informed(Auto(space, goal, 0), space), informed(like(space, goal, 0), space)
    assert auto.suggest(number) == other.suggest(number)
