"""Rows 4, 17 to 22 and 27: trials that hang, grow, print or die, damaged checkpoints, and machines without Ray."""

import json
import os
import pickle
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import TEMPLATE
from faults.invariants import check_finished, left_behind
from faults.processes import ROOT, TARGET, USER_CODE
from places import checkpoints_in

Cli = Callable[..., tuple[int, str, str]]


def tune(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return TEMPLATE.run(*words, cwd=folder, env={**os.environ, "PYTHONPATH": ROOT, **environment})


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], list[Any], list[str]]:
    """A study that was run under Ray, its trials, and the processes that it left."""
    folder = tmp_path_factory.mktemp("wrong")
    for name in ("wrong.py", "wrong.toml"):
        (folder / name).write_text((USER_CODE / name).read_text())
    mark = uuid.uuid4().hex
    ended = tune(folder, "run", "wrong.toml", TUNER_FAULT=mark)
    trials = json.loads(tune(folder, "trials", "wrong", "--format", "json").stdout)
    return ended, trials["trials"] if isinstance(trials, dict) else trials, left_behind(mark)


@pytest.mark.parametrize(
    ("number", "state", "reason"),
    [
        (0, "COMPLETE", ""),
        (1, "FAIL", "it reported nothing within the 15 s that limits.progress allows"),
        (2, "FAIL", "it reported nothing within the 15 s that limits.progress allows"),
        (3, "FAIL", "it reported nothing within the 15 s that limits.progress allows"),
        (4, "FAIL", "it reported nothing within the 15 s that limits.progress allows"),
        (5, "FAIL", "it printed more than the 19 MiB that limits.output allows"),
        (6, "FAIL", "MiB of memory, limits.memory allows 762 MiB"),
        (7, "FAIL", "MemoryError: 1 TiB is too much"),
        (8, "COMPLETE", ""),
        (9, "FAIL", "its process was killed by SIGKILL, 3 times"),
    ],
)
def test_a_trial_that_goes_wrong_fails_alone_and_with_its_reason(
    number: int, state: str, reason: str, wrong: tuple[Any, list[Any], Any]
) -> None:
    trial = wrong[1][number]
    assert trial["state"] == state
    assert reason in json.dumps(trial)


def test_the_study_goes_on_ends_well_and_leaves_no_process(
    wrong: tuple[subprocess.CompletedProcess[str], Any, list[str]],
) -> None:
    ended, _, left = wrong
    assert ended.returncode == 0, ended.stderr
    assert "2 complete, 8 failed" in ended.stdout
    assert "raylet" not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    assert left == []


class Canary:
    """A pickle that does something when it is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("canary"),)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "bit": lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "pickle": lambda content: pickle.dumps(Canary()),
}


@pytest.fixture
def folder(user_folder: Path) -> Iterator[Path]:
    yield user_folder
    sys.path[:] = [path for path in sys.path if path != str(user_folder)]


@pytest.mark.usefixtures("folder")
def test_trials_that_all_fail_alike_end_the_study_after_five_with_the_error_once(cli: Cli) -> None:
    code, answer, errors = cli("run", "mine.toml", "--executor", "inline", "--set", "objective=mytask:always_raising")
    assert code == 3
    assert "5 trials: 5 failed" in answer
    assert "stopped, since 5 of 5 trials failed; 5 of them with: RuntimeError: no such layer" in errors
    assert "tuner resume mine" in errors
    assert (answer + errors.partition("error:")[2]).count("no such layer") == 1


@pytest.mark.parametrize("damage", ["bit", "cut", "empty", "pickle"])
def test_a_damaged_checkpoint_is_named_and_the_one_before_it_used(
    damage: str, folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINED", str(folder / "trained.txt"))
    # Epochs that last are reported one by one: the newest whole state is that of the last epoch that is stored.
    environment = {**os.environ, "PYTHONPATH": ROOT, "PAUSE": "0.3"}
    TEMPLATE.run(str(folder), "run", "--die-at", "before-rename:5", main="faults.driver:main", env=environment)
    *_, newest = sorted((checkpoints_in(folder / ".tuner", "faulty") / "trial-00000").glob("epoch-*.safetensors"))
    newest.write_bytes(DAMAGES[damage](newest.read_bytes()))
    code, _, errors = cli("resume", "faulty", "--executor", "inline")
    assert code == 0, errors
    assert f"{newest} is damaged; it continues from epoch" in errors.replace("\n", "")
    assert not (folder / "canary").exists()
    check_finished(folder, TARGET)
    sys.modules.pop("faulty", None)


@pytest.mark.parametrize(
    ("words", "environment", "code", "said"),
    [
        (("--set", "resources.gpu=64"), {}, 2, "GPU"),
        ((), {"TMPDIR": "/tmp/" + "a" * 120}, 0, ""),
        ((), {"RAY_ADDRESS": "127.0.0.1:1"}, 4, "the Ray cluster at 127.0.0.1:1 cannot be joined"),
        (("--address", "nowhere"), {}, 2, "is not auto, HOST:PORT"),
    ],
)
def test_what_ray_cannot_use_is_told_at_once_or_does_not_matter(
    words: tuple[str, ...], environment: dict[str, str], code: int, said: str, folder: Path
) -> None:
    if "TMPDIR" in environment:
        Path(environment["TMPDIR"]).mkdir(exist_ok=True)
    ended = tune(folder, "run", "mine.toml", "--trials", "2", "--parallel", "1", *words, **environment)
    assert ended.returncode == code, ended.stderr
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
