"""A study's parts, found by their names and checked all at once, before anything runs or is written."""

import inspect
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, final

from tuner.catalogue import Catalogue
from tuner.cohorts import Cohorts
from tuner.controller import Plan
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError, nearest
from tuner.domain.job import Job
from tuner.domain.objective import Objective
from tuner.domain.sampler import Sampler
from tuner.domain.scheduler import Scheduler
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import AUTO, Direction, StudySpec, as_component
from tuner.execution import machine
from tuner.execution.generator import GeneratorObjective
from tuner.execution.worker import OBJECTIVES, build_objective
from tuner.reference import is_generator, resolve
from tuner.warm_start import CarriedOver

SAMPLERS = Catalogue("tuner.samplers", "sampler")
SCHEDULERS = Catalogue("tuner.schedulers", "scheduler")
SEARCH_SPACES = Catalogue("search_spaces", "search space")

Part = TypeVar("Part")

_MOST_ON_A_CPU = 32
_MOST_ON_A_GPU = 256
"""How many trials are batched at most, where they fit: beyond, a device does no more of them in a second."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """A study with all of its parts, ready to run."""

    spec: StudySpec
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
    notes: tuple[str, ...]
    """What is allowed, but probably not meant."""
    carried: tuple[CarriedOver, ...] = ()
    """What is tried first, from earlier studies."""

    @property
    def plan(self) -> Plan:
        """What the controller is to reach."""
        return Plan(
            trials=self.spec.budget.trials,
            max_epochs=self.spec.budget.epochs,
            metric=self.spec.metric,
            direction=Direction(self.spec.direction),
            seed=self.spec.seed,
            default=self.space.default,
            tests=self.tests,
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
    scheduler = mistakes.collect(lambda: _scheduler(spec))
    job = _job(spec, folder, checkpoints, scheduler)
    objective = mistakes.collect(lambda: _objective(job))
    space = mistakes.collect(lambda: find_space(spec, folder))
    sampler = None
    if space is not None:
        sampler = mistakes.collect(lambda: _sampler(spec, space, stops_early=job.prunes))
    yields = None if objective is None else objective.metrics()
    if objective is not None and yields is not None:
        mistakes.add(_unfit(objective, yields, space, spec))
    mistakes.add(machine.missing(spec.resources.cpu, spec.resources.gpu))
    mistakes.raise_all()
    assert space is not None and scheduler is not None and sampler is not None  # noqa: PT018 - or it was a mistake
    return Assembly(
        spec=spec,
        space=space,
        sampler=sampler,
        scheduler=scheduler,
        job=job,
        cohorts=_cohorts(spec, space, objective),
        grows=objective is None or objective.grows,
        exploits=objective is not None and objective.exploits,
        tests=yields is not None,
        notes=(*_doubts(yields or {}, spec), *(objective.notes(space) if objective is not None else ())),
    )


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


def _job(spec: StudySpec, folder: Path, checkpoints: Path, scheduler: Scheduler | None) -> Job:
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
        max_epochs=spec.budget.epochs,
        device="cuda" if spec.resources.gpu else "cpu",
        checkpoints=checkpoints,
        limits=spec.limits,
        prunes=scheduler is not None and scheduler.prunes,
        exploits=scheduler is not None and scheduler.exploits,
    )


def _objective(job: Job) -> Objective | None:
    """Return the objective where it can be asked questions: a generator function only tells by being run."""
    return None if is_generator(job.objective, job.folder) else build_objective(job)


def _unfit(
    objective: Objective, metrics: Mapping[str, Direction], space: SearchSpace | None, spec: StudySpec
) -> Iterator[str]:
    if spec.metric not in metrics:
        known = f"(it yields: {', '.join(metrics)})"
        yield f"metric: the objective does not yield {spec.metric!r}{nearest(spec.metric, metrics)} {known}"
    if space is not None:
        yield from objective.problems(space)


def _doubts(metrics: Mapping[str, Direction], spec: StudySpec) -> Iterator[str]:
    usual = metrics.get(spec.metric)
    if usual is not None and usual is not Direction(spec.direction):
        yield f"{spec.metric} is usually to {usual.value}, this study is to {Direction(spec.direction).value} it"


def _scheduler(spec: StudySpec) -> Scheduler:
    component = as_component(spec.scheduler)
    member: type[Scheduler] = SCHEDULERS[component.name]
    _check_options(member, "scheduler", component.options)
    return member(spec.budget.epochs, Direction(spec.direction), spec.seed, **component.options)


def _sampler(spec: StudySpec, space: SearchSpace, *, stops_early: bool) -> Sampler:
    component = as_component(spec.sampler)
    member: type[Sampler] = SAMPLERS[component.name]
    _check_options(member, "sampler", component.options)
    problems = [*member.problems(space, stops_early=stops_early)]
    if problems:
        raise ConfigurationError(f"sampler {component.name}: {problem}" for problem in problems)
    return member(space, Direction(spec.direction), spec.seed, **component.options)


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

    def add(self, problems: Iterable[str]) -> None:
        """Take note of further mistakes."""
        self._problems.extend(problems)

    def raise_all(self) -> None:
        """Raise one error with every mistake; a single one keeps its class and its hint."""
        if len(self._errors) == 1 and len(self._problems) == len(self._errors[0].problems):
            raise self._errors[0]
        if self._problems:
            raise ConfigurationError(self._problems, hint="\n".join(hint for hint in self._hints if hint))
