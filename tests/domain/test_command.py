"""Commands: what their placeholders become, and what is wrong with one before anything runs."""

import pytest

from tuner import Choice, ConfigurationError, Float, Int, SearchSpace, StudySpec
from tuner.domain.command import Command
from tuner.domain.config import Config
from tuner.domain.config_path import config_paths, values_by_path

SPACE = SearchSpace(
    lr=Float(0.0, 1.0),
    amp=Choice(True, False),
    model=Choice(mlp={"depth": Int(1, 3)}, linear={}),
    optimizer=Choice(sgd={"decay": Float(0.0, 1.0)}, adam={"decay": Float(0.0, 1.0)}),
)
OTHERS = {"ambiguous": True, "one.rate": True, "other.rate": True}
MLP = {"lr": 1e-05, "amp": True, "model": {"name": "mlp", "depth": 2}, "optimizer": {"name": "sgd", "decay": 0.5}}
LINEAR = {"lr": 0.5, "amp": False, "model": {"name": "linear"}, "optimizer": {"name": "adam", "decay": 0.25}}
FACTS = {"trial.number": "7", "trial.folder": "/a folder", "trial.checkpoint": "", "config": "/c.json"}


def arguments(*words: str, config: dict[str, object] = MLP) -> list[str]:
    return Command(words=words).arguments(values_by_path(Config(config)), FACTS)


def test_placeholders_become_values_and_every_word_stays_one_argument() -> None:
    assert arguments("train", "--lr", "{lr}", "--out={trial.folder}/m", "{model}-{model.depth}-{trial.number}") == [
        "train", "--lr", "1e-05", "--out=/a folder/m", "mlp-2-7",
    ]  # fmt: skip
    assert arguments("{amp}", "{decay}", "{optimizer.decay}", "{trial.checkpoint}") == ["true", "0.5", "0.5", ""]


def test_a_parameter_that_is_not_active_is_left_out_with_its_flag() -> None:
    words = ("train", "--depth", "{model.depth}", "--depth={depth}", "-d", "{depth}", "{lr}")
    assert arguments(*words) == ["train", "--depth", "2", "--depth=2", "-d", "2", "1e-05"]
    assert arguments(*words, config=LINEAR) == ["train", "0.5"]


def test_a_switch_is_a_flag_or_nothing_or_another_flag() -> None:
    words = ("{amp?--amp}", "{amp?--amp:--no-amp}", "{amp?:--off}")
    assert arguments(*words) == ["--amp", "--amp"]
    assert arguments(*words, config=LINEAR) == ["--no-amp", "--off"]


def test_braces_that_are_no_placeholders_stay() -> None:
    words = ('{"a": {"lr": {lr}, "b": {}}}', "{{lr}}", "{{}}", "${{HOME:-/}}")
    assert arguments(*words) == ['{"a": {"lr": 1e-05, "b": {}}}', "{lr}", "{}", "${HOME:-/}"]
    assert [*Command(words=("train", *words)).problems(config_paths(SPACE), ["loss"])] == []


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("{lr:.3f}", "{lr:.3f} in '{lr:.3f}' is not a placeholder; one is {lr}, without a format, or"),
        ("--lr={}", "{} in '--lr={}' is not a placeholder"),
        ("{lr", "{lr in '{lr' is not a placeholder"),
        ("{lr}}", "} in '{lr}}' is not a placeholder"),
        (
            "x={amp?yes:no}",
            "{amp?yes:no} in 'x={amp?yes:no}' is not a placeholder; one is {lr}, without a format, or {amp?--amp} as a",
        ),
        ("{lrr}", "{lrr} is unknown; did you mean 'lr'? (braces themselves are written as {{lrr}})"),
        ("{trial.numbr}", "{trial.numbr} is unknown; did you mean 'trial.number'?"),
        ("${HOME}", "{HOME} is unknown"),
        ("{depth}", "{depth} in '{depth}' exists in some configurations only"),
        ("out-{model.depth}", "exists in some configurations only"),
        ("{name?--a}", "{name} is unknown"),
        ("{ambiguos}", "{ambiguos} is unknown; did you mean 'ambiguous'?"),
        ("{rate}", "{rate} is ambiguous: one.rate or other.rate (braces"),
    ],
)
def test_what_is_wrong_with_a_placeholder_is_found_before_anything_runs(word: str, words: str) -> None:
    (problem,) = Command(words=("train", word)).problems({**config_paths(SPACE), **OTHERS}, ["loss"])
    assert problem.startswith("command: ")
    assert words in problem


def test_a_command_that_is_fine_has_no_problems() -> None:
    command = Command(words=("train", "--depth", "{depth}", "--d={depth}", "{decay}", "{amp?--amp}", "{python}"))
    assert [*command.problems(config_paths(SPACE), ["loss"])] == []


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("loss=(?P<loss>", "is not a regular expression"),
        ("loss=(?P<los>.*)", "has no group for the metric 'loss', such as (?P<loss>[-+.\\deE]+); did you mean 'los'?"),
        ("loss=(.*)", "(groups: none)"),
    ],
)
def test_a_pattern_has_a_group_for_every_metric(pattern: str, words: str) -> None:
    (problem,) = Command(words=("train",), pattern=pattern).problems({}, ["loss"])
    assert problem.startswith("metrics.pattern: ")
    assert words in problem


@pytest.mark.parametrize(
    ("text", "name"), [("python -u sub/train.py --x", "train"), ("./run --lr 1", "run"), ("sh go.sh", "go")]
)
def test_a_study_is_called_as_the_script(text: str, name: str) -> None:
    assert Command(words=Command.split(text)).name == name


def test_a_command_line_with_an_open_quote_is_a_mistake_told_with_all_others() -> None:
    with pytest.raises(ConfigurationError) as caught:
        StudySpec(command="python 'train.py", search_space=SPACE, metric="loss", direction="up")
    assert caught.value.problems == (
        "direction: 'up' is neither maximize nor minimize",
        'command: "python \'train.py" cannot be split into words: No closing quotation',
    )
