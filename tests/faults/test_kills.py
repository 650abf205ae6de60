"""Rows 1 to 4 and 26: drivers and workers are killed, at random and at named points, and nothing is lost or done twice.

`TUNER_FAULTS=long` kills more than 200 times; `TUNER_FAULTS_SEED` chooses when. The seed is printed where a test fails.
"""

import os
import random
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, final

import pytest
from commands import TEMPLATE
from faults.driver import POINTS
from faults.invariants import check_finished, check_stored, left_behind, running, trained
from faults.processes import IS_LONG, ROOT, SEED, TARGET, USER_CODE, Process, wait_until_trained

import tuner


@final
class Victim:
    """A folder with a study in it, and the processes that run it."""

    def __init__(self, folder: Path, pause: float = 0.0) -> None:
        self.folder = folder
        self.marker = f"TUNER_FAULT={uuid.uuid4().hex}"
        for name in ("faulty.py", "faulty.toml"):
            (folder / name).write_text((USER_CODE / name).read_text())
        variable, _, value = self.marker.partition("=")
        self._environment = {
            **os.environ,
            variable: value,
            "TRAINED": str(folder / "trained.txt"),
            "PAUSE": str(pause),
            "PYTHONPATH": ROOT,
        }
        (folder / "trained.txt").touch()

    @property
    def has_study(self) -> bool:
        database = self.folder / ".tuner" / "studies.db"
        if not database.exists():
            return False
        try:
            tuner.load_study("faulty", storage=str(database))
        except tuner.StudyNotFoundError:
            return False
        return True

    def start(self, *words: str) -> Process:
        words = (str(self.folder), "resume" if self.has_study else "run", *words)
        # Those it may leave behind are known by the marker that they are started with.
        return TEMPLATE.start(*words, main="faults.driver:main", env=self._environment)

    def finish(self, *words: str) -> tuner.Study:
        """Resume the study to its end, undisturbed, and check it."""
        process = self.start(*words)
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        assert left_behind(self.marker) == []
        return check_finished(self.folder, TARGET)


def facts(study: tuner.Study) -> list[tuple[Any, ...]]:
    return [(t.number, t.state, t.config, t.value, t.epoch, t.curve) for t in study.trials]


@cache
def uninterrupted(folder: Path) -> list[tuple[Any, ...]]:
    folder.mkdir(exist_ok=True)
    return facts(Victim(folder).finish())


@pytest.fixture
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    return uninterrupted(tmp_path_factory.getbasetemp() / "uninterrupted")


def killed(process: Process) -> bool:
    """Wait for a process that dies by its own hand or ends, and return whether it died."""
    _, errors = process.communicate()
    assert process.returncode in {0, -signal.SIGKILL}, errors
    return process.returncode != 0


CALLS = (1, 2, 3, 5, 8, 13, 21, 34) if IS_LONG else (4,)
FEWER_POINTS = ("created", "before-store", "half-stored", "stored", "before-rename", "renamed", "discarded")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("point", POINTS if IS_LONG else FEWER_POINTS)
def test_a_driver_that_dies_at_a_named_point_costs_nothing(
    point: str, call: int, tmp_path: Path, expected: list[tuple[Any, ...]]
) -> None:
    victim = Victim(tmp_path)
    killed(victim.start("--die-at", f"{point}:{call}"))
    check_stored(tmp_path)
    assert facts(victim.finish()) == expected
    repeated = sum(times - 1 for times in trained(tmp_path).values())
    assert repeated <= 6, "what is trained again is no more than what was not yet reported: from one rung to the next"


def test_a_driver_that_is_killed_again_and_again_gets_there(tmp_path: Path, expected: list[tuple[Any, ...]]) -> None:
    draw = random.Random(SEED)
    victim = Victim(tmp_path, pause=0.01)
    for kill in range(100 if IS_LONG else 3):
        process = victim.start()
        try:
            process.communicate(timeout=draw.uniform(0.3, 1.5))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        check_stored(tmp_path)
        if process.returncode == 0:
            assert facts(victim.finish()) == expected, (SEED, kill)
            tmp_path = tmp_path / "next"
            tmp_path.mkdir()
            victim = Victim(tmp_path, pause=0.01)
    assert facts(victim.finish()) == expected, SEED


def workers(victim: Victim) -> Iterator[int]:
    """Yield the processes of Ray's that train a cohort now."""
    for pid in running(victim.marker):
        with suppress(FileNotFoundError):
            # Not Ray's own: with one of those all of Ray ends, and the driver with it, as if it had been killed.
            if b"ray::ResourceTrainable" in Path(f"/proc/{pid}/cmdline").read_bytes():
                yield pid


@pytest.mark.parametrize("kill", range(20 if IS_LONG else 1))
def test_a_driver_with_ray_is_killed_and_nothing_of_it_is_left(kill: int, tmp_path: Path) -> None:
    draw = random.Random(SEED + kill)
    victim = Victim(tmp_path, pause=0.05)
    process = victim.start("--executor", "ray")
    wait_until_trained(victim.folder, draw.randint(1, 25), process)
    process.kill()
    process.communicate()
    check_stored(tmp_path)
    victim.finish("--executor", "ray")
    assert max(trained(tmp_path).values()) <= 3, "an epoch is trained again only where it was not yet stored"


@pytest.mark.parametrize("kill", range(10 if IS_LONG else 1))
def test_workers_that_are_killed_are_replaced_and_their_trials_go_on(kill: int, tmp_path: Path) -> None:
    draw = random.Random(SEED + kill)
    victim = Victim(tmp_path, pause=0.05)
    process = victim.start("--executor", "ray")
    for epochs in sorted(draw.sample(range(1, 30), 3)):
        wait_until_trained(victim.folder, epochs, process)
        for pid in [*workers(victim)][:1]:
            os.kill(pid, signal.SIGKILL)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    check_finished(tmp_path, TARGET)
    assert left_behind(victim.marker) == []
    assert max(trained(tmp_path).values()) <= 4
