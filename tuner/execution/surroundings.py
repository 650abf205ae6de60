"""What a study's own process gives the processes of its trials, and how its objective gets there."""

import os
import sys
from dataclasses import replace
from pathlib import Path

from tuner.domain.job import Isolation, Job, Surroundings
from tuner.domain.study import reference_to
from tuner.execution.travel import pickled


def surrounded(job: Job) -> Job:
    """Return the job as it travels: with this process's module path and environment, an object as its pickle.

    Raises `ConfigurationError` where the objective cannot leave this process.
    """
    objective = job.objective
    if not isinstance(objective, str) and callable(objective):
        objective = pickled(objective, reference_to(objective))
    if job.isolation is Isolation.NONE:
        return replace(job, objective=objective)
    # "" stands for the working directory, which is another one elsewhere.
    module_path = tuple(entry or str(Path.cwd()) for entry in sys.path)
    # A study that goes on may have been started on another machine.
    folder = job.started_in if job.started_in is not None and job.started_in.is_dir() else Path.cwd()
    surroundings = Surroundings(folder=folder, module_path=module_path, environment={**os.environ})
    return replace(job, objective=objective, surroundings=surroundings)
