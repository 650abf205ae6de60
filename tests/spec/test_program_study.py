"""The study that is proposed for a program: what is searched, how far, and what is left alone."""

import tomllib

import pytest
from spec.test_program_help import HELP

from tuner import Choice, ConfigurationError, Float, Int
from tuner.domain.parameter import Parameter
from tuner.spec.program_help import ProgramOption, options_of
from tuner.spec.program_study import proposed
from tuner.spec.space_file import parse_space


@pytest.mark.parametrize(
    ("flag", "default", "parameter"),
    [
        ("--lr", "0.1", Float(0.01, 1.0, log=True, default=0.1)),
        ("--weight-decay", "5e-4", Float(5e-5, 5e-3, log=True, default=5e-4)),
        ("--rate", "0.001", Float(0.0001, 0.01, log=True, default=0.001)),
        ("--momentum", "0.9", Float(0.45, 0.95, default=0.9)),
        ("--dropout", "0.0", Float(0.0, 0.5, default=0.0)),
        ("--scale", "3.0", Float(1.5, 6.0, default=3.0)),
        ("--batch-size", "64", Int(16, 256, log=True, default=64)),
        ("--depth", "2", Int(1, 4, default=2)),
    ],
)
def test_a_number_is_searched_around_its_default(flag: str, default: str, parameter: Parameter) -> None:
    study = proposed(["./train"], [ProgramOption(flag=flag, value="X", default=default)], "space.toml")
    (found,) = parse_space(tomllib.loads(study.space), "space.toml").parameters.values()
    assert found.describe() == parameter.describe()


@pytest.mark.parametrize(
    "option",
    [
        ProgramOption(flag="--seed", value="S", default="1"),
        ProgramOption(flag="--num-workers", value="N", default="4"),
        ProgramOption(flag="--data-dir", value="D", default="data"),
        ProgramOption(flag="--save-model"),
        ProgramOption(flag="--device", choices=("cpu", "cuda"), value="{cpu,cuda}", default="cpu"),
        ProgramOption(flag="--width", value="W"),
        ProgramOption(flag="--offset", value="O", default="0"),
        ProgramOption(flag="--layers", value="L [L ...]", default="[1]", is_list=True),
    ],
    ids=str,
)
def test_what_is_no_hyperparameter_or_has_no_default_is_left_with_a_comment(option: ProgramOption) -> None:
    with pytest.raises(ConfigurationError, match="no option with a default"):
        proposed(["./train"], [option], "space.toml")
    study = proposed(["./train"], [option, ProgramOption(flag="--lr", value="LR", default="0.1")], "space.toml")
    assert f"#   {option}: " in study.study
    assert tomllib.loads(study.study)["command"] == ["./train", "--lr", "{lr}"]


def test_a_whole_help_becomes_a_command_and_a_space() -> None:
    study = proposed(["{python}", "train.py"], options_of(HELP), "space.toml")
    assert tomllib.loads(study.study)["command"] == [
        "{python}", "train.py", "FILL-IN", "--data", "FILL-IN", "--lr", "{lr}", "--batch-size", "{batch_size}",
        "--opt", "{opt}", "{amp?--amp:--no-amp}", "{nesterov?--nesterov}", "--momentum", "{momentum}",
    ]  # fmt: skip
    assert study.to_fill_in == ("task", "--data DATA")
    space = parse_space(tomllib.loads(study.space), "space.toml")
    assert space.parameters["opt"] == Choice("adam", "sgd")
    assert space.default["amp"] is True
    assert space.default["nesterov"] is False


def test_a_number_of_epochs_is_the_budgets() -> None:
    options = [
        ProgramOption(flag="--epochs", value="N", default="14"),
        ProgramOption(flag="--lr", value="L", default="1"),
    ]
    content = tomllib.loads(proposed(["./train"], options, "space.toml").study)
    assert content["command"] == ["./train", "--epochs", "{trial.max_epochs}", "--lr", "{lr}"]
    assert content["budget"]["epochs"] == 14
