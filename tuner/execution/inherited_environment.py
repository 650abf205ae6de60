"""What a study's own process gives the processes of its trials, and how its objective gets there."""

import os
import sys
from dataclasses import replace
from pathlib import Path

from tuner.domain.object_reference import reference_to
from tuner.domain.worker_spec import Surroundings, WorkerSpec
from tuner.execution.objective_pickling import pickled


def surrounded(worker_spec: WorkerSpec) -> WorkerSpec:
    """Return the spec as it travels: with this process's module path and environment, an object as its pickle.

    Raises `ConfigurationError` where the objective cannot leave this process.
    """
    objective = worker_spec.objective
    if not isinstance(objective, str) and callable(objective):
        objective = pickled(objective, reference_to(objective))
    # What is relative is so to the working directory, which may be another one elsewhere; "" stands for it. What is no
    # path at all belongs to a finder of its own.
    module_path = tuple(str(Path(entry).absolute()) if Path(entry).exists() else entry for entry in sys.path)
    # A study that is resumed may have been started on another machine.
    folder = (
        worker_spec.started_in if worker_spec.started_in is not None and worker_spec.started_in.is_dir() else Path.cwd()
    )
    surroundings = Surroundings(folder=folder, umask=_umask(), module_path=module_path, environment={**os.environ})
    return replace(worker_spec, objective=objective, surroundings=surroundings)


def _umask() -> int:
    """Return which modes this process gives no file; to ask is to set it."""
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
