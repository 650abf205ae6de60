"""Trials under Ray Tune, in warm worker processes: Ray drives, the controller decides.

Ray, its Python packages, the workers and what the objective imports take seconds to start, so they start side by side:
this file imports little, the session starts Ray on a thread, a template process imports the objective, and meanwhile
`ray/loop.py` is imported.
"""

from typing import ClassVar, final

from tuner.domain.executor import Executor
from tuner.domain.resources import AUTO, Resources
from tuner.domain.run_controller import RunController
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.inherited_environment import surrounded
from tuner.execution.isolation.shared_template import shared_template
from tuner.execution.ray.session import GRACE_SECONDS, quiet_session
from tuner.system.hardware import cohorts_at_a_time

__all__ = ["RayTuneExecutor"]


@final
class RayTuneExecutor(Executor):
    """Runs cohorts side by side on this machine's processors and GPUs."""

    grace_seconds: ClassVar[float | None] = GRACE_SECONDS

    def run(self, controller: RunController, worker_spec: WorkerSpec, resources: Resources) -> None:
        parallel = num_cohorts(resources)
        worker_spec = surrounded(worker_spec)  # before Ray changes the environment
        with quiet_session(resources, parallel) as session, shared_template(worker_spec, session.folder) as template:
            from tuner.execution.ray.loop import run_loop  # noqa: PLC0415 - Ray starts while this is imported

            session.wait()
            run_loop(controller, worker_spec, resources, parallel=parallel, folder=session.folder, template=template)


def num_cohorts(resources: Resources) -> int:
    """Return how many cohorts run at a time: as many as fit, or as the study says; a GPU is never shared by more."""
    fitting = cohorts_at_a_time(resources.cpu, resources.num_gpus)
    if resources.parallel == AUTO:
        return fitting
    # Processors can be shared by more cohorts than they are, a GPU cannot be.
    return min(int(resources.parallel), fitting) if resources.num_gpus else int(resources.parallel)
