"""What runs in a worker process of Ray: a `Worker` that trains one cohort after the other."""

import os
from pathlib import Path
from typing import Any, final

import ray
from ray import tune

from tuner.domain.assignment import Assignment, AssignmentKind, CohortUpdate
from tuner.domain.resources import Resources
from tuner.domain.trial import Failure
from tuner.domain.worker_spec import Isolation, WorkerSpec
from tuner.execution.isolation.worker import IsolatedWorker
from tuner.execution.limit_failures import too_large
from tuner.execution.on_node import assigned_here, on_this_node
from tuner.execution.ray.module_path import follow_driver
from tuner.execution.watchdog import enroll, used_bytes
from tuner.execution.work_errors import WorkLostError, WorkOverranError
from tuner.execution.worker import Worker
from tuner.system.processes import resident_bytes


def trainable(worker_spec: WorkerSpec, resources: Resources, workers: Path | None, template: Path | None) -> Any:
    """Return what Ray Tune trains cohorts with, each with the CPUs and GPUs of `resources`.

    Workers record themselves in the folder `workers`; None where they are not on this machine.
    """
    with_job = tune.with_parameters(CohortTrainable, worker_spec=worker_spec, workers=workers, template=template)
    return tune.with_resources(with_job, {"cpu": resources.num_cpus, "gpu": resources.num_gpus})


class CohortTrainable(tune.Trainable):  # type: ignore[misc]
    """What runs in a worker process. Ray makes one and resets it for every further cohort."""

    def setup(
        self, config: dict[str, Any], worker_spec: WorkerSpec, workers: Path | None, template: Path | None
    ) -> None:
        self._limits = None if worker_spec.cluster is None else worker_spec.limits
        worker_spec = worker_spec if worker_spec.cluster is None else on_this_node(worker_spec)
        if worker_spec.surroundings is not None:
            follow_driver(worker_spec.surroundings.module_path)
        self._worker = (
            Worker(worker_spec)
            if worker_spec.isolation is Isolation.NONE
            else IsolatedWorker(worker_spec, template=template)
        )
        self._workers = workers
        self._begin(config["work"])

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._begin(new_config["work"])
        return True

    def _begin(self, assignment: Assignment) -> None:
        self._work = assignment = assignment if self._limits is None else assigned_here(assignment)
        enroll(self._workers, assignment.id)
        if assignment.kind is AssignmentKind.TRAIN:
            self._worker.begin(assignment)

    def step(self) -> dict[str, Any]:
        return {"node": ray.get_runtime_context().get_node_id(), **self._outcome()}

    def _outcome(self) -> dict[str, Any]:
        try:
            if self._work.kind is AssignmentKind.TEST:
                return {"tested": Box(self._worker.test(self._work))}
            reports = self._worker.advance()
        except WorkLostError as error:
            return {"lost": str(error)}
        except WorkOverranError as error:
            return {"overran": Box(error.failure)}
        failure = self._beyond_memory()
        return (
            {"reports": reports, "resident_bytes": resident_bytes()} if failure is None else {"overran": Box(failure)}
        )

    def _beyond_memory(self) -> Failure | None:
        """Return the failure of a worker on a cluster's node that is too large; trials' own processes are looked at."""
        if self._limits is None or self._limits.memory is None or not isinstance(self._worker, Worker):
            return None
        return too_large(used_bytes(os.getpid()), self._limits.memory, "its worker")

    def cleanup(self) -> None:
        self._worker.close()

    def follow(self, update: CohortUpdate) -> None:
        """Do with the cohort what was decided; Ray runs it before the next `step`."""
        self._worker.follow(update)


@final
class Box:
    """Keeps a value from being flattened into Ray's result."""

    def __init__(self, content: Any) -> None:
        self.content = content
