"""Builds the components of a run from a spec, and reports everything that is wrong with it at once."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import final

from tuner.domain.capacity import Capacity
from tuner.domain.command import Command
from tuner.domain.config import Config
from tuner.domain.errors import Mistakes
from tuner.domain.goal import Goal
from tuner.domain.object_reference import reference_to
from tuner.domain.objective import Objective
from tuner.domain.resources import AUTO, Resources
from tuner.domain.sampler import Sampler
from tuner.domain.scheduler import Scheduler
from tuner.domain.search_space import SearchSpace
from tuner.domain.start_configs import start_configs
from tuner.domain.study import INLINE, Direction, StudySpec
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
from tuner.system.hardware import Accelerator

_MOST_ON_A_CPU = 32

_MOST_ON_A_GPU = 256
"""How many trials are batched at most, where they fit: beyond, a device does no more of them in a second."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What a spec names, found and made; None where it cannot be, or is not asked for."""

    objective: Objective | None
    yields: Mapping[str, Direction] | None
    """The metrics of the objective; None where it does not say which they are."""
    goal: Goal
    scheduler: Scheduler | None
    space: SearchSpace | None
    sampler: Sampler | None
    start: tuple[Config, ...]
    worker_spec: WorkerSpec
    resources: Resources
    accelerator: Accelerator
    capacity: Capacity | None


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
    parts = _found(spec, folder, folders, mistakes, capacity)
    _check(spec, parts, mistakes)
    return _assembled(spec, folder, parts)


def _found(
    spec: StudySpec, folder: Path, folders: StudyFolders, mistakes: Mistakes, capacity: Capacity | None
) -> _Parts:
    """Return what the spec names; why something cannot be found or made is collected."""
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
    accelerator = accelerator_of(capacity)
    resources = decided(spec, accelerator)
    isolation = _isolation(spec, folder, objective)
    worker_spec = _settled(worker_spec, goal, scheduler, isolation, device_of(resources, accelerator))
    worker_spec = replace(worker_spec, ranks=resources.ranks)
    space = mistakes.collect(lambda: find_space(spec, folder))
    start = None if space is None else mistakes.collect(lambda: start_configs(space, spec.start))
    return _Parts(
        objective=objective,
        yields=yields,
        goal=goal,
        scheduler=scheduler,
        space=space,
        sampler=_sampler(spec, space, goal, mistakes, worker_spec),
        start=start or (),
        worker_spec=worker_spec,
        resources=resources,
        accelerator=accelerator,
        capacity=capacity,
    )


def _assembled(spec: StudySpec, folder: Path, parts: _Parts) -> RunComponents:
    """Return the components that parts without a mistake make."""
    space, scheduler, sampler = parts.space, parts.scheduler, parts.sampler
    assert space is not None and scheduler is not None and sampler is not None  # noqa: PT018 - or it was a mistake
    goal, objective, isolation = parts.goal, parts.objective, parts.worker_spec.isolation
    data = None if objective is None else objective.data()
    return RunComponents(
        spec=replace(spec, direction=goal.direction, directions=goal.directions if spec.metrics else ()),
        goal=goal,
        space=space,
        sampler=sampler,
        scheduler=scheduler,
        worker_spec=parts.worker_spec,
        resources=parts.resources,
        make_scheduler=partial(find_scheduler, spec, goal, folder),
        cohorts=_cohorts(spec, parts, space),
        cohorts_of_repetitions=_cohorts(spec, parts, space, of_repetitions=True),
        grows=objective is None or objective.grows,
        exploits=objective is not None and objective.exploits and isolation is not Isolation.TRIAL,
        stops_hopeless=not sampler_class(spec, folder).needs_complete_trials,
        own_parts=own_parts(spec, folder),
        tests=parts.yields is not None,
        data=data,
        combines=_combines(spec, objective, is_own_table=data is not None and bool(data.columns)),
        notes=(*_notes(spec, parts, space, sampler),),
        confirms=_confirms(spec, parts),
        capacity=parts.capacity,
        start=parts.start,
    )


def _notes(spec: StudySpec, parts: _Parts, space: SearchSpace, sampler: Sampler) -> Iterator[str]:
    """Yield what works, but not as one would hope."""
    folder = parts.worker_spec.folder
    yield from questionable_choices(spec, parts.yields or {}, parts.goal)
    yield from ineffective_cohort(spec, parts.worker_spec.isolation)
    yield from command_notes(spec.objective, space)
    yield from gpu_notes(spec, parts.resources, parts.accelerator)
    yield from dict.fromkeys(filter(None, (clash(each, folder) for each in named_parts(spec))))
    yield from name_clashes(spec)
    yield from unusual_space_size(spec, space, sampler)
    yield from ineffective_priors(space, sampler)
    yield from parts.objective.notes(space) if parts.objective is not None else ()


def _combines(spec: StudySpec, objective: Objective | None, *, is_own_table: bool) -> bool:
    """Whether the study hands out an average of several models."""
    if objective is None or type(objective).ensemble is Objective.ensemble:
        return False
    return spec.answer.combines(is_own_table=is_own_table)


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


def _check(spec: StudySpec, parts: _Parts, mistakes: Mistakes) -> None:
    """Raise `ConfigurationError` with all mistakes, those that were collected before and those found here."""
    worker_spec, goal, objective, space = parts.worker_spec, parts.goal, parts.objective, parts.space
    mistakes.add(missing(parts.resources, parts.capacity))
    if objective is not None and parts.yields is not None:
        mistakes.add(unfit_objective(objective, parts.yields, space, goal))
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


def _confirms(spec: StudySpec, parts: _Parts) -> bool:
    if spec.confirm.run != AUTO:
        return bool(spec.confirm.run)
    batches = parts.objective is not None and not isinstance(parts.objective, GeneratorObjective)
    exploits, has_several = parts.worker_spec.exploits, parts.goal.has_several
    return batches and not exploits and not has_several and spec.budget.trials > spec.confirm.top


def _cohorts(spec: StudySpec, parts: _Parts, space: SearchSpace, *, of_repetitions: bool = False) -> CohortPolicy:
    objective, resources = parts.objective, parts.resources
    takes_turns = objective is None or isinstance(objective, GeneratorObjective)
    is_in_order = resources.parallel_mode == "reproducible" and not of_repetitions
    # A trial that has a process of its own, or the study's own one, has it to itself.
    alone = is_in_order or parts.worker_spec.isolation is Isolation.TRIAL or (takes_turns and spec.executor == INLINE)
    size = 1 if alone else resources.cohort
    settings = CohortSettings(
        size=None if size == AUTO else int(size),
        most=_MOST_ON_A_GPU if resources.gpu else _MOST_ON_A_CPU,
        interleaved=takes_turns,
        timed=cohorts_at_a_time(spec.executor, resources, parts.capacity) > 1,
    )
    key_of = _all_alike if objective is None else objective.cohort_key
    return CohortPolicy(space, key_of, settings, trials=spec.budget.trials)


def _all_alike(_: Config) -> Hashable:
    """Return one key for all: what cannot be batched takes turns, whatever the configurations are."""
    return ()
