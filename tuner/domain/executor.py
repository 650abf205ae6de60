"""The port of what runs trials."""

from abc import ABC, abstractmethod
from typing import ClassVar

from tuner.domain.resources import Resources
from tuner.domain.run_controller import RunController
from tuner.domain.worker_spec import WorkerSpec


class Executor(ABC):
    """Asks the controller for work until it has none, and brings it every report."""

    grace_seconds: ClassVar[float | None] = None
    """How long a run that is stopped waits for the epochs that are being trained; None: until they are over."""

    @abstractmethod
    def run(self, controller: RunController, worker_spec: WorkerSpec, resources: Resources) -> None:
        """Run the study to its end, or until the controller is to stop.

        Nothing of it is left running afterwards, however it ends.
        """
