"""How many threads numerical libraries compute with: as many as a trial has processors, wherever it trains.

Threads that wait for each other at every operation make a step of a small model many times as slow where other work
keeps the processors busy; and sums in another order are other numbers than the same trial has in a worker.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from tuner.domain.worker_spec import WorkerSpec
from tuner.system.hardware import cpu_count

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What numerical libraries ask how many threads to start."""


def threads_of(worker_spec: WorkerSpec, environment: Mapping[str, str]) -> int:
    """Return how many threads a trial computes with: what the environment asks for, else its processors."""
    asked = environment.get(THREAD_VARIABLES[0], "")
    return int(asked) if asked.isdigit() and int(asked) else worker_spec.threads


@contextmanager
def computing_with(threads: int) -> Iterator[None]:
    """Let this process compute with so many threads in the block, what is imported in it too; and then as before."""
    torch = sys.modules.get("torch")
    before = os.environ.get(THREAD_VARIABLES[0])
    usual = int(before) if before is not None and before.isdigit() else cpu_count()
    if torch is not None:
        usual = torch.get_num_threads()
        torch.set_num_threads(threads)
    os.environ[THREAD_VARIABLES[0]] = str(threads)
    try:
        with ExitStack() as held:
            if "numpy" in sys.modules:
                from threadpoolctl import threadpool_limits  # noqa: PLC0415 - only processes that train pay for it

                held.enter_context(threadpool_limits(threads))
            yield
    finally:
        if before is None:
            os.environ.pop(THREAD_VARIABLES[0], None)
        else:
            os.environ[THREAD_VARIABLES[0]] = before
        if (torch := sys.modules.get("torch")) is not None:
            torch.set_num_threads(usual)
