"""Commands that messages name can be pasted: they are quoted, and find a study that lies elsewhere."""

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest

import tuner

Cli = Callable[..., tuple[int, str, str]]

ELSEWHERE = "a folder/studies.db"
OF_STORED_STUDIES = (
    "resume|confirm|watch|list|status|best|trials|export|importance|report|compare|delete|doctor|dashboard|logs"
)


def failing(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    raise RuntimeError("no such layer")
    yield {}


@pytest.fixture
def elsewhere(user_folder: Path) -> str:
    """A storage, not where commands look, with a study of ours, one whose trials fail, and one that Optuna made."""
    tuner.run("mine.toml", executor="inline", trials=2, epochs=1, storage=ELSEWHERE)
    space, budget = tuner.SearchSpace(x=tuner.Float(0, 1)), tuner.Budget(trials=2, epochs=1)
    spec = tuner.StudySpec(objective=failing, search_space=space, metric="score", budget=budget, executor="inline")
    with pytest.raises(tuner.NoUsableTrialError):
        tuner.run(spec, storage=ELSEWHERE)
    optuna.create_study(study_name="of optuna's", storage=f"sqlite:///{ELSEWHERE}")
    return str(Path(ELSEWHERE).absolute())


@pytest.mark.parametrize(
    "words",
    [
        ("run", "mine.toml", "--executor", "inline"),
        ("resume", "of optuna's"),
        ("resume", "mine", "--set", "metric=other"),
        ("confirm", "failing"),
        ("best", "failing"),
        ("export", "failing", "model"),
        ("delete", "mine"),
        ("compare", "mine"),
        ("run", "mine.toml", "--name", "warm", "--set", "warm_start=nothing"),
    ],
    ids=" ".join,
)
def test_the_command_that_a_message_names_finds_the_study(words: tuple[str, ...], elsewhere: str, cli: Cli) -> None:
    code, _, messages = cli(*words, "--storage", ELSEWHERE)
    assert code != 0
    (command,) = re.findall(r"\btuner \w+ .*--storage '[^']*'", messages)
    assert shlex.split(command)[-2:] == ["--storage", elsewhere]


def test_no_message_writes_such_a_command_by_itself() -> None:
    """`Location.command` quotes what is in it, and adds the storage."""
    begun = re.compile(rf"\btuner (?:{OF_STORED_STUDIES})(?: \S+)* $")
    found = [
        f"{file}:{text.lineno}"
        for file in sorted(Path(tuner.__file__).parent.rglob("*.py"))
        for text in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(text, ast.JoinedStr)
        for part, following in zip(text.values, text.values[1:], strict=False)
        if isinstance(part, ast.Constant)
        and isinstance(following, ast.FormattedValue)
        and begun.search(str(part.value))
    ]
    assert found == []
