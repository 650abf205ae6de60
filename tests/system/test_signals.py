"""Signals that come where Python cannot raise what their handlers raise."""

import subprocess
import sys

import pytest

PROGRAM = """
import os, signal, sys, time, weakref
from tuner.system.signals import raised_again

class Terminated(KeyboardInterrupt):
    pass

def terminate(*_):
    raise Terminated

class Thing:
    pass

def in_a_callback(_):
    os.kill(os.getpid(), signal.{name})
    time.sleep(0.01)  # the handler runs here, and what it raises is raised nowhere

signal.signal(signal.SIGTERM, terminate)
sys.unraisablehook = raised_again(sys.unraisablehook)
thing = Thing()
reference = weakref.ref(thing, in_a_callback)
try:
    del thing
    print("went on")
    time.sleep(60)
except KeyboardInterrupt as raised:
    print(type(raised).__name__)
"""


@pytest.mark.parametrize(("name", "raised"), [("SIGTERM", "Terminated"), ("SIGINT", "KeyboardInterrupt")])
def test_a_signal_in_a_callback_of_pythons_own_is_not_lost(name: str, raised: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{name}", name)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == ["went on", raised]
    assert done.stderr == ""


def test_what_else_cannot_be_raised_is_told_as_before() -> None:
    program = PROGRAM.replace("os.kill(os.getpid(), signal.{name})", "raise ValueError('mine')").replace("60", "0")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "went on\n"
    assert "ValueError: mine" in done.stderr
