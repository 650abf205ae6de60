"""Study files: TOML in, a `StudySpec` out, and every mistake at once; the same check of specs made in Python."""

import math
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, final

from pydantic import BaseModel, ValidationError

from tuner.domain.errors import ConfigurationError, Mistakes, restated
from tuner.domain.fidelity import AMOUNT, MOST, UNIT, UNIT_KEYS, UNITS, FidelityUnit, fidelity_problems
from tuner.domain.goal_problems import goal_problems
from tuner.domain.study import NAME_PATTERN, Component, StudySpec, as_component
from tuner.spec.command_keys import OF_METRICS, problems_of_command, with_flat_metrics
from tuner.spec.messages import key_path, place, problem
from tuner.spec.overrides import overridden, plain
from tuner.spec.schema import DeclaredKey, keys_of, known_keys, renamed_keys, spec_of, study_model
from tuner.system.untrusted_files import text_of

_MOST = 2**63 - 1
_DEEPEST = 50
_OF_THE_GOAL = ("metric", "direction", "metrics", "directions", "constraints")
_OBJECTS = ("objective", "search_space")
"""Keys that a spec made in Python may have objects for."""

_SPEC = "the study's spec"


@final
@dataclass(frozen=True, slots=True)
class Wording:
    """How messages name what a study is read from, and by key path its keys that are called something else there."""

    where: str
    words: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def restated(self, problem: str) -> str:
        """Return what is wrong with a key, in these words."""
        return restated(problem, self.words)


def read_study_file(path: Path, overrides: Mapping[str, Any], mistakes: Mistakes | None = None) -> StudySpec:
    """Return what the file says, with `overrides` (values by key path, such as `budget.trials`) in its place.

    Raises `ConfigurationError` with every mistake, each with the file and the key, or collects them in `mistakes`.
    """
    return parse_study(_read(path), overrides, Wording(path.name), name=path.stem, mistakes=mistakes)


def parse_study(
    content: Mapping[str, Any],
    overrides: Mapping[str, Any],
    wording: Wording,
    *,
    name: str,
    mistakes: Mistakes | None = None,
    needs_objective: bool = True,
) -> StudySpec:
    """Return the spec that `content` describes; it `needs_objective` unless a program asks and tells.

    `name` is the study's where it gives none. With `mistakes` they are collected there, and the spec has defaults in
    their places, so that the rest can be checked; only what leaves nothing to check is raised.
    """
    found = mistakes or Mistakes()
    overrides = {OF_METRICS.get(path, path): value for path, value in overrides.items()}
    content, problems = with_flat_metrics(content)
    merged = _asking_to_confirm(overridden(content, overrides))
    problems += problems_of_command(merged, needs_objective=needs_objective)
    found.add(wording.restated(f"{wording.where}: {each}") for each in problems)
    if problems := [*_unkept({key: value for key, value in merged.items() if key not in _OBJECTS}, ())]:
        found.add(f"{wording.where}: {each}" for each in problems)
        found.raise_all()
    spec = _validated(merged, wording, found, overrides)
    called = found.collect(lambda: check_name(spec.name or name))
    if mistakes is None:
        found.raise_all()
    return replace(spec, name=called or "study")


def override(spec: StudySpec, overrides: Mapping[str, Any], mistakes: Mistakes | None = None) -> StudySpec:
    """Return `spec`, which was checked before, with some of its keys changed, checked as a study file is."""
    return checked(spec, overrides, mistakes) if overrides else spec


def checked(spec: StudySpec, overrides: Mapping[str, Any], mistakes: Mistakes | None = None) -> StudySpec:
    """Return a spec that was made in Python, with some of its keys changed, checked as a study file is.

    What a study file may say is valid here too, a duration such as "10m" or a sampler's section, and so are NumPy's
    numbers. Raises `ConfigurationError` with every mistake, or collects them in `mistakes`.
    """
    wording = Wording(_SPEC, {path: f"{_SPEC}: {in_python}" for path, in_python in renamed_keys().items()})
    name = spec.name or "study"
    read = parse_study(content_of(spec), overrides, wording, name=name, mistakes=mistakes, needs_objective=False)
    return read if spec.name or "name" in overrides else replace(read, name="")


def content_of(spec: StudySpec) -> dict[str, Any]:
    """Return the content of a study file that says what `spec` says; objects stay as they are."""
    content = _content(StudySpec, spec)
    for key in ("metric", "direction") if spec.metrics else ("metrics", "directions"):
        del content[key]
    for key in ("objective",) if spec.command else ("command", "metrics_pattern"):
        del content[key]
    return content


def _content(section: type, made: Any) -> dict[str, Any]:
    """Return the keys of a spec, or of one of its sections, with their values."""
    return {key.name: _value(key, getattr(made, key.field.name)) for key in keys_of(section)}


def _value(key: DeclaredKey, value: Any) -> Any:
    """Return the value of a key; what is no section where one belongs stays as it is, for the check to refuse."""
    if key.section is not None and isinstance(value, key.section):
        return _content(key.section, value)
    return _flat(as_component(value)) if key.key.members else plain(value)


def _flat(component: Any) -> Any:
    if isinstance(component, Component) and isinstance(component.options, Mapping):
        return {"name": plain(component.name), **plain(component.options)}
    return plain(component)


def _asking_to_confirm(content: dict[str, Any]) -> dict[str, Any]:
    """Return the content; a section that says how the answer is confirmed, and not whether, asks for it."""
    section = content.get("confirm")
    if isinstance(section, Mapping) and section and "run" not in section:
        return {**content, "confirm": {**section, "run": True}}
    return content


def _validated(
    content: Mapping[str, Any], wording: Wording, mistakes: Mistakes, overrides: Collection[str]
) -> StudySpec:
    """Return the spec; each mistake is collected and has a default in its place.

    A mistake is in the file, or in one of the `overrides`, which are key paths. Raises `ConfigurationError` where what
    is wrong has no default.
    """
    where, unit = wording.where, _unit_meant(content)
    content, of_the_budget = _with_a_sound_unit(content)
    read, problems, wrong = _validate(content, where, overrides)
    if of_the_budget:
        problems, wrong = [*problems, *(f"{where}: {each}" for each in of_the_budget)], [*wrong, ("budget",)]
    if of_the_goal := [f"{where}: {each}" for each in _goal_problems(content)]:
        problems, wrong = [*problems, *of_the_goal], [*wrong, *((key,) for key in _OF_THE_GOAL)]
    if read is not None and not problems:
        return spec_of(read)
    mistakes.add(wording.restated(each) for each in problems)
    mistakes.distrust(".".join(path) for path in wrong)
    sound = _counting(unit, _without(content, wrong))
    if any(path[0] in _OF_THE_GOAL for path in wrong):
        sound = {**_without(sound, [(key,) for key in _OF_THE_GOAL]), "metric": "loss"}
        mistakes.distrust(_OF_THE_GOAL)
    read, _, _ = _validate(sound, where, overrides)
    if read is None:
        mistakes.raise_all()
        raise AssertionError  # what is wrong was collected, and raised
    return spec_of(read)


def _validate(
    content: Mapping[str, Any], where: str, overrides: Collection[str]
) -> tuple[BaseModel | None, list[str], list[tuple[str, ...]]]:
    """Return what was read, or else what is wrong and the paths of the keys that are."""
    try:
        return study_model().model_validate(content), [], []
    except ValidationError as error:
        problems, wrong = [], []
        for mistake in error.errors(include_url=False):
            path = [str(part) for part in mistake["loc"]]
            known = known_keys(path[:-1]) if mistake["type"] == "extra_forbidden" else []
            problems.append(f"{place(path, where, overrides)}: {problem(mistake, content, known)}")
            wrong.append(tuple(path if mistake["type"] == "missing" else key_path(path, content)))
        return None, problems, wrong


def _without(content: Mapping[str, Any], paths: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    """Return the content without the keys at these paths."""
    return {
        key: _without(value, inner)
        if (inner := [path[1:] for path in paths if path[0] == key and len(path) > 1]) and isinstance(value, Mapping)
        else value
        for key, value in content.items()
        if (key,) not in paths
    }


def _with_a_sound_unit(content: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    """Return the content with at most one unit in its budget, and what was wrong where there were several."""
    budget = content.get("budget")
    if not isinstance(budget, Mapping) or not (problems := [*fidelity_problems(budget)]):
        return content, []
    return {**content, "budget": {key: value for key, value in budget.items() if key not in UNIT_KEYS}}, problems


def _unit_meant(content: Mapping[str, Any]) -> str | None:
    """Return the unit that the budget counts in: of several the one that the scheduler's options have; None: none."""
    budget, scheduler = content.get("budget"), content.get("scheduler")
    if not isinstance(budget, Mapping):
        return None
    given = [unit.value for unit in UNITS if budget.get(unit.value) is not None]
    given += [budget[UNIT]] if isinstance(budget.get(UNIT), str) else []
    options = " ".join(map(str, scheduler)) if isinstance(scheduler, Mapping) else ""
    return next((unit for unit in given if unit in options), given[0] if given else None)


def _counting(unit: str | None, content: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the content, whose budget may be a mistake that was left out, with one in the unit that was meant.

    What else the content says has the words of that unit, and is not to seem wrong.
    """
    budget = content.get("budget", {})
    if unit is None or not isinstance(budget, Mapping):
        return content
    key = FidelityUnit(unit).key
    named = {UNIT: unit} if key == AMOUNT else {}
    return {**content, "budget": {**budget, **named, key: budget.get(key) or MOST}}


def _goal_problems(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the metrics and constraints together, where they have the right types."""
    lists = [_listed(content.get(key, [])) for key in ("metrics", "directions", "constraints")]
    metric = content.get("metric", "")
    if not isinstance(metric, str) or not all(map(_is_list_of_text, lists)):
        return
    yield from goal_problems(metric, *lists)
    if "metrics" in content and "direction" in content:
        yield "direction: is for a single metric; with metrics give directions, one for each, or none"


def _listed(value: object) -> Any:
    return [value] if isinstance(value, str) else value


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _unkept(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Yield what the stored study could not hold as it is: it is JSON, with whole numbers of 64 bits."""
    where = ".".join(path)
    if len(path) > _DEEPEST:
        yield f"{where[:50]}...: is nested too deeply"
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                yield f"{where}: the key {key!r} is a {type(key).__name__}; write it as text"
            yield from _unkept(inner, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _unkept(inner, (*path, str(index)))
    elif isinstance(value, int) and not -_MOST <= value <= _MOST:
        yield f"{where}: is a whole number of more than 64 bits"
    elif isinstance(value, float) and math.isnan(value):
        yield f"{where}: nan is not a number"
    elif not isinstance(value, str | int | float | None):
        yield f"{where}: {value!r} is a {type(value).__name__}, which no study can keep; write it as text"


def check_name(name: Any) -> str:
    """Return `name` where a study may be called so: it becomes a folder's name and is shown on terminals."""
    if isinstance(name, str) and NAME_PATTERN.fullmatch(name) and ".." not in name:
        return name
    raise ConfigurationError(
        f"a study cannot be called {name!r}",
        hint="a name has letters, digits, '.', '_' and '-', begins with a letter or digit and is no longer than 100",
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text_of(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    except (ValueError, RecursionError) as error:  # a number or a nesting that is too long is no TOMLDecodeError
        raise ConfigurationError(f"{path} is not TOML: {error}") from None
