"""Names to objects: the objective, the search space, the sampler, the scheduler and the executor of a spec."""

import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tuner.domain.command import Command
from tuner.domain.errors import ConfigurationError, UnknownNameError, nearest
from tuner.domain.executor import Executor
from tuner.domain.fidelity import EPOCHS, FidelityUnit
from tuner.domain.goal import Goal
from tuner.domain.objective import Objective
from tuner.domain.sampler import Sampler
from tuner.domain.scheduler import Scheduler
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import StudySpec, as_component
from tuner.domain.worker_spec import PickledObjective, WorkerSpec
from tuner.execution.objectives import OBJECTIVES, build_objective
from tuner.execution.user_failures import unfit
from tuner.formatting.redaction import remember
from tuner.registry.catalogue import Catalogue
from tuner.registry.import_path import is_function, resolve, resolve_class
from tuner.running.own_parts import CheckedSampler, built
from tuner.samplers._prior_sampler import PriorSampler
from tuner.spec.space_file import is_space_file, read_space_file

SAMPLERS = Catalogue("tuner.samplers", "sampler", group="tuner.samplers")

SCHEDULERS = Catalogue("tuner.schedulers", "scheduler", group="tuner.schedulers")

SEARCH_SPACES = Catalogue("tuner.search_spaces", "search space", group="tuner.search_spaces")

EXECUTORS = Catalogue(
    "tuner.execution",
    "executor",
    group="tuner.executors",
    modules={"ray": "tuner.execution.ray.executor", "inline": "tuner.execution.inline"},
)

_NOUNS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def find_objective(worker_spec: WorkerSpec) -> Objective | None:
    """Return the objective; None where it is a function or a command, of which nothing is known before it runs."""
    if isinstance(worker_spec.objective, Command):
        return None
    if not isinstance(worker_spec.objective, PickledObjective) and is_function(
        worker_spec.objective, worker_spec.folder
    ):
        if not isinstance(worker_spec.objective, str) and (problem := unfit(worker_spec.objective)):
            raise ConfigurationError(problem)
        return None
    return build_objective(worker_spec)


def find_space(spec: StudySpec, folder: Path) -> SearchSpace:
    """Return the spec's search space; raises `ConfigurationError` where there is none or it is impossible."""
    space = spec.search_space
    found = named_space(space, folder) if isinstance(space, str) else _as_space(space, space)
    found.check_possible()
    return found


def find_executor(spec: StudySpec, folder: Path) -> type[Executor]:
    """Return the class of the spec's executor; raises `ConfigurationError` where there is none of that name."""
    return resolve_class(spec.executor, EXECUTORS, Executor, folder)  # type: ignore[type-abstract]


def named_space(name: str, folder: Path) -> SearchSpace:
    """Return the search space of this name, or of a file in `folder`; raises `ConfigurationError` where it is none."""
    if is_space_file(name):
        return read_space_file(folder / name)
    return _as_space(resolve(name, SEARCH_SPACES, folder), name)


def _as_space(found: object, named: object) -> SearchSpace:
    if isinstance(found, SearchSpace):
        return found
    raise ConfigurationError(
        f"the search space {named!r} is a {type(found).__name__}, not a SearchSpace",
        hint="define it as: space = SearchSpace(lr=Float(1e-4, 1e-1, log=True), ...)",
    )


def find_scheduler(spec: StudySpec, goal: Goal, folder: Path) -> Scheduler:
    """Return the spec's scheduler; raises `ConfigurationError` for a name, option or goal that it does not have."""
    component, fidelity = as_component(spec.scheduler), spec.budget.fidelity
    member = resolve_class(component.name, SCHEDULERS, Scheduler, folder)  # type: ignore[type-abstract]
    _check_options(member, "scheduler", component.options, fidelity.unit)
    if goal.has_several and (member.prunes or member.exploits) and not member.compares_several:
        raise ConfigurationError(
            f"scheduler {component.name}: it compares trials by one metric, and the study has {len(goal.metrics)}; "
            "use the scheduler asha, hyperband, patience or none"
        )
    options = {_in_unit(name, EPOCHS, fidelity.unit): value for name, value in component.options.items()}
    if fidelity.unit != EPOCHS:
        options = {**member.unit_defaults(fidelity.most, options), **options}
    try:
        with built("scheduler", component.name):
            return member(fidelity.most, goal.direction, spec.seed, **options)
    except ConfigurationError as error:
        problems = [_in_unit(problem, fidelity.unit) for problem in error.problems]
        raise ConfigurationError(problems, hint=error.hint) from None


def _in_unit(text: str, unit: FidelityUnit, before: FidelityUnit = EPOCHS) -> str:
    """Return the name of an option, or a message about it, in the words of another unit, such as `min_steps`."""
    return text.replace(before.value, unit.value)


def find_sampler(spec: StudySpec, space: SearchSpace, goal: Goal, folder: Path, *, stops_early: bool) -> Sampler:
    """Return the spec's sampler, which draws near the priors of the space where it has any.

    Raises `ConfigurationError` where it cannot search the space for the goal.
    """
    component, member = as_component(spec.sampler), sampler_class(spec, folder)
    with built("sampler", component.name):
        problems = [*member.problems(space, goal, stops_early=stops_early)]
        if problems:
            raise ConfigurationError(f"sampler {component.name}: {problem}" for problem in problems)
        sampler = member(space, goal, spec.seed, **component.options)
    checked = sampler if component.name in SAMPLERS else CheckedSampler(sampler, space, component.name)
    # What comes to an end by itself, a grid, has every configuration in it.
    takes_priors = space.has_priors and math.isinf(checked.most_proposals)
    return PriorSampler(checked, space, spec.seed) if takes_priors else checked


def sampler_class(spec: StudySpec, folder: Path) -> type[Sampler]:
    """Return the class of the spec's sampler; raises `ConfigurationError` for an unknown name or option."""
    component = as_component(spec.sampler)
    member = resolve_class(component.name, SAMPLERS, Sampler, folder)  # type: ignore[type-abstract]
    _check_options(member, "sampler", component.options)
    return member


def named_parts(spec: StudySpec) -> tuple[object, ...]:
    """Return what the spec gives, by a name or itself, as its objective, space, sampler, scheduler and executor."""
    components = (as_component(spec.sampler).name, as_component(spec.scheduler).name, spec.executor)
    return (spec.objective, spec.search_space, *components)


def own_parts(spec: StudySpec, folder: Path) -> dict[type, str]:
    """Return the classes that do not ship and that run in the study's process, with what each is called."""
    catalogues = (SAMPLERS, SCHEDULERS, EXECUTORS)
    parts = zip(catalogues, map(str, named_parts(spec)[2:]), strict=True)
    own = ((catalogue, name) for catalogue, name in parts if name not in catalogue)
    return {resolve(name, each, folder): f"{each.kind} {name!r}" for each, name in own}


def name_clashes(spec: StudySpec) -> Iterator[str]:
    """Yield that the spec's name of a part that ships is also that of one that an installed package offers."""
    catalogues = (OBJECTIVES, SEARCH_SPACES, SAMPLERS, SCHEDULERS, EXECUTORS)
    for catalogue, name in zip(catalogues, named_parts(spec), strict=True):
        if isinstance(name, str):
            yield from catalogue.clashes(name)


def unknown_names(spec: StudySpec) -> Iterator[str]:
    """Yield unknown names of the spec's sampler and scheduler, where its other components cannot be built yet."""
    for catalogue, part in ((SAMPLERS, spec.sampler), (SCHEDULERS, spec.scheduler)):
        name = as_component(part).name
        try:
            if ":" not in name:
                catalogue.check(name)
        except UnknownNameError as error:
            yield from error.problems


def located(spec: StudySpec, folders: Sequence[Path], modules: Path | None = None) -> StudySpec:
    """Return the spec with absolute paths, of its search space and in its settings; relative ones lie in the folders.

    The objective's module is looked for in `modules`, by default the last of them. A mistake in the objective's name is
    left to `build_components`, which reports it with all others.
    """
    remember(spec.settings)
    remember(spec.command)
    spec = with_space_file(spec, folders)
    kind = _kind_of_objective(spec, modules or folders[-1])
    return spec if kind is None else replace(spec, settings=kind.located(spec.settings, folders))


def with_space_file(spec: StudySpec, folders: Sequence[Path]) -> StudySpec:
    """Return the spec with the absolute path of its search space, where that is a file in one of the folders."""
    if not isinstance(spec.search_space, str) or not is_space_file(spec.search_space):
        return spec
    places = [folder / Path(spec.search_space).expanduser() for folder in folders]
    path = next((each for each in places if each.is_file()), places[0])
    return replace(spec, search_space=str(path.absolute()))


def data_fingerprint(spec: StudySpec, folder: Path) -> str | None:
    """Return the fingerprint of the spec's data; None where it has none of its own."""
    kind = _kind_of_objective(spec, folder)
    return None if kind is None else kind.fingerprint(spec.settings)


def proposal(spec: StudySpec, folder: Path) -> Mapping[str, Any]:
    """Return the keys of a study file that suit the spec's objective with its settings, whatever else it says."""
    kind = _kind_of_objective(spec, folder)
    return {} if kind is None else kind(spec.settings, spec.seed).proposal()


def _kind_of_objective(spec: StudySpec, folder: Path) -> type[Objective] | None:
    """Return the class of the spec's objective; None where it is a function or a command, or cannot be found."""
    if isinstance(spec.objective, Command):
        return None
    try:
        if is_function(spec.objective, folder):
            return None
        found = resolve(spec.objective, OBJECTIVES, folder) if isinstance(spec.objective, str) else spec.objective
    except ConfigurationError:
        return None
    return found if isinstance(found, type) and issubclass(found, Objective) else None


def _check_options(member: type, kind: str, options: Mapping[str, Any], unit: FidelityUnit = EPOCHS) -> None:
    parameters = inspect.signature(member).parameters.values()
    named = [each for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]
    known = {_in_unit(each.name, unit): each.annotation for each in named}
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


def _fits(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)
