"""Ray Tune's loop, and the hooks in it that call the controller.

One Ray trial is one cohort. A worker is an actor that outlives its trials (`reuse_actors`): it imports torch and loads
the data once. Every epoch is one `train` call, whose result holds the reports of all members; the scheduler hook hands
them to the controller and tells the worker which members leave, before Ray asks for the next epoch. Nothing that Ray
writes is ever read again: the study lives only in the storage.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import ray
from ray import tune
from ray.air._internal import usage
from ray.train._internal import storage
from ray.tune.execution import class_cache
from ray.tune.experiment import Trial as RayTrial
from ray.tune.progress_reporter import ProgressReporter, TrialProgressCallback
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import SearchAlgorithm

from tuner.domain.assignment import Assignment, AssignmentKind
from tuner.domain.resources import Limits, Resources
from tuner.domain.run_controller import RunController
from tuner.domain.worker_spec import Isolation, WorkerSpec
from tuner.execution.ray.actors import TuneActors, error_of
from tuner.execution.ray.lean_start import replaced
from tuner.execution.ray.place import Place
from tuner.execution.ray.session import GRACE_SECONDS
from tuner.execution.ray.trainable import trainable
from tuner.execution.watchdog import WORKERS, Watchdog

_GROWN_BYTES = 2**30
"""A worker that has so much more memory in use than after its first cohort is replaced, at the end of a cohort."""

_PAUSE_SECONDS = 0.2
"""How often a run that is paused, and trains nothing, is asked whether it continues."""


def run_loop(controller: RunController, worker_spec: WorkerSpec, resources: Resources, place: Place) -> None:
    """Let Ray Tune train what the controller hands out, in a private Ray or a cluster.

    Raises what the controller raised, or `place.check`. When it returns, nothing is being trained.
    """
    workers = place.folder / WORKERS
    actors = TuneActors()
    watchdog = Watchdog(_limits_of_workers(worker_spec), workers, _output_of, actors)
    bridge = _Bridge(controller, place, watchdog, actors)
    with _plain_workers(), _uncounted(), _own_drafts(place.folder):
        try:
            tune.run(
                trainable(worker_spec, resources, None if place.is_cluster else workers, place.template),
                name="study",
                storage_path=str(place.folder / "results"),
                search_alg=_WorkSource(bridge),
                scheduler=_Decider(bridge),
                callbacks=[_Watch(bridge)],
                progress_reporter=_Silence(),
                reuse_actors=True,
                raise_on_failed_trial=False,
                _remote=False,  # the hooks are in this process, for clients of a cluster too
                verbose=0,
            )
        except Exception:
            # Ray wraps what a hook raised; the bridge has it as it was. `_AbandonedError` is not an error at all.
            if bridge.error is None and not bridge.is_abandoned:
                raise
    if bridge.error is not None:
        raise bridge.error
    controller.abandon()


def _limits_of_workers(worker_spec: WorkerSpec) -> Limits:
    """Return what the workers themselves are held to: where trials have processes, the workers see to their limits."""
    if worker_spec.cluster is not None and worker_spec.isolation is Isolation.NONE:
        return replace(worker_spec.limits, memory=None, output=None)  # which nodes look at themselves
    if worker_spec.isolation is Isolation.NONE:
        return worker_spec.limits
    return replace(worker_spec.limits, progress=None, time=None, memory=None, output=None)


def _output_of(pid: int) -> int:
    """Return how many bytes a worker of this session has printed."""
    logs = Path(ray._private.worker.global_worker.node.get_logs_dir_path())  # noqa: SLF001 - Ray has no other door
    return sum(file.stat().st_size for file in logs.glob(f"worker-*-{pid}.*"))


@contextmanager
def _plain_workers() -> Iterator[None]:
    """Let trials run in the workers that Ray starts with, instead of in new ones.

    Ray Tune asks for a variable that PyTorch Lightning wanted once, and workers that have it are started only when the
    first trial needs them: a second later. What else it would pass on, they inherit anyway.
    """
    defaults, propagated = class_cache.DEFAULT_ENV_VARS, class_cache.ENV_VARS_TO_PROPAGATE
    class_cache.DEFAULT_ENV_VARS, class_cache.ENV_VARS_TO_PROPAGATE = {}, set()
    try:
        yield
    finally:
        class_cache.DEFAULT_ENV_VARS, class_cache.ENV_VARS_TO_PROPAGATE = defaults, propagated


def _own_drafts(folder: Path) -> AbstractContextManager[None]:
    """Let Ray Tune write its drafts into the run's folder: a client of a cluster has no folder of Ray's own."""
    return replaced(storage, "_get_ray_train_session_dir", lambda: str(folder / "drafts"))


@contextmanager
def _uncounted() -> Iterator[None]:
    """Keep Ray from counting which of its integrations a run has: it imports each of them, for statistics that are off.

    MLflow and W&B take seconds, where they are installed.
    """
    count = usage.tag_callbacks
    usage.tag_callbacks = lambda _: False
    try:
        yield
    finally:
        usage.tag_callbacks = count


class _AbandonedError(Exception):
    """Ends Ray's loop when a stopping run has waited long enough."""


@final
class _Bridge:
    """What the three hooks share: the controller, and which work each Ray trial is.

    Ray runs the hooks on one thread. It hides what a hook raises, so an error is kept here and ends the run from
    outside.
    """

    def __init__(self, controller: RunController, place: Place, watchdog: Watchdog, actors: TuneActors) -> None:
        self.controller = controller
        self._place = place
        self._watchdog = watchdog
        self._actors = actors
        self.error: BaseException | None = None
        self.is_abandoned = False
        self._work: dict[str, Assignment] = {}
        self._sizes: dict[int, int] = {}
        self._stopping_since: float | None = None
        self._warm = 0

    @property
    def is_finished(self) -> bool:
        return self.error is not None or self.controller.is_finished

    def next_work(self) -> Assignment | None:
        """Return work for a free place, None where all places are taken or nothing is to be done now."""
        self._place.check()
        if self.error is not None or len(self._work) >= self._place.parallel():
            return None
        try:
            assignment = self.controller.next_work()
        except BaseException as error:  # noqa: BLE001 - raised again by `run`, whatever it is
            self.error = error
            return None
        if assignment is None and not self._work and self.controller.is_paused:
            time.sleep(_PAUSE_SECONDS)  # Ray would ask at once again
        if assignment is not None:
            self._work[_trial_id(assignment)] = assignment
            self._watchdog.begun(assignment.id)
        return assignment

    def result(self, trial: RayTrial, result: dict[str, Any]) -> bool:
        """Hand an epoch's result to the controller, and return whether the cohort continues."""
        self._place.check()
        assignment = self._work[trial.trial_id]
        self._watchdog.heard(assignment.id)
        self._actors.heard(assignment.id, result["node"])
        try:
            goes_on = self._goes_on(trial, assignment, result)
        except BaseException as error:  # noqa: BLE001 - raised again by `run`, whatever it is
            self.error = error
            goes_on = False
        if not goes_on:
            self._forget(trial)
        return goes_on

    def _goes_on(self, trial: RayTrial, assignment: Assignment, result: dict[str, Any]) -> bool:
        if "lost" in result:
            self.controller.lost(assignment, result["lost"])
            return False
        if "overran" in result:
            self.controller.overran(assignment, result["overran"].content)
            return False
        if assignment.kind is AssignmentKind.TEST:
            self.controller.tested(assignment, result["tested"].content)
            return False
        update = self.controller.report(result["reports"], admits=not self.has_grown(result))
        actor = trial.temporary_state.ray_actor
        following = actor.follow.remote(update) if update.leaving or update.joining else None
        if update.suspended and following is not None:
            # Ray does not wait for a worker that is stopped: what it has to save is waited for here, for a while. The
            # study is stored already, so whether it could be done does not matter.
            ray.wait([following], timeout=GRACE_SECONDS)
        return not update.is_over

    def lost(self, trial: RayTrial) -> None:
        """Notify the controller that a cohort's worker died, or was ended because of a limit."""
        assignment = self._work.pop(trial.trial_id, None)
        if assignment is None:
            return
        verdict = self._watchdog.verdict(assignment.id)
        try:
            if verdict is None:
                is_nodes = self._place.is_cluster and self._actors.died_with_node(assignment.id, error_of(trial))
                why = "its node was lost" if is_nodes else "its worker died"
                self.controller.lost(assignment, why, counts=not is_nodes)
            else:
                self.controller.overran(assignment, verdict)
        except BaseException as error:  # noqa: BLE001 - raised again by `run`, whatever it is
            self.error = error
        self._actors.forget(assignment.id)

    def has_grown(self, result: dict[str, Any]) -> bool:
        """Whether the worker that gave this result keeps much more memory than it had when it was new."""
        if "resident_bytes" not in result:
            return False
        first = self._sizes.setdefault(result["pid"], result["resident_bytes"])
        grown: bool = result["resident_bytes"] - first > _GROWN_BYTES
        return grown

    def added(self, controller: Any, trial: RayTrial) -> None:
        """Let Ray keep as many idle workers as cohorts may run: by itself it keeps one."""
        self._actors.added(controller._tune_controller, trial)  # noqa: SLF001 - Ray has no other door
        more = self._place.parallel() - self._warm
        if more > 0:
            self._warm += more
            cache = controller._tune_controller._actor_cache  # noqa: SLF001 - Ray has no other door
            cache.increase_max(trial.placement_group_factory, by=more)

    def _forget(self, trial: RayTrial) -> None:
        cohort = self._work.pop(trial.trial_id).id
        self._watchdog.verdict(cohort)
        self._actors.forget(cohort)

    def check_limits(self) -> None:
        """End workers that are beyond a limit; Ray then reports them like any that died."""
        self._watchdog.check()

    def check_patience(self) -> None:
        """Raise where an error is pending, or where a stopping run has waited long enough for its last reports."""
        self._place.check()
        if self.error is not None:
            raise self.error
        if not self.controller.is_stopping:
            return
        now = time.monotonic()
        self._stopping_since = self._stopping_since or now
        if now - self._stopping_since > GRACE_SECONDS:
            self.is_abandoned = True
            raise _AbandonedError


def _trial_id(assignment: Assignment) -> str:
    return f"cohort{assignment.id:06d}"


@final
class _WorkSource(SearchAlgorithm):  # type: ignore[misc]
    """Where Ray gets its trials from: the controller's work."""

    def __init__(self, bridge: _Bridge) -> None:
        self._bridge = bridge
        self._given: dict[str, Any] = {}

    def add_configurations(self, experiments: Any) -> None:
        (experiment,) = experiments
        self._given = {
            "trainable_name": experiment.run_identifier,
            "storage": experiment.spec["storage"],
            "trial_dirname_creator": _trial_folder,
        }

    def next_trial(self) -> RayTrial | None:
        assignment = self._bridge.next_work()
        if assignment is None:
            return None
        return RayTrial(config={"work": assignment}, trial_id=_trial_id(assignment), **self._given)

    def is_finished(self) -> bool:
        return self._bridge.is_finished


def _trial_folder(trial: RayTrial) -> str:
    return str(trial.trial_id)


@final
class _Decider(FIFOScheduler):  # type: ignore[misc]
    """Where Ray asks what becomes of a trial: the controller decides."""

    def __init__(self, bridge: _Bridge) -> None:
        super().__init__()
        self._bridge = bridge

    def on_trial_add(self, tune_controller: Any, trial: RayTrial) -> None:
        self._bridge.added(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: RayTrial, result: dict[str, Any]) -> str:
        goes_on = self._bridge.result(trial, result)
        if not goes_on and self._bridge.has_grown(result):
            # Ray keeps the worker of a cohort that is over for the next one, if it knows that it has started.
            tune_controller._started_actors.discard(tune_controller._trial_to_actor[trial])  # noqa: SLF001
        decision: str = TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP
        return decision

    def on_trial_error(self, tune_controller: Any, trial: RayTrial) -> None:
        self._bridge.lost(trial)


@final
class _Watch(TrialProgressCallback):  # type: ignore[misc]
    """Called in every round of Ray's loop; prints nothing, unlike the callback it stands in for."""

    def __init__(self, bridge: _Bridge) -> None:
        super().__init__()
        self._bridge = bridge

    def on_step_begin(self, iteration: int, trials: Any, **info: Any) -> None:
        self._bridge.check_limits()
        self._bridge.check_patience()

    def on_trial_result(self, iteration: int, trials: Any, trial: RayTrial, result: Any, **info: Any) -> None:
        pass

    def on_trial_error(self, iteration: int, trials: Any, trial: RayTrial, **info: Any) -> None:
        pass

    def on_trial_complete(self, iteration: int, trials: Any, trial: RayTrial, **info: Any) -> None:
        pass


@final
class _Silence(ProgressReporter):  # type: ignore[misc]
    """Reports nothing: the controller's listeners show progress."""

    def should_report(self, trials: Any, done: bool = False) -> bool:  # noqa: FBT001, FBT002 - Ray's signature
        return False
