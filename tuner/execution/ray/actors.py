"""The actors that Ray Tune trains cohorts in: whether they are placed, ready, and on a node that is still there."""

import pickle
from pathlib import Path
from typing import Any, final

import ray
from ray.exceptions import ActorDiedError, RayActorError
from ray.tune.experiment import Trial as RayTrial

from tuner.execution.watchdog import Actors

_OF_THE_NODE = ("node died", "node has died", "Node Id", "preempted", "node was terminated", "raylet died")
"""What Ray says where an actor died with its node: its errors have a text, and no kind."""


def error_of(trial: RayTrial) -> BaseException | None:
    """Return what Ray Tune has written down of how a trial failed; None where that is nothing."""
    file = trial.pickled_error_file
    if file is None or not Path(file).is_file():
        return None
    error: BaseException = pickle.loads(Path(file).read_bytes())  # noqa: S301 - this process has just written it  # nosec B301
    return error


@final
class TuneActors(Actors):
    """Looks into Ray Tune's controller, which has no other door."""

    def __init__(self) -> None:
        self._tune: Any = None
        self._trials: dict[int, RayTrial] = {}
        self._nodes: dict[int, str] = {}

    def added(self, tune_controller: Any, trial: RayTrial) -> None:
        """Record that Ray Tune has taken a trial."""
        self._tune = tune_controller
        self._trials[trial.config["work"].id] = trial

    def heard(self, cohort: int, node: str) -> None:
        """Record on which node a cohort is trained."""
        self._nodes[cohort] = node

    def forget(self, cohort: int) -> None:
        """Forget a cohort that is over."""
        self._trials.pop(cohort, None)
        self._nodes.pop(cohort, None)

    def is_placed(self, cohort: int) -> bool:
        return self._actor(cohort) is not None

    def is_ready(self, cohort: int) -> bool:
        return self._tracked(cohort) in self._tune._started_actors  # noqa: SLF001

    def end(self, cohort: int) -> None:
        if (actor := self._actor(cohort)) is not None:
            ray.kill(actor)

    def died_with_node(self, cohort: int, error: BaseException | None) -> bool:
        """Whether a cohort's worker is gone because its node is: for no reason of its trials'."""
        if isinstance(error, RayActorError) and getattr(error, "preempted", False):
            return True
        if isinstance(error, ActorDiedError) and any(words in str(error) for words in _OF_THE_NODE):
            return True
        node = self._nodes.get(cohort)
        return node is not None and any(each["NodeID"] == node and not each["Alive"] for each in ray.nodes())

    def _tracked(self, cohort: int) -> Any:
        return None if self._tune is None else self._tune._trial_to_actor.get(self._trials.get(cohort))  # noqa: SLF001

    def _actor(self, cohort: int) -> Any:
        if (tracked := self._tracked(cohort)) is None:
            return None
        live = self._tune._actor_manager._live_actors_to_ray_actors_resources  # noqa: SLF001
        return live[tracked][0] if tracked in live else None
