"""How many threads numerical libraries compute with: as many as a trial has processors, wherever it trains.

Threads that wait for each other at every operation make a step of a small model many times as slow where other work
keeps the processors busy; and sums in another order are other numbers than the same trial has in a worker.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tuner.domain.worker_spec import WorkerSpec
from tuner.system.hardware import cpu_count

if TYPE_CHECKING:
    from threadpoolctl import LibController

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What numerical libraries ask how many threads to start."""


def threads_of(worker_spec: WorkerSpec, environment: Mapping[str, str]) -> int:
    """Return how many threads a trial computes with: what the environment asks for, else its processors."""
    return _asked(environment.get(THREAD_VARIABLES[0])) or worker_spec.threads


@contextmanager
def computing_with(threads: int) -> Iterator[None]:
    """Let this process compute with so many threads in the block, what is imported in it too; and then as before.

    A library that is imported in the block computes afterwards as it would have, had it been imported before.
    """
    torch = sys.modules.get("torch")
    before = os.environ.get(THREAD_VARIABLES[0])
    usual = _asked(before) or cpu_count()
    of_torch = usual if torch is None else torch.get_num_threads()
    of_libraries = {path: library.num_threads for path, library in _libraries().items()}
    try:
        if torch is not None:
            torch.set_num_threads(threads)
        os.environ[THREAD_VARIABLES[0]] = str(threads)
        for library in _libraries().values():
            library.set_num_threads(threads)
        yield
    finally:
        if before is None:
            os.environ.pop(THREAD_VARIABLES[0], None)
        else:
            os.environ[THREAD_VARIABLES[0]] = before
        for path, library in _libraries().items():
            library.set_num_threads(of_libraries.get(path, usual))
        if (torch := sys.modules.get("torch")) is not None:
            torch.set_num_threads(of_torch)


def _asked(value: str | None) -> int:
    """Return how many threads a variable asks for, of a list the first; 0 where that is no number that can be."""
    first = (value or "").partition(",")[0].strip()
    return int(first) if first.isdecimal() else 0


def _libraries() -> "Mapping[str, LibController]":
    """Return the numerical libraries that this process has loaded, by their files; none before it has numpy."""
    if "numpy" not in sys.modules:
        return {}
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415 - only processes that train pay for it

    return {each.filepath: each for each in ThreadpoolController().lib_controllers}
