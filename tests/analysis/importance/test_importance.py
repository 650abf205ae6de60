"""Which parameters matter: judged on studies whose answer is known."""

import json
import math
import random
from collections.abc import Mapping
from typing import Any

import pytest

from tuner import Choice, Float, Int, SearchSpace
from tuner.analysis.importance import Importance, ParameterImportance, Shape, importance_of
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.study import Direction
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord, TrialState

SPACE = SearchSpace(
    optimizer=Choice(
        adamw={"lr": Float(1e-4, 1e-1, log=True), "decay": Float(0, 1)}, sgd={"lr": Float(1e-3, 1.0, log=True)}
    ),
    depth=Int(1, 3),
    batch=Choice(32, 64, 128),
)
EPOCHS = 27


def study(space: SearchSpace | None = SPACE, direction: Direction = Direction.MAXIMIZE) -> StudyRecord:
    return StudyRecord(
        name="s", goal=Goal.of("accuracy", direction), space=space, rules=(), spec={}, source={}, notes={}
    )


def quality(config: Config) -> float:
    """Good is adamw with a learning rate near 0.003, and the more layers the better; the rest does nothing."""
    optimizer: Mapping[str, Any] = config["optimizer"]
    distance = abs(math.log10(optimizer["lr"]) + 2.5)
    return (1.0 - 0.5 * distance if optimizer["name"] == "adamw" else 0.4) + 0.1 * float(config["depth"])


def trial(number: int, config: Config, asymptote: float, epochs: int) -> TrialRecord:
    curve = {epoch: asymptote * (1 - math.exp(-epoch / 5)) for epoch in range(1, epochs + 1)}
    state = TrialState.COMPLETE if epochs == EPOCHS else TrialState.PRUNED
    value = curve[max(curve, key=lambda epoch: curve[epoch])]
    return TrialRecord(number=number, state=state, config=config, value=value, epoch=epochs, curve=curve)


def searched(count: int = 200, sign: float = 1.0) -> list[TrialRecord]:
    """Most are stopped early, with no regard to how good they are: a comparison of last values would be misled."""
    draw = random.Random(1)
    configs = [SPACE.at({path: draw.random() for path in SPACE.parameters}) for _ in range(count)]
    return [
        trial(number, config, sign * (quality(config) + draw.gauss(0, 0.05)), draw.choice([1, 1, 1, 3, 9, EPOCHS]))
        for number, config in enumerate(configs)
    ]


def by_path(importance: Importance) -> Mapping[str, ParameterImportance]:
    return {parameter.path: parameter for parameter in importance.parameters}


@pytest.fixture(scope="module")
def importance() -> Importance:
    return importance_of(study(), searched())


def test_what_matters_comes_first_and_is_told_apart_from_what_does_not(importance: Importance) -> None:
    paths = [each.path for each in importance.parameters]
    assert set(paths[:3]) == {each.path for each in importance.clear} == {"optimizer", "optimizer.adamw.lr", "depth"}
    assert set(paths) == set(SPACE.parameters)
    assert sum(each.share for each in importance.parameters) == pytest.approx(1)


def test_it_says_how_much_the_parameters_tell_of_trials_not_seen(importance: Importance) -> None:
    assert importance.trials == 200
    assert 0.6 < importance.explained < 1


def test_it_says_which_values_are_good(importance: Importance) -> None:
    found = by_path(importance)
    lr, depth, optimizer = found["optimizer.adamw.lr"], found["depth"], found["optimizer"]
    assert lr.shape is Shape.PEAK
    assert lr.best is not None
    assert 0.0009 < (lr.best.low or 0) < 10**-2.5 < (lr.best.high or 0) < 0.04
    assert depth.shape is Shape.RISING
    assert depth.best is not None
    assert (depth.best.high, str(depth.worst)) == (3, "1")
    assert optimizer.shape is Shape.CHOICE
    assert (str(optimizer.best), str(optimizer.worst)) == ("adamw", "sgd")


def test_nothing_is_said_of_a_parameter_whose_effect_could_be_chance(importance: Importance) -> None:
    batch = by_path(importance)["batch"]
    assert (batch.shape, batch.best, batch.worst) == (Shape.NONE, None, None)


def test_bands_divide_a_range_and_count_the_trials_in_each(importance: Importance) -> None:
    found = by_path(importance)
    adamw = sum(each.config["optimizer"]["name"] == "adamw" for each in searched())
    lr = found["optimizer.adamw.lr"].bands
    assert sum(band.trials for band in lr) == adamw
    assert [band.low for band in lr][1:] == [band.high for band in lr][:-1]
    assert [str(band) for band in found["depth"].bands] == ["1", "2", "3"]
    assert [band.option for band in found["batch"].bands] == [32, 64, 128]


def test_the_mean_of_a_band_is_that_of_its_complete_trials(importance: Importance) -> None:
    three = [each for each in searched() if each.config["depth"] == 3 and each.state is TrialState.COMPLETE]
    mean = sum(each.value or 0 for each in three) / len(three)
    assert by_path(importance)["depth"].bands[-1].mean == pytest.approx(mean)


def test_where_less_is_better_the_same_is_found() -> None:
    found = by_path(importance_of(study(direction=Direction.MINIMIZE), searched(sign=-1.0)))
    assert found["depth"].shape is Shape.RISING
    assert str(found["optimizer"].best) == "adamw"


def test_the_same_trials_give_the_same_answer_and_it_can_be_written_down() -> None:
    first, second = (importance_of(study(), searched(40)).describe() for _ in range(2))
    assert json.loads(json.dumps(first)) == json.loads(json.dumps(second))
    assert first["parameters"][0]["best"]["standing"] > 0.5


def test_a_study_of_plain_optuna_is_understood_from_its_values() -> None:
    plain = [
        TrialRecord(
            number=number,
            state=TrialState.COMPLETE,
            config=Config({"kind": "ab"[number % 2], "rate": 10 ** -(number % 7), "same": 1}),
            value=float(number % 7),
        )
        for number in range(60)
    ]
    found = importance_of(study(space=None), plain)
    assert [each.path for each in found.clear] == ["rate"]
    assert "same" not in by_path(found)
    assert found.clear[0].shape is Shape.FALLING


@pytest.mark.parametrize(
    ("trials", "why"),
    [
        ([], "0 of the trials measured something, and it takes 10"),
        (searched(9), "9 of the trials measured something, and it takes 10"),
        ([trial(number, SPACE.default, 1.0, 1) for number in range(12)], "every trial is as good as the next"),
    ],
)
def test_where_nothing_can_be_told_it_says_why(trials: list[TrialRecord], why: str) -> None:
    found = importance_of(study(), trials)
    assert (found.parameters, found.why_not) == ((), why)


def test_without_a_parameter_that_varies_it_says_so() -> None:
    same = [
        TrialRecord(number=number, state=TrialState.COMPLETE, config=Config({"x": 1}), value=float(number))
        for number in range(12)
    ]
    assert importance_of(study(space=None), same).why_not == "no parameter has more than one value"


def test_where_the_parameters_explain_nothing_none_is_ranked() -> None:
    draw = random.Random(5)
    noise = [
        trial(number, SPACE.at({path: draw.random() for path in SPACE.parameters}), draw.random(), 1)
        for number in range(30)
    ]
    found = importance_of(study(), noise)
    assert found.explained < 0.1
    assert found.clear == ()
    assert len(found.parameters) == len(SPACE)
