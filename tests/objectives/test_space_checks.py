from typing import Any

import pytest

from tuner import Choice, ConfigurationError, Float, Int, SearchSpace
from tuner.domain.parameter import Parameter
from tuner.objectives.supervised import Supervised


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "settings.dataset: missing; one of breast_cancer, diabetes, digits"),
        ({"dataset": "digit"}, "settings.dataset: unknown dataset 'digit'; did you mean 'digits'?"),
        ({"dataset": 3}, "settings.dataset: unknown dataset 3"),
        ({"dataset": "wine", "vaildation": 0.1}, "settings.vaildation: unknown setting; did you mean 'validation'?"),
        ({"dataset": "wine", "test": 1.5}, "settings.test: 1.5 is not a number from 0 to 1"),
        ({"dataset": "wine", "test": True}, "settings.test: True is not a number from 0 to 1"),
        ({"dataset": "wine", "test": float("nan")}, "settings.test: nan is not a number from 0 to 1"),
        ({"dataset": "wine", "precision": "float16"}, "settings.precision: 'float16' is none of float32, bfloat16"),
        ({"dataset": "wine", "validation": 0}, "settings.validation: 0 leaves nothing to compare trials by"),
        ({"dataset": "wine", "validation": 0.5, "test": 0.5}, "settings.validation: with the test share it leaves"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_named_with_what_is_wrong(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Supervised(settings, seed=0)
    assert len(raised.value.problems) == 1
    assert raised.value.problems[0].startswith(problem)


def test_all_wrong_settings_are_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Supervised({"data": "wine", "test": "a", "validation": -1}, seed=0)
    assert len(raised.value.problems) == 4


def _problems(dataset: str, **parameters: Parameter) -> list[str]:
    return list(Supervised({"dataset": dataset}, seed=0).problems(SearchSpace(**parameters)))


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"optimiser": Choice("sgd")}, "optimiser: nothing is called that; did you mean 'optimizer'?"),
        ({"optimizer": Choice("sdg")}, "optimizer: unknown optimizer 'sdg'; did you mean 'sgd'? (known: adagrad"),
        ({"optimizer": Float(0, 1)}, "optimizer: has to be a Choice of adagrad, adam"),
        ({"loss": Choice("mean_squared_error")}, "loss: 'mean_squared_error' is for regression, and dataset 'wine'"),
        ({"architecture": Choice("rnn")}, "architecture: 'rnn' is for image or sequence, and dataset 'wine' is table"),
        ({"preprocessing": Choice("standart")}, "preprocessing: unknown scaling 'standart'; did you mean 'standard'?"),
        ({"batch_size": Float(1, 2)}, "batch_size: has to be whole numbers from 1"),
        ({"batch_size": Int(0, 2)}, "batch_size: has to be whole numbers from 1"),
        ({"batch_size": Choice(16, "all")}, "batch_size: has to be whole numbers from 1"),
        ({"architecture": Choice(mlp={"width": Float(8, 64)})}, "architecture.mlp.width: has to be whole numbers"),
        ({"optimizer": Choice(sgd={"lr": Choice(0.1, "fast")})}, "optimizer.sgd.lr: has to be numbers"),
        (
            {"architecture": Choice(mlp={"widht": Int(1, 9)})},
            "architecture.mlp.widht: 'mlp' has no field 'widht'; did you mean 'width'? (fields: width, depth,",
        ),
        (
            {"architecture": Choice(mlp={"activation": Choice("relu", "geluu")})},
            "architecture.mlp.activation: unknown activation 'geluu'; did you mean 'gelu'?",
        ),
        (
            {"architecture": Choice(mlp={"width": Choice(small={"by": Int(1, 2)})})},
            "architecture.mlp.width: takes a value, not branches",
        ),
        (
            {"scaling": Choice(standard={"strength": Float(0, 1)})},
            "scaling.standard.strength: 'standard' has no field 'strength' (fields: none)",
        ),
        (
            {"scaling": Choice("none"), "preprocessing": Choice("none")},
            "preprocessing: means scaling, which is there too; keep one",
        ),
    ],
    ids=str,
)
def test_a_parameter_that_means_nothing_here_is_named_with_what_is_wrong(
    parameters: dict[str, Parameter], problem: str
) -> None:
    (found,) = _problems("wine", **parameters)
    assert found.startswith(problem)


def test_all_problems_of_a_space_are_named_at_once() -> None:
    found = _problems(
        "diabetes",
        loss=Choice("focal", "cross_entropy"),
        architecture=Choice(cnn={"chanels": Int(1, 2)}, mpl={"width": Int(1, 2)}),
        momentum=Float(0, 1),
    )
    assert len(found) == 6


def test_a_space_that_fits_has_no_problems() -> None:
    assert _problems("digits", architecture=Choice("mlp", rnn={"cell": Choice("gru")}), batch_size=Int(8, 64)) == []
