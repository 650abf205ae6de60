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
from tuner.execution.ray.place import Place
from tuner.execution.ray.session import GRACE_SECONDS, quiet_session
from tuner.system.hardware import cohorts_at_a_time

__all__ = ["RayTuneExecutor"]


@final
class RayTuneExecutor(Executor):
    """Runs cohorts side by side on this machine's processors and GPUs."""

    grace_seconds: ClassVar[float | None] = GRACE_SECONDS

    def run(self, controller: RunController, worker_spec: WorkerSpec, resources: Resources) -> None:
        worker_spec = surrounded(worker_spec)  # before Ray changes the environment
        if worker_spec.cluster is not None:
            _run_on_cluster(controller, worker_spec, resources)
            return
        parallel = num_cohorts(resources)
        with quiet_session(resources, parallel) as session, shared_template(worker_spec, session.folder) as template:
            from tuner.execution.ray.loop import run_loop  # noqa: PLC0415 - Ray starts while this is imported

            session.wait()
            here = Place(folder=session.folder, template=template, parallel=lambda: parallel)
            run_loop(controller, worker_spec, resources, here)


def _run_on_cluster(controller: RunController, worker_spec: WorkerSpec, resources: Resources) -> None:
    from tuner.execution.ray.cluster_session import cluster_session  # noqa: PLC0415 - few studies join a cluster
    from tuner.execution.ray.loop import run_loop  # noqa: PLC0415 - as above

    with cluster_session(worker_spec, resources) as (there, head):
        head.run(lambda: run_loop(controller, worker_spec, resources, there))


def num_cohorts(resources: Resources) -> int:
    """Return how many cohorts run at a time: as many as fit, or as the study says; a GPU is never shared by more."""
    fitting = cohorts_at_a_time(resources.num_cpus, resources.num_gpus)
    if resources.parallel == AUTO:
        return fitting
    # Processors can be shared by more cohorts than they are, a GPU cannot be.
    return min(int(resources.parallel), fitting) if resources.num_gpus else int(resources.parallel)
