"""Builds the components of a run from a spec, and reports everything that is wrong with it at once."""

from collections.abc import Hashable
from dataclasses import replace
from functools import partial
from pathlib import Path

from tuner.domain.capacity import Capacity
from tuner.domain.command import Command
from tuner.domain.config import Config
from tuner.domain.errors import Mistakes
from tuner.domain.goal import Goal
from tuner.domain.object_reference import reference_to
from tuner.domain.objective import Objective
from tuner.domain.resources import AUTO
from tuner.domain.sampler import Sampler
from tuner.domain.scheduler import Scheduler
from tuner.domain.search_space import SearchSpace
from tuner.domain.start_configs import start_configs
from tuner.domain.study import INLINE, StudySpec
from tuner.domain.study_folders import StudyFolders
from tuner.domain.transfer import transfer_problems
from tuner.domain.worker_spec import Isolation, WorkerSpec
from tuner.execution.generator import GeneratorObjective
from tuner.execution.objective_pickling import pickled
from tuner.execution.objectives import OBJECTIVES
from tuner.registry.import_path import clash, resolve, shares_process
from tuner.running.checks import (
    ineffective_cohort,
    ineffective_priors,
    questionable_choices,
    uncombinable,
    unconfirmable,
    uncounted_unit,
    unending,
    unfit_objective,
    unrankable,
    unrepeatable,
    untellable,
    unusable_storage,
    unusual_space_size,
    unwritable_folders,
)
from tuner.running.command_checks import command_notes, command_problems
from tuner.running.components import RunComponents
from tuner.running.goal import goal_of, undirected
from tuner.running.lookup import (
    EXECUTORS,
    find_executor,
    find_objective,
    find_sampler,
    find_scheduler,
    find_space,
    name_clashes,
    named_parts,
    own_parts,
    sampler_class,
)
from tuner.running.resources import accelerator_of, cohorts_at_a_time, decided, device_of, gpu_notes, missing
from tuner.search.cohort_policy import CohortPolicy, CohortSettings

_MOST_ON_A_CPU = 32

_MOST_ON_A_GPU = 256
"""How many trials are batched at most, where they fit: beyond, a device does no more of them in a second."""


def build_components(
    spec: StudySpec,
    folder: Path,
    folders: StudyFolders,
    mistakes: Mistakes | None = None,
    capacity: Capacity | None = None,
) -> RunComponents:
    """Return the components of a run; raises `ConfigurationError` with everything that is wrong with any of them.

    Modules of the user's own are looked for in `folder`; the trials write into `folders`. `mistakes` are those found
    before, which are reported with the others; `capacity` is that of the cluster that the study joins. Without an
    objective they are those of a program that asks and tells.
    """
    mistakes = mistakes or Mistakes()
    worker_spec = _worker_spec(spec, folder, folders)
    objective = mistakes.collect(lambda: find_objective(worker_spec)) if spec.objective else None
    _check_pickling(spec, worker_spec, mistakes)
    yields = None if objective is None else objective.metrics()
    goal = goal_of(spec, yields or {})
    if not mistakes.has_any:
        mistakes.add(undirected(spec, yields))
    if spec.executor not in EXECUTORS:  # those that ship are imported when the study starts: Ray's takes a while
        mistakes.collect(lambda: find_executor(spec, folder))
    scheduler = mistakes.collect(lambda: find_scheduler(spec, goal, folder))
    isolation = _isolation(spec, folder, objective)
    found = accelerator_of(capacity)
    resources = decided(spec, found)
    worker_spec = _settled(worker_spec, goal, scheduler, isolation, device_of(resources, found))
    worker_spec = replace(worker_spec, ranks=resources.ranks)
    space = mistakes.collect(lambda: find_space(spec, folder))
    start = None if space is None else mistakes.collect(lambda: start_configs(space, spec.start))
    sampler = _sampler(spec, space, goal, mistakes, worker_spec)
    mistakes.add(missing(resources, capacity))
    _check(spec, worker_spec, goal, objective, space, mistakes)
    assert space is not None and scheduler is not None and sampler is not None  # noqa: PT018 - or it was a mistake
    return RunComponents(
        spec=replace(spec, direction=goal.direction, directions=goal.directions if spec.metrics else ()),
        goal=goal,
        space=space,
        sampler=sampler,
        scheduler=scheduler,
        worker_spec=worker_spec,
        resources=resources,
        make_scheduler=partial(find_scheduler, spec, goal, folder),
        cohorts=_cohorts(
            replace(spec, resources=resources),
            space,
            objective,
            isolation,
            is_alone=resources.parallel_mode == "reproducible",
            capacity=capacity,
        ),
        cohorts_of_repetitions=_cohorts(
            replace(spec, resources=resources), space, objective, isolation, capacity=capacity
        ),
        grows=objective is None or objective.grows,
        exploits=objective is not None and objective.exploits and isolation is not Isolation.TRIAL,
        stops_hopeless=not sampler_class(spec, folder).needs_complete_trials,
        own_parts=own_parts(spec, folder),
        tests=yields is not None,
        data=(data := None if objective is None else objective.data()),
        combines=objective is not None
        and type(objective).ensemble is not Objective.ensemble
        and spec.answer.combines(is_own_table=data is not None and bool(data.columns)),
        notes=(
            *questionable_choices(spec, yields or {}, goal),
            *ineffective_cohort(spec, isolation),
            *command_notes(spec.objective, space),
            *gpu_notes(spec, resources, found),
            *dict.fromkeys(filter(None, (clash(each, folder) for each in named_parts(spec)))),
            *name_clashes(spec),
            *unusual_space_size(spec, space, sampler),
            *ineffective_priors(space, sampler),
            *(objective.notes(space) if objective is not None else ()),
        ),
        confirms=_confirms(spec, worker_spec, goal, objective),
        capacity=capacity,
        start=start or (),
    )


def _check_pickling(spec: StudySpec, worker_spec: WorkerSpec, mistakes: Mistakes) -> None:
    """Collect why an objective that is not found by name cannot be sent to the workers."""
    objective = worker_spec.objective
    if spec.executor != INLINE and callable(objective):
        mistakes.collect(lambda: pickled(objective, reference_to(objective)))


def _sampler(
    spec: StudySpec, space: SearchSpace | None, goal: Goal, mistakes: Mistakes, worker_spec: WorkerSpec
) -> Sampler | None:
    if space is None:
        mistakes.collect(
            lambda: sampler_class(spec, worker_spec.folder)
        )  # its name and options are right or wrong without one
        return None
    return mistakes.collect(lambda: find_sampler(spec, space, goal, worker_spec.folder, stops_early=worker_spec.prunes))


def _check(  # noqa: PLR0917 - all of them are checked against each other
    spec: StudySpec,
    worker_spec: WorkerSpec,
    goal: Goal,
    objective: Objective | None,
    space: SearchSpace | None,
    mistakes: Mistakes,
) -> None:
    """Raise `ConfigurationError` with all mistakes, those that were collected before and those found here."""
    yields = None if objective is None else objective.metrics()
    if objective is not None and yields is not None:
        mistakes.add(unfit_objective(objective, yields, space, goal))
    if worker_spec.isolation is not Isolation.NONE and (spec.executor != INLINE or spec.resources.ranks > 1):
        mistakes.add(unwritable_folders(worker_spec.folders))
    if isinstance(spec.objective, Command):
        mistakes.add(command_problems(spec.objective, space, goal.wanted, worker_spec.folder))
    if objective is not None:
        mistakes.add(uncounted_unit(spec, objective))
        mistakes.add(uncombinable(spec, objective, goal))
    mistakes.add(unusable_storage(spec))
    mistakes.add(unrankable(spec, objective))
    mistakes.add(unconfirmable(spec, worker_spec, goal))
    mistakes.add(unending(spec, goal))
    mistakes.add(transfer_problems(spec.transfer, spec.settings, space))
    mistakes.add(unrepeatable(spec, exploits=worker_spec.exploits))
    mistakes.add(untellable(spec, worker_spec))
    mistakes.raise_all()


def _worker_spec(spec: StudySpec, folder: Path, folders: StudyFolders) -> WorkerSpec:
    objective = spec.objective
    if isinstance(objective, str) and objective.startswith("__main__:"):
        # What was defined in the running script has no file that a worker could import: it travels itself.
        objective = resolve(objective, OBJECTIVES, folder)
    return WorkerSpec(
        objective=objective,
        folder=folder,
        settings=spec.transfer.at_first(spec.settings),
        seed=spec.seed,
        metric=spec.metric,
        direction=goal_of(spec, {}).direction,
        wanted=goal_of(spec, {}).wanted,
        max_epochs=spec.budget.fidelity.most,
        unit=spec.budget.fidelity.unit,
        threads=spec.resources.threads,
        device="cpu",
        folders=folders,
        limits=spec.limits,
    )


def _settled(
    worker_spec: WorkerSpec, goal: Goal, scheduler: Scheduler | None, isolation: Isolation, device: str
) -> WorkerSpec:
    """Return the worker's spec with what is known once the objective has been asked."""
    return replace(
        worker_spec,
        device=device,
        direction=goal.direction,
        prunes=scheduler is not None and scheduler.prunes,
        exploits=scheduler is not None and scheduler.exploits,
        isolation=isolation,
    )


def _isolation(spec: StudySpec, folder: Path, objective: Objective | None) -> Isolation:
    """Return in which process the objective's code runs, where trials have processes at all."""
    if spec.resources.ranks > 1:
        return Isolation.TRIAL
    if objective is not None and not isinstance(objective, GeneratorObjective):
        return Isolation.COHORT if objective.isolated else Isolation.NONE
    if isinstance(spec.objective, Command):
        return Isolation.TRIAL
    shares = spec.resources.share_process or shares_process(spec.objective, folder)
    return Isolation.COHORT if shares else Isolation.TRIAL


def _confirms(spec: StudySpec, worker_spec: WorkerSpec, goal: Goal, objective: Objective | None) -> bool:
    if spec.confirm.run != AUTO:
        return bool(spec.confirm.run)
    batches = objective is not None and not isinstance(objective, GeneratorObjective)
    return batches and not worker_spec.exploits and not goal.has_several and spec.budget.trials > spec.confirm.top


def _cohorts(
    spec: StudySpec,
    space: SearchSpace,
    objective: Objective | None,
    isolation: Isolation,
    *,
    capacity: Capacity | None,
    is_alone: bool = False,
) -> CohortPolicy:
    takes_turns = objective is None or isinstance(objective, GeneratorObjective)
    # A trial that has a process of its own, or the study's own one, has it to itself.
    alone = isolation is Isolation.TRIAL or (takes_turns and spec.executor == INLINE)
    size = 1 if alone or is_alone else spec.resources.cohort
    settings = CohortSettings(
        size=None if size == AUTO else int(size),
        most=_MOST_ON_A_GPU if spec.resources.gpu else _MOST_ON_A_CPU,
        interleaved=takes_turns,
        timed=cohorts_at_a_time(spec.executor, spec.resources, capacity) > 1,
    )
    key_of = _all_alike if objective is None else objective.cohort_key
    return CohortPolicy(space, key_of, settings, trials=spec.budget.trials)


def _all_alike(_: Config) -> Hashable:
    """Return one key for all: what cannot be batched takes turns, whatever the configurations are."""
    return ()
