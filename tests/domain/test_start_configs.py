"""What a person starts a study with is completed with defaults, and refused with all mistakes at once."""

from typing import Any

import pytest

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.errors import ConfigurationError
from tuner.domain.start_configs import start_configs

SPACE = SearchSpace(
    width=Int(16, 256, default=64),
    batch_size=Choice(32, 64, True),
    optimizer=Choice(
        adamw={"lr": Float(1e-4, 1e-1, log=True, default=1e-3)},
        sgd={"lr": Float(1e-3, 1.0, log=True, default=0.1), "momentum": Float(0.0, 1.0)},
    ),
)


@pytest.mark.parametrize(
    ("part", "differs"),
    [
        ({}, {}),
        ({"width": 32}, {"width": 32}),
        ({"width": 32.0}, {"width": 32}),
        ({"optimizer": "sgd"}, {"optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.5}}),
        ({"optimizer": {"lr": 0.01}}, {"optimizer": {"name": "adamw", "lr": 0.01}}),
        (
            {"optimizer": {"name": "sgd", "momentum": 1}},
            {"optimizer": {"name": "sgd", "lr": 0.1, "momentum": 1.0}},
        ),
    ],
)
def test_what_a_part_leaves_out_has_its_default(part: dict[str, Any], differs: dict[str, Any]) -> None:
    (config,) = start_configs(SPACE, [part])
    assert config == {**SPACE.default, **differs}
    assert type(config["width"]) is int


def test_a_whole_configuration_stays_as_it_is() -> None:
    configs = tuple(SPACE.grid(2))
    assert start_configs(SPACE, configs) == configs


def test_all_mistakes_are_said_at_once_each_with_its_place() -> None:
    parts: list[dict[str, Any]] = [
        {"width": 8, "widht": 32, "batch_size": 1.5},
        {"optimizer": {"name": "sgdd"}, "width": {"name": 64}},
        {"optimizer": {"name": "sgd", "momentun": 0.9, "lr": "high"}},
    ]
    with pytest.raises(ConfigurationError) as raised:
        start_configs(SPACE, parts)
    assert raised.value.problems == (
        "start[0].width: 8 is not in 16 .. 256",
        "start[0].widht: unknown parameter; did you mean 'width'? (known: width, batch_size, optimizer)",
        "start[0].batch_size: 1.5 is not in 32 | 64 | True",
        "start[1].optimizer: 'sgdd' is not in adamw | sgd; did you mean 'sgd'?",
        "start[1].width: has no parameters of its own: give one of 16 .. 256",
        "start[2].optimizer.sgd.momentun: unknown parameter; did you mean 'momentum'? (known: lr, momentum)",
        "start[2].optimizer.sgd.lr: 'high' is not in 0.001 .. 1 log",
    )


def test_true_is_no_number() -> None:
    with pytest.raises(ConfigurationError, match=r"start\[0\]\.width: True is not in"):
        start_configs(SPACE, [{"width": True}])


def test_a_configuration_that_breaks_a_rule_is_refused() -> None:
    space = SearchSpace(x=Float(0, 1)).require("x is small", lambda config: config["x"] < 0.7)
    with pytest.raises(ConfigurationError, match=r"start\[0\]: breaks the rule 'x is small'"):
        start_configs(space, [{"x": 0.9}])
