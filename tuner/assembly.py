"""A study's parts, found by their names and checked all at once, before anything runs or is written."""

import inspect
import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, final

from tuner.catalogue import Catalogue
from tuner.cohorts import Cohorts
from tuner.controller import Plan
from tuner.domain.config import Config
from tuner.domain.data import DataRecord
from tuner.domain.errors import ConfigurationError, nearest
from tuner.domain.goal import OF_MODELS, Goal
from tuner.domain.job import Job
from tuner.domain.objective import Objective
from tuner.domain.sampler import Sampler
from tuner.domain.scheduler import Scheduler
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import AUTO, Direction, StudySpec, as_component, as_constraint
from tuner.execution import machine
from tuner.execution.generator import GeneratorObjective
from tuner.execution.worker import OBJECTIVES, build_objective
from tuner.reference import is_generator, resolve
from tuner.warm_start import CarriedOver

SAMPLERS = Catalogue("tuner.samplers", "sampler")
SCHEDULERS = Catalogue("tuner.schedulers", "scheduler")
SEARCH_SPACES = Catalogue("tuner.search_spaces", "search space")

Part = TypeVar("Part")

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
    states: Path | None = None
    """Where the trials' states are kept, where that is not the job's own folder."""

    @property
    def plan(self) -> Plan:
        """What the controller is to reach."""
        return Plan(
            trials=self.spec.budget.trials,
            max_epochs=self.spec.budget.epochs,
            goal=self.goal,
            stops_hopeless=not SAMPLERS[as_component(self.spec.sampler).name].needs_complete_trials,
            seed=self.spec.seed,
            default=self.space.default,
            tests=self.tests and not self.confirms,
            states=self.states,
            trial_seconds=self.spec.limits.time,
            parallel=self.parallel,
            grows=self.grows,
            exploits=self.exploits,
        )

    @property
    def parallel(self) -> int:
        """How many cohorts run at a time."""
        return _parallel(self.spec)


def assemble(spec: StudySpec, folder: Path, checkpoints: Path) -> Assembly:
    """Return the study's parts; raises `ConfigurationError` with everything that is wrong with any of them.

    Modules of the user's own are looked for in `folder`.
    """
    mistakes = _Mistakes()
    job = _job(spec, folder, checkpoints)
    objective = mistakes.collect(lambda: _objective(job))
    yields = None if objective is None else objective.metrics()
    goal = _goal(spec, yields or {})
    if yields is None and not mistakes.has_any:
        mistakes.add(_undirected(spec))
    scheduler = mistakes.collect(lambda: _scheduler(spec, goal))
    job = _settled(job, goal, scheduler)
    space = mistakes.collect(lambda: find_space(spec, folder))
    sampler = None
    if space is not None:
        sampler = mistakes.collect(lambda: _sampler(spec, space, goal, stops_early=job.prunes))
    if objective is not None and yields is not None:
        mistakes.add(_unfit(objective, yields, space, goal))
    mistakes.add(machine.missing(spec.resources.cpu, spec.resources.gpu))
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
        cohorts=_cohorts(spec, space, objective),
        grows=objective is None or objective.grows,
        exploits=objective is not None and objective.exploits,
        tests=yields is not None,
        data=None if objective is None else objective.data(),
        notes=(
            *_doubts(yields or {}, goal),
            *_too_few_or_many(spec, space, sampler),
            *(objective.notes(space) if objective is not None else ()),
        ),
        confirms=_confirms(spec, job, goal, objective),
    )


def located(spec: StudySpec, folders: Sequence[Path]) -> StudySpec:
    """Return the spec with absolute paths in its settings; what is relative lies in one of the folders.

    A mistake in the objective's name is left to `assemble`, which tells it with all others.
    """
    kind = _kind_of_objective(spec, folders[-1])
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
    """Return the class of the spec's objective; None where it is a generator function, or cannot be found."""
    try:
        if is_generator(spec.objective, folder):
            return None
        found = resolve(spec.objective, OBJECTIVES, folder) if isinstance(spec.objective, str) else spec.objective
    except ConfigurationError:
        return None
    return found if isinstance(found, type) and issubclass(found, Objective) else None


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
    if spec.executor == "inline":
        return 1
    if resources.parallel == AUTO:
        return machine.cohorts_at_a_time(resources.cpu, resources.gpu)
    return int(resources.parallel)


def _cohorts(spec: StudySpec, space: SearchSpace, objective: Objective | None) -> Cohorts:
    size = spec.resources.cohort
    return Cohorts(
        space,
        _all_alike if objective is None else objective.cohort_key,
        size=None if size == AUTO else int(size),
        trials=spec.budget.trials,
        most=_MOST_ON_A_GPU if spec.resources.gpu else _MOST_ON_A_CPU,
        interleaved=objective is None or isinstance(objective, GeneratorObjective),
        timed=_parallel(spec) > 1,
    )


def _all_alike(_: Config) -> Hashable:
    """Return one key for all: generator objectives take turns, whatever their configurations."""
    return ()


def _goal(spec: StudySpec, yields: Mapping[str, Direction]) -> Goal:
    """Return what the spec is after, with the directions that the objective says where the spec has none."""
    metrics = tuple(spec.metrics) or (spec.metric,)
    given = tuple(map(Direction, spec.directions if spec.metrics else (spec.direction,)))
    usual = {**OF_MODELS, **yields}
    directions = given or tuple(usual.get(name, Direction.MAXIMIZE) for name in metrics)
    return Goal(metrics=metrics, directions=directions, constraints=tuple(map(as_constraint, spec.constraints)))


def _undirected(spec: StudySpec) -> Iterator[str]:
    """Yield of which metrics nobody says which way they are better: a generator function has no word for it."""
    unknown = [name for name in spec.metrics if name not in OF_MODELS]
    if unknown and not spec.directions:
        names = " and ".join(map(repr, unknown))
        yield f"directions: the objective does not say which way {names} is better; give one for each metric"


def _job(spec: StudySpec, folder: Path, checkpoints: Path) -> Job:
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
        direction=Direction(spec.direction),
        wanted=_goal(spec, {}).wanted,
        max_epochs=spec.budget.epochs,
        device="cuda" if spec.resources.gpu else "cpu",
        checkpoints=checkpoints,
        limits=spec.limits,
    )


def _settled(job: Job, goal: Goal, scheduler: Scheduler | None) -> Job:
    """Return the job with what is known once the objective has been asked."""
    return replace(
        job,
        direction=goal.direction,
        prunes=scheduler is not None and scheduler.prunes,
        exploits=scheduler is not None and scheduler.exploits,
    )


def _objective(job: Job) -> Objective | None:
    """Return the objective where it can be asked questions: a generator function only tells by being run."""
    return None if is_generator(job.objective, job.folder) else build_objective(job)


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
        usual = yields.get(metric, direction)
        if usual is not direction:
            yield f"{metric} is usually to {usual.value}, this study is to {direction.value} it"


def _too_few_or_many(spec: StudySpec, space: SearchSpace, sampler: Sampler) -> Iterator[str]:
    """Yield what to expect where the space, or the sampler, has another number of configurations than the budget."""
    trials, limit = spec.budget.trials, sampler.most_proposals
    at_most = "at most " if space.rules else ""
    if trials < limit < math.inf:
        yield (
            f"the grid has {at_most}{_amount(limit)} configurations, of which {trials} trials try the first: raise "
            "budget.trials, lower sampler.points, or use another sampler"
        )
    elif limit < trials:
        yield f"the grid has {at_most}{_amount(limit)} configurations: the study ends before its {trials} trials"
    elif (count := len(every) if (every := space.every(_MOST_LISTED)) is not None else space.count) < trials:
        yield (
            f"the search space has {_amount(count)} configurations, fewer than the {trials} trials: once each was "
            "tried, a further trial trains one of them again with another seed"
        )


def _amount(count: float) -> str:
    return f"{count:,.0f}" if count < _MOST_WRITTEN_OUT else f"{count:.1e}"


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
    component = as_component(spec.sampler)
    member: type[Sampler] = SAMPLERS[component.name]
    _check_options(member, "sampler", component.options)
    problems = [*member.problems(space, goal, stops_early=stops_early)]
    if problems:
        raise ConfigurationError(f"sampler {component.name}: {problem}" for problem in problems)
    return member(space, goal, spec.seed, **component.options)


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


@final
class _Mistakes:
    """Collects what is wrong, so that a person sees all of it at once."""

    def __init__(self) -> None:
        self._problems: list[str] = []
        self._hints: list[str] = []
        self._errors: list[ConfigurationError] = []

    def collect(self, make: Callable[[], Part]) -> Part | None:
        """Return what `make` makes, None where that is a mistake."""
        try:
            return make()
        except ConfigurationError as error:
            self._errors.append(error)
            self.add(error.problems)
            self._hints.append(error.hint)
            return None

    @property
    def has_any(self) -> bool:
        """Whether anything is wrong so far."""
        return bool(self._problems)

    def add(self, problems: Iterable[str]) -> None:
        """Take note of further mistakes."""
        self._problems.extend(problems)

    def raise_all(self) -> None:
        """Raise one error with every mistake; a single one keeps its class and its hint."""
        if len(self._errors) == 1 and len(self._problems) == len(self._errors[0].problems):
            raise self._errors[0]
        if self._problems:
            raise ConfigurationError(self._problems, hint="\n".join(hint for hint in self._hints if hint))
