"""The components of a run: a study with all of its objects, ready to run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import final

from tuner.domain.capacity import Capacity
from tuner.domain.config import Config
from tuner.domain.data_summary import DataRecord
from tuner.domain.goal import Goal
from tuner.domain.resources import Resources
from tuner.domain.sampler import Sampler
from tuner.domain.scheduler import Scheduler
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import StudySpec
from tuner.domain.study_folders import StudyFolders
from tuner.domain.worker_spec import WorkerSpec
from tuner.running.resources import cohorts_at_a_time
from tuner.search.cohort_policy import CohortPolicy
from tuner.search.plan import RunPlan
from tuner.search.warm_start import TransferredConfig


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunComponents:
    """What a run needs, built and checked."""

    spec: StudySpec
    goal: Goal
    space: SearchSpace
    sampler: Sampler
    scheduler: Scheduler
    worker_spec: WorkerSpec
    resources: Resources
    """Those of the spec, with GPUs decided."""
    make_scheduler: Callable[[], Scheduler]
    """Makes another scheduler like this one."""
    cohorts: CohortPolicy
    cohorts_of_repetitions: CohortPolicy
    """That of the confirmation, whose trials depend on no results."""
    grows: bool
    """Whether trials can join a cohort that is being trained."""
    exploits: bool
    """Whether a member of a cohort can continue from another's state."""
    stops_hopeless: bool
    """Whether a trial that breaks a constraint is stopped: the sampler learns from it all the same."""
    own_parts: Mapping[type, str]
    """The classes of the sampler, scheduler and executor that do not ship with tuner, with what they are called."""
    tests: bool
    """Whether the objective can measure the best trial on data the search never saw."""
    confirms: bool
    """Whether the best configurations are trained again once the search has reached its target."""
    data: DataRecord | None
    """What is known of the data, where it is not a shipped data set."""
    combines: bool
    """Whether the study's model may be an ensemble of all that was trained."""
    notes: tuple[str, ...]
    """What is allowed, but probably not meant."""
    capacity: Capacity | None = None
    """What the nodes of the cluster have that the study joins; None where it runs on this machine alone."""
    start: tuple[Config, ...] = ()
    """What is tried first, as the study asks for it."""
    carried: tuple[TransferredConfig, ...] = ()
    """What is tried next, from earlier studies."""
    folders: StudyFolders | None = None
    """What the trials write into, where those are not the worker's own folders."""
    lost: tuple[int, ...] = ()
    """The unfinished trials that begin anew: there is no checkpoint of theirs to continue from."""
    repeats: tuple[tuple[int, Config], ...] = ()
    """Of a confirmation, the configurations that are trained again, with their trials' numbers in the search."""
    nothing_left: str = ""
    """The message in place of a run where all of the study is done; "" where there is something to do."""

    @property
    def plan(self) -> RunPlan:
        """What the controller is to reach."""
        return RunPlan(
            trials=self.spec.budget.trials,
            max_epochs=self.spec.budget.fidelity.most,
            goal=self.goal,
            stops_hopeless=self.stops_hopeless,
            seed=self.spec.seed,
            default=self.space.default,
            tests=self.tests and not self.confirms,
            folders=self.folders,
            target=self.spec.budget.target,
            patience=self.spec.budget.patience,
            until_no_gain=self.spec.budget.until == "no gain",
            retries=self.spec.retries,
            trial_seconds=self.spec.limits.time,
            parallel=self.parallel,
            delay=self.delay,
            grows=self.grows,
            exploits=self.exploits,
            keeps_rows=bool(self.repeats),
        )

    @property
    def delay(self) -> int:
        """How many trials are in flight where a study is to be reproducible on any machine; 0 where it is not."""
        resources = self.spec.resources
        return int(resources.parallel) if resources.parallel_mode == "reproducible" else 0

    @property
    def parallel(self) -> int:
        """How many cohorts run at a time."""
        return cohorts_at_a_time(self.spec.executor, self.resources, self.capacity)
