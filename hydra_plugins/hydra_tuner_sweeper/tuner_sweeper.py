"""The plug-in `hydra/sweeper=tuner`; what it does is in `tuner.integrations.hydra`, which is imported when it sweeps.

Hydra imports every plug-in whenever any program of it starts, so nothing of tuner is imported here.
"""

from dataclasses import dataclass, field
from typing import Any, final

from hydra.core.config_store import ConfigStore
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class TunerSweeperConf:
    """The keys of `hydra.sweeper`; what is None is tuner's own default."""

    _target_: str = "hydra_plugins.hydra_tuner_sweeper.tuner_sweeper.TunerSweeper"
    study_name: str = "${hydra.job.name}"
    storage: str | None = None
    metric: str = "value"
    direction: str = "minimize"
    trials: int = 20
    epochs: int = 1
    seed: int = 0
    sampler: str = "auto"
    scheduler: str = ""
    executor: str = "ray"
    parallel: Any = "auto"
    cpu: float = 1
    gpu: float = 0
    params: dict[str, str] = field(default_factory=dict)


ConfigStore.instance().store(group="hydra/sweeper", name="tuner", node=TunerSweeperConf, provider="tuner")


@final
class TunerSweeper(Sweeper):
    """Runs the jobs of a sweep as trials of a study, or resumes the study."""

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.task_function: TaskFunction | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.hydra_context, self.task_function, self.config = hydra_context, task_function, config

    def sweep(self, arguments: list[str]) -> Any:
        from tuner.integrations.hydra import sweep  # noqa: PLC0415 - as the first line says

        return sweep(self, arguments)
