"""Objectives that lie in no module get to other processes, and what cannot get there is named."""

import sys
import threading
from importlib import import_module
from pathlib import Path

import pytest

from tuner.domain.errors import ConfigurationError
from tuner.domain.worker_spec import PickledObjective
from tuner.execution.objective_pickling import pickled, unpickled


def test_an_objective_that_lies_in_no_module_travels_by_value() -> None:
    factor = 3
    assert unpickled(pickled(lambda value: factor * value, "tripled"))(2) == 6


def test_what_cannot_leave_the_process_is_named() -> None:
    lock = threading.Lock()
    with pytest.raises(ConfigurationError, match="cannot be handed to another process: variable 'lock' is a lock"):
        pickled(lambda: lock, "locked")


def test_what_raises_when_it_is_pickled_is_named_too() -> None:
    class Odd:
        def __reduce__(self) -> str:
            raise LookupError("not today")

    odd = Odd()
    with pytest.raises(ConfigurationError, match=r"variable 'odd' is a Odd \(LookupError: not today"):
        pickled(lambda: odd, "oddly")


def test_what_cannot_be_unpickled_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "of_here.py").write_text("def train(trial): ...")
    monkeypatch.syspath_prepend(str(tmp_path))
    content = pickled(import_module("of_here").train, "of_here:train").content
    del sys.modules["of_here"]
    sys.path.remove(str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"unpickling the objective 'train' failed: .*'of_here'"):
        unpickled(PickledObjective(content, "train"))
