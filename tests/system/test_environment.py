"""What a study ran on."""

import getpass
import platform

import optuna
import torch

import tuner
from tuner.system.environment import environment


def test_it_has_the_versions_that_are_there() -> None:
    found = environment()
    assert found["python"] == platform.python_version()
    assert found["torch"] == torch.__version__
    assert found["optuna"] == optuna.__version__
    assert found["tuner"] == tuner.__version__


def test_it_names_neither_the_machine_nor_its_owner() -> None:
    written = " ".join(environment().values())
    assert platform.node() not in written
    assert getpass.getuser() not in written.split()
