"""A study's parts, found by their names and checked all at once, before anything runs or is written."""

import inspect
import math
import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from tuner.domain.config import Config
from tuner.domain.constraint import as_constraint
from tuner.domain.data_summary import DataRecord
from tuner.domain.errors import ConfigurationError, Mistakes, UnknownNameError, nearest
from tuner.domain.goal import OF_MODELS, Goal
from tuner.domain.metric_directions import usual_direction
from tuner.domain.object_reference import reference_to
from tuner.domain.objective import Objective
from tuner.domain.sampler import Sampler
from tuner.domain.scheduler import Scheduler
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import AUTO, INLINE, Direction, StudySpec, as_component
from tuner.domain.study_folders import StudyFolders
from tuner.domain.worker_spec import Isolation, Job, PickledObjective
from tuner.execution.generator import GeneratorObjective, unfit
from tuner.execution.objective_pickling import pickled
from tuner.execution.worker import OBJECTIVES, build_objective
from tuner.formatting.redaction import remember
from tuner.formatting.values import amount
from tuner.registry.catalogue import Catalogue
from tuner.registry.import_path import clash, is_function, resolve, shares_process
from tuner.search.cohort_policy import Cohorts
from tuner.search.plan import RunPlan
from tuner.search.warm_start import CarriedOver
from tuner.system import hardware

SAMPLERS = Catalogue("tuner.samplers", "sampler")
SCHEDULERS = Catalogue("tuner.schedulers", "scheduler")
SEARCH_SPACES = Catalogue("tuner.search_spaces", "search space")

_MOST_LISTED = 1_000
"""Up to so many configurations are counted one by one, which tells how many the rules leave."""

_MOST_WRITTEN_OUT = 1e9

_MOST_ON_A_CPU = 32
_MOST_ON_A_GPU = 256
"""How many trials are batched at most, where they fit: beyond, a device does no more of them in a second."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """A study with all of its parts, ready to run."""

    spec: StudySpec
    goal: Goal
    space: SearchSpace
    sampler: Sampler
    scheduler: Scheduler
    job: Job
    cohorts: Cohorts
    grows: bool
    """Whether trials can join a cohort that is being trained."""
    exploits: bool
    """Whether a member of a cohort can go on from another's state."""
    tests: bool
    """Whether the objective can measure the best trial on data the search never saw."""
    confirms: bool
    """Whether the best configurations are trained again once the search has reached its target."""
    data: DataRecord | None
    """What is known of the data, where it is somebody's own."""
    notes: tuple[str, ...]
    """What is allowed, but probably not meant."""
    carried: tuple[CarriedOver, ...] = ()
    """What is tried first, from earlier studies."""
    folders: StudyFolders | None = None
    """What the trials write into, where those are not the job's own folders."""
    lost: tuple[int, ...] = ()
    """The unfinished trials that begin anew: there is no checkpoint of theirs to go on from."""
    repeats: tuple[tuple[int, Config], ...] = ()
    """Of a confirmation, the configurations that are trained again, with their trials' numbers in the search."""
    nothing_left: str = ""
    """What is told instead of running the study, where all of it is done; "" where there is something to do."""

    @property
    def plan(self) -> RunPlan:
        """What the controller is to reach."""
        return RunPlan(
            trials=self.spec.budget.trials,
            max_epochs=self.spec.budget.epochs,
            goal=self.goal,
            stops_hopeless=not SAMPLERS[as_component(self.spec.sampler).name].needs_complete_trials,
            seed=self.spec.seed,
            default=self.space.default,
            tests=self.tests and not self.confirms,
            folders=self.folders,
            trial_seconds=self.spec.limits.time,
            parallel=self.parallel,
            grows=self.grows,
            exploits=self.exploits,
        )

    @property
    def parallel(self) -> int:
        """How many cohorts run at a time."""
        return _parallel(self.spec)


def assemble(spec: StudySpec, folder: Path, folders: StudyFolders, mistakes: Mistakes | None = None) -> Assembly:
    """Return the study's parts; raises `ConfigurationError` with everything that is wrong with any of them.

    Modules of the user's own are looked for in `folder`; the trials write into `folders`. `mistakes` are those found
    before, which are told with the others.
    """
    mistakes = mistakes or Mistakes()
    job = _job(spec, folder, folders)
    objective = mistakes.collect(lambda: _objective(job))
    if spec.executor != INLINE and callable(job.objective):
        travelling = job.objective
        mistakes.collect(lambda: pickled(travelling, reference_to(travelling)))
    yields = None if objective is None else objective.metrics()
    goal = _goal(spec, yields or {})
    if not mistakes.has_any:
        mistakes.add(_undirected(spec, yields))
    scheduler = mistakes.collect(lambda: _scheduler(spec, goal))
    isolation = _isolation(spec, folder, objective)
    job = _settled(job, goal, scheduler, isolation)
    space = mistakes.collect(lambda: find_space(spec, folder))
    sampler = None
    if space is None:
        mistakes.collect(lambda: _sampler_member(spec))  # its name and options are right or wrong without one
    else:
        sampler = mistakes.collect(lambda: _sampler(spec, space, goal, stops_early=job.prunes))
    if objective is not None and yields is not None:
        mistakes.add(_unfit(objective, yields, space, goal))
    if isolation is not Isolation.NONE and spec.executor != INLINE:
        mistakes.add(_unwritable(folders))
    mistakes.add(hardware.missing(spec.resources.cpu, spec.resources.gpu))
    mistakes.add(_unconfirmable(spec, job, goal))
    mistakes.raise_all()
    assert space is not None and scheduler is not None and sampler is not None  # noqa: PT018 - or it was a mistake
    return Assembly(
        spec=replace(spec, direction=goal.direction, directions=goal.directions if spec.metrics else ()),
        goal=goal,
        space=space,
        sampler=sampler,
        scheduler=scheduler,
        job=job,
        cohorts=_cohorts(spec, space, objective, isolation),
        grows=objective is None or objective.grows,
        exploits=objective is not None and objective.exploits,
        tests=yields is not None,
        data=None if objective is None else objective.data(),
        notes=(
            *_notes(spec, yields or {}, goal),
            *_alone(spec, isolation),
            *dict.fromkeys(filter(None, (clash(each, folder) for each in (spec.objective, spec.search_space)))),
            *_too_few_or_many(spec, space, sampler),
            *(objective.notes(space) if objective is not None else ()),
        ),
        confirms=_confirms(spec, job, goal, objective),
    )


def located(spec: StudySpec, folders: Sequence[Path], modules: Path | None = None) -> StudySpec:
    """Return the spec with absolute paths in its settings; what is relative lies in one of the folders.

    The objective's module is looked for in `modules`, by default the last of them. A mistake in the objective's name is
    left to `assemble`, which tells it with all others.
    """
    remember(spec.settings)
    kind = _kind_of_objective(spec, modules or folders[-1])
    return spec if kind is None else replace(spec, settings=kind.located(spec.settings, folders))


def data_fingerprint(spec: StudySpec, folder: Path) -> str | None:
    """Return what tells the spec's data from other data; None where it has none of its own."""
    kind = _kind_of_objective(spec, folder)
    return None if kind is None else kind.fingerprint(spec.settings)


def proposal(spec: StudySpec, folder: Path) -> Mapping[str, str]:
    """Return the keys of a study file that suit the spec's objective with its settings, whatever else it says."""
    kind = _kind_of_objective(spec, folder)
    return {} if kind is None else kind(spec.settings, spec.seed).proposal()


def _kind_of_objective(spec: StudySpec, folder: Path) -> type[Objective] | None:
    """Return the class of the spec's objective; None where it is a function, or cannot be found."""
    try:
        if is_function(spec.objective, folder):
            return None
        found = resolve(spec.objective, OBJECTIVES, folder) if isinstance(spec.objective, str) else spec.objective
    except ConfigurationError:
        return None
    return found if isinstance(found, type) and issubclass(found, Objective) else None


def _unwritable(folders: StudyFolders) -> Iterator[str]:
    """Yield which folder no trial could write into: each of them would fail."""
    for folder, what in ((folders.logs, "what trials print"), (folders.trials, "the trials' own files")):
        there = next((each for each in (folder, folder.parent) if os.path.lexists(each)), None)
        if there is not None and not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
            why = "cannot be written" if there.is_dir() else "is not a folder"
            yield f"{there}, for {what}, {why}: change its rights, or move it away"


def unknown_names(spec: StudySpec) -> Iterator[str]:
    """Yield what nobody knows of the spec's sampler and scheduler, for a study whose other parts are not there yet."""
    for catalogue, part in ((SAMPLERS, spec.sampler), (SCHEDULERS, spec.scheduler)):
        try:
            catalogue.check(as_component(part).name)
        except UnknownNameError as error:
            yield from error.problems


def find_space(spec: StudySpec, folder: Path) -> SearchSpace:
    """Return the spec's search space; raises `ConfigurationError` where there is none or it is impossible."""
    found = spec.search_space
    if isinstance(found, str):
        found = resolve(found, SEARCH_SPACES, folder)
    if not isinstance(found, SearchSpace):
        kind = type(found).__name__
        raise ConfigurationError(
            f"the search space {spec.search_space!r} is a {kind}, not a SearchSpace",
            hint="define it as: space = SearchSpace(lr=Float(1e-4, 1e-1, log=True), ...)",
        )
    found.check_possible()
    return found


def _unconfirmable(spec: StudySpec, job: Job, goal: Goal) -> Iterator[str]:
    if spec.confirm.run is not True:
        return
    if job.exploits:
        name = as_component(spec.scheduler).name
        yield f"confirm: under {name} a trial has several configurations, which cannot be trained again as one"
    if goal.has_several:
        yield "confirm: with several metrics there is no single best configuration to confirm"


def _confirms(spec: StudySpec, job: Job, goal: Goal, objective: Objective | None) -> bool:
    if spec.confirm.run != AUTO:
        return bool(spec.confirm.run)
    batches = objective is not None and not isinstance(objective, GeneratorObjective)
    return batches and not job.exploits and not goal.has_several and spec.budget.trials > spec.confirm.top


def _parallel(spec: StudySpec) -> int:
    resources = spec.resources
    if spec.executor == INLINE:
        return 1
    if resources.parallel == AUTO:
        return hardware.cohorts_at_a_time(resources.cpu, resources.gpu)
    return int(resources.parallel)


def _cohorts(spec: StudySpec, space: SearchSpace, objective: Objective | None, isolation: Isolation) -> Cohorts:
    takes_turns = objective is None or isinstance(objective, GeneratorObjective)
    # A trial that has a process of its own, or the study's own one, has it to itself.
    alone = takes_turns and (isolation is Isolation.TRIAL or spec.executor == INLINE)
    size = 1 if alone else spec.resources.cohort
    return Cohorts(
        space,
        _all_alike if objective is None else objective.cohort_key,
        size=None if size == AUTO else int(size),
        trials=spec.budget.trials,
        most=_MOST_ON_A_GPU if spec.resources.gpu else _MOST_ON_A_CPU,
        interleaved=takes_turns,
        timed=_parallel(spec) > 1,
    )


def _alone(spec: StudySpec, isolation: Isolation) -> Iterator[str]:
    """Yield that trials train one by one although more to a cohort are asked for."""
    if isolation is Isolation.TRIAL and spec.resources.cohort not in (AUTO, 1):
        yield (
            f"cohort = {spec.resources.cohort} has no effect: the objective is a function, whose trials have a process "
            "each; with resources.share_process = true they take turns in one"
        )


def _all_alike(_: Config) -> Hashable:
    """Return one key for all: what cannot be batched takes turns, whatever the configurations are."""
    return ()


def _goal(spec: StudySpec, yields: Mapping[str, Direction]) -> Goal:
    """Return what the spec is after, with the directions that the objective says where the spec has none.

    Where it does not either, the metric's name says it; `_undirected` refuses one that does not.
    """
    metrics = tuple(spec.metrics) or (spec.metric,)
    known = {**OF_MODELS, **yields}
    directions = _given(spec) or tuple(
        known.get(name) or usual_direction(name) or Direction.MAXIMIZE for name in metrics
    )
    return Goal(metrics=metrics, directions=directions, constraints=tuple(map(as_constraint, spec.constraints)))


def _given(spec: StudySpec) -> tuple[Direction, ...]:
    """Return the directions that the spec itself says; none where they are left to the objective."""
    single = () if spec.direction is None else (spec.direction,)
    return tuple(map(Direction, spec.directions if spec.metrics else single))


def _left_open(spec: StudySpec, yields: Mapping[str, Direction]) -> tuple[str, ...]:
    """Return the metrics of which neither the spec nor the objective says which way they are better."""
    if _given(spec):
        return ()
    return tuple(name for name in spec.metrics or (spec.metric,) if name not in OF_MODELS and name not in yields)


def _undirected(spec: StudySpec, yields: Mapping[str, Direction] | None) -> Iterator[str]:
    """Yield which way no name tells: a generator function has no word for it, and a guess may search the worst."""
    unknown = [name for name in _left_open(spec, yields or {}) if usual_direction(name) is None]
    if yields is not None or not unknown:  # what an objective does not yield is a mistake anyway
        return
    names = " and ".join(map(repr, unknown))
    if spec.metrics:
        yield f"directions: the objective does not say which way {names} is better; give one for each metric"
    else:
        yield f'direction: nothing says which way {names} is better; write direction = "maximize" or "minimize"'


def _notes(spec: StudySpec, yields: Mapping[str, Direction], goal: Goal) -> Iterator[str]:
    """Yield what is allowed, but probably not meant, or was not said."""
    yield from _assumed(spec, yields)
    yield from _doubts(yields, goal)
    scratch = os.environ.get("TMPDIR")
    if scratch and not os.access(scratch, os.W_OK | os.X_OK):
        reason = "cannot be written" if Path(scratch).is_dir() else "is not a folder"
        yield f"TMPDIR={scratch} {reason}: temporary files are elsewhere"
    address = os.environ.get("RAY_ADDRESS")
    if address and spec.executor == "ray":
        yield f"RAY_ADDRESS={address} is not used: the study runs on this machine, unless ray.init() was called before"


def _assumed(spec: StudySpec, yields: Mapping[str, Direction]) -> Iterator[str]:
    key = "directions" if spec.metrics else "direction"
    for name in _left_open(spec, yields):
        if (usual := usual_direction(name)) is not None:
            yield f"{key}: {usual.value} (assumed from the name `{name}`; set {key} to overrule)"


def _job(spec: StudySpec, folder: Path, folders: StudyFolders) -> Job:
    objective = spec.objective
    if isinstance(objective, str) and objective.startswith("__main__:"):
        # What was defined in the running script has no file that a worker could import: it travels itself.
        objective = resolve(objective, OBJECTIVES, folder)
    return Job(
        objective=objective,
        folder=folder,
        settings=spec.settings,
        seed=spec.seed,
        metric=spec.metric,
        direction=_goal(spec, {}).direction,
        wanted=_goal(spec, {}).wanted,
        max_epochs=spec.budget.epochs,
        threads=max(1, int(spec.resources.cpu)),
        device="cuda" if spec.resources.gpu else "cpu",
        folders=folders,
        limits=spec.limits,
    )


def _isolation(spec: StudySpec, folder: Path, objective: Objective | None) -> Isolation:
    """Return in which process the objective's code runs, where trials have processes at all."""
    if objective is not None and not isinstance(objective, GeneratorObjective):
        return Isolation.COHORT if objective.isolated else Isolation.NONE
    shares = spec.resources.share_process or shares_process(spec.objective, folder)
    return Isolation.COHORT if shares else Isolation.TRIAL


def _settled(job: Job, goal: Goal, scheduler: Scheduler | None, isolation: Isolation) -> Job:
    """Return the job with what is known once the objective has been asked."""
    return replace(
        job,
        direction=goal.direction,
        prunes=scheduler is not None and scheduler.prunes,
        exploits=scheduler is not None and scheduler.exploits,
        isolation=isolation,
    )


def _objective(job: Job) -> Objective | None:
    """Return the objective where it can be asked questions: a function only tells by being run."""
    if not isinstance(job.objective, PickledObjective) and is_function(job.objective, job.folder):
        if not isinstance(job.objective, str) and (problem := unfit(job.objective)):
            raise ConfigurationError(problem)
        return None
    return build_objective(job)


def _unfit(
    objective: Objective, yields: Mapping[str, Direction], space: SearchSpace | None, goal: Goal
) -> Iterator[str]:
    keys = {each.metric: "constraints" for each in goal.constraints}
    keys |= dict.fromkeys(goal.metrics, "metrics" if goal.has_several else "metric")
    for name in goal.wanted:
        if name not in yields:
            known = f"(it yields: {', '.join(yields)})"
            yield f"{keys[name]}: the objective does not yield {name!r}{nearest(name, yields)} {known}"
    if space is not None:
        yield from objective.problems(space)


def _doubts(yields: Mapping[str, Direction], goal: Goal) -> Iterator[str]:
    for metric, direction in zip(goal.metrics, goal.directions, strict=True):
        usual = {**OF_MODELS, **yields}.get(metric) or usual_direction(metric) or direction
        if usual is not direction:
            yield f"{metric} is usually to {usual.value}, this study is to {direction.value} it"


def _too_few_or_many(spec: StudySpec, space: SearchSpace, sampler: Sampler) -> Iterator[str]:
    """Yield what to expect where the space, or the sampler, has another number of configurations than the budget."""
    trials, limit = spec.budget.trials, sampler.most_proposals
    at_most = "at most " if space.rules else ""
    if trials < limit < math.inf:
        yield (
            f"the grid has {at_most}{_configurations(limit)}, of which {trials} trials try the first: raise "
            "budget.trials, lower sampler.points, or use another sampler"
        )
    elif limit < trials:
        yield f"the grid has {at_most}{_configurations(limit)}: the study ends before its {amount(trials, 'trial')}"
    elif (count := len(every) if (every := space.every(_MOST_LISTED)) is not None else space.count) < trials:
        yield (
            f"the search space has {_configurations(count)}, fewer than the {trials} trials: once each was "
            "tried, a further trial trains one of them again with another seed"
        )


def _configurations(count: float) -> str:
    if count == 1:
        return "1 configuration"
    return f"{f'{count:,.0f}' if count < _MOST_WRITTEN_OUT else f'{count:.1e}'} configurations"


def _scheduler(spec: StudySpec, goal: Goal) -> Scheduler:
    component = as_component(spec.scheduler)
    member: type[Scheduler] = SCHEDULERS[component.name]
    _check_options(member, "scheduler", component.options)
    if goal.has_several and (member.prunes or member.exploits):
        raise ConfigurationError(
            f"scheduler {component.name}: it compares trials by one metric, and the study has {len(goal.metrics)}; "
            "use the scheduler none or patience"
        )
    return member(spec.budget.epochs, goal.direction, spec.seed, **component.options)


def _sampler(spec: StudySpec, space: SearchSpace, goal: Goal, *, stops_early: bool) -> Sampler:
    component, member = as_component(spec.sampler), _sampler_member(spec)
    problems = [*member.problems(space, goal, stops_early=stops_early)]
    if problems:
        raise ConfigurationError(f"sampler {component.name}: {problem}" for problem in problems)
    return member(space, goal, spec.seed, **component.options)


def _sampler_member(spec: StudySpec) -> type[Sampler]:
    component = as_component(spec.sampler)
    member: type[Sampler] = SAMPLERS[component.name]
    _check_options(member, "sampler", component.options)
    return member


def _check_options(member: type, kind: str, options: Mapping[str, Any]) -> None:
    parameters = inspect.signature(member).parameters.values()
    known = {each.name: each.annotation for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY}
    problems = [
        f"{kind}: unknown option {name!r}{nearest(name, known)} (known: {', '.join(known) or 'none'})"
        for name in options
        if name not in known
    ]
    problems += [
        f"{kind}.{name}: {value!r} is not {_NOUNS[known[name]]}"
        for name, value in options.items()
        if known.get(name) in _NOUNS and not _fits(value, known[name])
    ]
    if problems:
        raise ConfigurationError(problems)


_NOUNS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def _fits(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)
