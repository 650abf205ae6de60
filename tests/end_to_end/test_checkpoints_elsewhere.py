"""Studies whose checkpoints are kept at a URL: found from another machine, and refused where they cannot be kept."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import CliResult
from object_store import BUCKET, s3_server

import tuner

Cli = Callable[..., CliResult]

STUDY = """
objective = "counted:train"
search_space = "space.toml"
metric = "score"
direction = "maximize"
executor = "inline"
scheduler = "none"
[budget]
trials = 3
epochs = 2
[storage]
checkpoints = "URL"
"""


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with s3_server():
        yield f"s3://{BUCKET}/studies"


@pytest.fixture
def study(user_folder: Path) -> Callable[[str], None]:
    """Writes a study file, an objective and a space, with checkpoints at a URL."""

    def write(url: str) -> None:
        (user_folder / "space.toml").write_text("x = {float = [0.5, 1.0]}\n")
        (user_folder / "study.toml").write_text(STUDY.replace("URL", url))

    return write


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_another_machine_continues_from_them_and_a_deleted_study_takes_them_along(
    place: str, study: Callable[[str], None], cli: Cli, workplace: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("bucket") if place == "bucket" else f"{workplace}/kept"
    study(url)
    code, _, stderr = cli("run", "study.toml", "--storage", "first/studies.db")
    assert code == 0, stderr
    (workplace / "second").mkdir()
    shutil.move("first/studies.db", "second/studies.db")
    shutil.rmtree("first")
    code, _, stderr = cli("resume", "study", "--storage", "second/studies.db", "--epochs", "4")
    assert (code, "begin" in stderr and "anew" in stderr) == (0, False), stderr
    trials = tuner.load_study("study", "second/studies.db").trials
    assert [sorted(trial.curve) for trial in trials] == [[1, 2, 3, 4]] * 3
    assert cli("delete", "study", "--yes", "--storage", "second/studies.db")[0] == 0
    left = [path for path in (workplace / "kept").rglob("*") if path.is_file()] if place == "folder" else []
    assert left == []


def test_a_trial_whose_checkpoint_is_gone_is_named_before_the_study_continues(
    study: Callable[[str], None], cli: Cli, workplace: Path
) -> None:
    study(f"{workplace}/kept")
    assert cli("run", "study.toml", "--storage", "studies.db")[0] == 0
    shutil.rmtree("kept")
    code, _, stderr = cli("resume", "study", "--storage", "studies.db", "--epochs", "4")
    assert code == 0
    assert "no checkpoint of them is kept" in stderr


def test_a_place_that_cannot_be_reached_leaves_no_study_behind(
    study: Callable[[str], None], cli: Cli, bucket: str
) -> None:
    study("s3://no-such-bucket")
    code, _, stderr = cli("run", "study.toml", "--storage", "studies.db")
    assert code == 4, stderr
    assert "checkpoints cannot be kept at s3://no-such-bucket" in stderr
    assert cli("status", "study", "--storage", "studies.db")[0] == 2


@pytest.mark.parametrize(
    ("url", "executor", "message"),
    [
        ("memory://here", "ray", "the memory of one process"),
        ("nosuch://here", "inline", "no file system that fsspec knows"),
        ("relative/path", "inline", "neither a URL"),
    ],
)
def test_a_place_that_cannot_serve_is_bad_input(
    url: str, executor: str, message: str, study: Callable[[str], None], cli: Cli
) -> None:
    study(url)
    code, _, stderr = cli("run", "study.toml", "--executor", executor)
    assert code == 2
    assert "storage.checkpoints: " in stderr
    assert message in " ".join(stderr.split())


def test_the_place_is_part_of_the_study(study: Callable[[str], None], cli: Cli, workplace: Path) -> None:
    study(f"{workplace}/kept")
    assert cli("run", "study.toml")[0] == 0
    code, _, stderr = cli("resume", "study", "--set", f"storage.checkpoints={workplace}/other", "--trials", "4")
    assert code == 5
    assert "storage.checkpoints" in stderr
