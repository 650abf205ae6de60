"""What runs in a worker process of Ray: a `Worker` that trains one cohort after the other."""

from pathlib import Path
from typing import Any, final

from ray import tune

from tuner.domain.assignment import Assignment, AssignmentKind, CohortUpdate
from tuner.domain.resources import Resources
from tuner.domain.worker_spec import Isolation, WorkerSpec
from tuner.execution.isolation.worker import IsolatedWorker
from tuner.execution.ray.module_path import follow_driver
from tuner.execution.watchdog import enroll
from tuner.execution.worker import Worker, WorkLostError, WorkOverranError
from tuner.system.processes import resident_bytes


def trainable(worker_spec: WorkerSpec, resources: Resources, workers: Path, template: Path | None) -> Any:
    """Return what Ray Tune trains cohorts with, each with the CPUs and GPUs of `resources`."""
    with_job = tune.with_parameters(CohortTrainable, worker_spec=worker_spec, workers=workers, template=template)
    return tune.with_resources(with_job, {"cpu": resources.cpu, "gpu": resources.num_gpus})


class CohortTrainable(tune.Trainable):  # type: ignore[misc]
    """What runs in a worker process. Ray makes one and resets it for every further cohort."""

    def setup(self, config: dict[str, Any], worker_spec: WorkerSpec, workers: Path, template: Path | None) -> None:
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
        self._work = assignment
        enroll(self._workers, assignment.id)
        if assignment.kind is AssignmentKind.TRAIN:
            self._worker.begin(assignment)

    def step(self) -> dict[str, Any]:
        try:
            if self._work.kind is AssignmentKind.TEST:
                return {"tested": Box(self._worker.test(self._work))}
            return {"reports": self._worker.advance(), "resident_bytes": resident_bytes()}
        except WorkLostError as error:
            return {"lost": str(error)}
        except WorkOverranError as error:
            return {"overran": Box(error.failure)}

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
