"""`tuner logs`: what a trial has printed, or that it has printed nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

import tuner
from tuner.storage.folder_owner import place_of
from tuner.storage.store import open_store

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def log(user_folder: Path) -> Path:
    """The empty log of trial 0 of a study that is over, as a trial process makes it."""
    tuner.run("mine.toml", executor="inline", trials=1)
    store = open_store(None)
    study = store.study("mine")
    file = place_of(store.location, study).folders_of(study.folder_name).log_of(0)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    return file


@pytest.mark.parametrize("options", [(), ("--follow",)])
def test_a_trial_that_printed_nothing_is_said_to_have(options: tuple[str, ...], log: Path, cli: Cli) -> None:
    assert cli("logs", "mine", "0", *options) == (0, "", "(trial 0 printed nothing)\n")


@pytest.mark.parametrize("options", [(), ("--follow",)])
def test_what_a_trial_printed_goes_to_stdout_alone(options: tuple[str, ...], log: Path, cli: Cli) -> None:
    log.write_text("epoch 1\n")
    assert cli("logs", "mine", "0", *options) == (0, "epoch 1\n", "")
