"""Study files: TOML in, a `StudySpec` out, and every mistake at once."""

import math
import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypedDict

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tuner.domain.errors import ConfigurationError, Mistakes, nearest, restated
from tuner.domain.objective import Objective
from tuner.domain.study import (
    AUTO,
    NAME_PATTERN,
    Budget,
    Component,
    Confirm,
    Limits,
    Resources,
    StudySpec,
    as_names,
    goal_problems,
)
from tuner.system.untrusted_files import text_of

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMG]i?B|B)?")
_NONE = "none"
_LONGEST = 100 * 366 * 86_400.0
_MOST = 2**63 - 1
_DEEPEST = 50
_LIMITS = Limits()
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")


def parse_duration(value: object) -> object:
    """Return the seconds that "90s", "10m" or "1h30m" means; plain numbers are seconds already.

    >>> parse_duration("1h30m")
    5400.0
    """
    if not isinstance(value, str):
        return value
    if not _DURATION.fullmatch(value.strip()):
        raise ValueError("is no duration; write it as 90s, 10m, 1h30m or 2d")
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)([smhd])", value))


def _short_enough(seconds: float) -> float:
    if seconds > _LONGEST:
        raise ValueError("is longer than a hundred years")
    return seconds


def parse_size(value: object) -> object:
    """Return the bytes that "200MB" or "8 GiB" means; whole numbers are bytes already.

    >>> parse_size("8 GiB")
    8589934592
    """
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError("is no size; write it as 200MB, 8GiB or a number of bytes")
    size = float(match[1]) * _BYTES[match[2] or ""]
    if size > _MOST:
        raise ValueError("is more than any machine has")
    return int(size)


def _limit_of(parse: Callable[[object], object]) -> Callable[[object], object]:
    return lambda value: None if value == _NONE else parse(value)


def _component(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _names(value: object) -> object:
    return [value] if isinstance(value, str) else [*value] if isinstance(value, tuple) else value


def _count(value: object) -> object:
    if value == AUTO or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise ValueError(f"is neither a whole number above 0 nor {AUTO!r}")


def _switch(value: object) -> object:
    if value == AUTO or isinstance(value, bool):
        return value
    raise ValueError(f"is neither true, false nor {AUTO!r}")


_Duration = Annotated[float, Field(gt=0), AfterValidator(_short_enough)]
_Seconds = Annotated[_Duration | None, BeforeValidator(_limit_of(parse_duration))]
_Bytes = Annotated[Annotated[int, Field(gt=0)] | None, BeforeValidator(_limit_of(parse_size))]

_Direction = Literal["maximize", "minimize"]

_Count = Annotated[Any, BeforeValidator(_count)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Budget(_Section):
    trials: int = Field(default=64, ge=1)
    epochs: int = Field(default=27, ge=1)
    time: Annotated[_Duration | None, BeforeValidator(parse_duration)] = None


class _Component(_Section):
    model_config = ConfigDict(extra="allow", strict=True)
    name: str


class _Sampler(_Component):
    name: str = "tpe"


class _Scheduler(_Component):
    name: str = "asha"


class _Resources(_Section):
    cpu: float = Field(default=1, gt=0)
    gpu: float = Field(default=0, ge=0)
    parallel: _Count = AUTO
    cohort: _Count = AUTO
    share_process: bool = False


class _Limits(_Section):
    start: _Seconds = _LIMITS.start
    progress: _Seconds = _LIMITS.progress
    time: _Seconds = _LIMITS.time
    memory: _Bytes = _LIMITS.memory
    output: _Bytes = _LIMITS.output


class _Confirm(_Section):
    top: int = Field(default=5, ge=1)
    seeds: int = Field(default=5, ge=2)
    run: Annotated[Any, BeforeValidator(_switch)] = AUTO


class _Study(_Section):
    objective: str
    search_space: str
    metric: str = ""
    direction: _Direction | None = None
    metrics: list[str] = Field(default_factory=list)
    directions: list[_Direction] = Field(default_factory=list)
    constraints: list[str] = Field(default_factory=list)
    name: str = ""
    seed: int = Field(default=0, ge=0)
    settings: dict[str, Any] = Field(default_factory=dict)
    budget: _Budget = _Budget()
    sampler: Annotated[_Sampler, BeforeValidator(_component)] = _Sampler()
    scheduler: Annotated[_Scheduler | None, BeforeValidator(_component)] = None
    resources: _Resources = _Resources()
    limits: _Limits = _Limits()
    confirm: _Confirm = _Confirm()
    executor: Literal["ray", "inline"] = "ray"
    warm_start: Annotated[list[str], BeforeValidator(_names)] = Field(default_factory=list)


_SECTIONS: Mapping[str, type[_Section]] = {
    "budget": _Budget,
    "resources": _Resources,
    "limits": _Limits,
    "confirm": _Confirm,
}
"""The sections whose keys are all known."""


def read_study_file(path: Path, overrides: Mapping[str, Any], mistakes: Mistakes | None = None) -> StudySpec:
    """Return what the file says, with `overrides` (values by key path, such as `budget.trials`) in its place.

    Raises `ConfigurationError` with every mistake, each with the file and the key, or collects them in `mistakes`.
    """
    return parse_study(_read(path), overrides, where=path.name, name=path.stem, mistakes=mistakes)


def parse_study(
    content: Mapping[str, Any],
    overrides: Mapping[str, Any],
    *,
    where: str,
    name: str,
    mistakes: Mistakes | None = None,
    words: Mapping[str, str] = MappingProxyType({}),
) -> StudySpec:
    """Return the spec that `content` describes.

    `where` names it in messages, `words` have what keys are called there where that is something else, and `name` is
    the study's where it gives none. With `mistakes` they are collected
    there, and the spec has defaults in their places, for what else can be checked; raised is only what leaves nothing
    to go on with.
    """
    found = mistakes or Mistakes()
    merged = _merged(_without_displaced(content, overrides), overrides)
    if problems := [*_unkept(merged, ())]:
        found.add(f"{where}: {problem}" for problem in problems)
        found.raise_all()
    study = _validated(merged, where, found, words, overrides)
    called = found.collect(lambda: check_name(study.name or name))
    if mistakes is None:
        found.raise_all()
    return StudySpec(
        objective=study.objective,
        search_space=study.search_space,
        metric=study.metric,
        direction=study.direction,
        metrics=study.metrics,
        directions=study.directions,
        constraints=study.constraints,
        name=called or "study",
        seed=study.seed,
        settings=study.settings,
        budget=Budget(trials=study.budget.trials, epochs=study.budget.epochs, seconds=study.budget.time),
        sampler=_as_component(study.sampler),
        scheduler=_as_component(study.scheduler) if study.scheduler is not None else "",
        resources=Resources(**study.resources.model_dump()),
        limits=Limits(**study.limits.model_dump()),
        confirm=_as_confirm(study.confirm),
        executor=study.executor,
        warm_start=as_names(study.warm_start),
    )


def _validated(
    content: Mapping[str, Any], where: str, mistakes: Mistakes, words: Mapping[str, str], overrides: Collection[str]
) -> _Study:
    """Return the content as a study; each mistake is collected and has a default in its place.

    A mistake is in the file, or in one of the `overrides`, which are key paths. Raises `ConfigurationError` where what
    is wrong has no default.
    """
    problems = [f"{where}: {problem}" for problem in _goal_problems(content)]
    wrong: list[tuple[str, ...]] = [(key,) for key in _OF_THE_GOAL] if problems else []
    try:
        study = _Study.model_validate(content)
    except ValidationError as error:
        problems = [*_problems(error, content, where, overrides), *problems]
        wrong += [_place(mistake, content) for mistake in error.errors(include_url=False)]
    if not problems:
        return study
    mistakes.add(restated(problem, words) for problem in problems)
    mistakes.distrust(".".join(path) for path in wrong)
    sound = _without(content, wrong)
    if any(path[0] in _OF_THE_GOAL for path in wrong):
        sound = {**_without(sound, [(key,) for key in _OF_THE_GOAL]), "metric": "loss"}
        mistakes.distrust(_OF_THE_GOAL)
    try:
        return _Study.model_validate(sound)
    except ValidationError:
        mistakes.raise_all()
        raise


_OF_THE_GOAL = ("metric", "direction", "metrics", "directions", "constraints")


def _place(mistake: Any, content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the path of the key that is wrong."""
    path = [str(part) for part in mistake["loc"]]
    return tuple(path) if mistake["type"] == "missing" else tuple(_key_only(path, content))


def _without(content: Mapping[str, Any], paths: Sequence[tuple[str, ...]]) -> dict[str, Any]:
    """Return the content without the keys at these paths."""
    return {
        key: _without(value, inner)
        if (inner := [path[1:] for path in paths if path[0] == key and len(path) > 1]) and isinstance(value, Mapping)
        else value
        for key, value in content.items()
        if (key,) not in paths
    }


def override(spec: StudySpec, overrides: Mapping[str, Any], mistakes: Mistakes | None = None) -> StudySpec:
    """Return `spec`, which was checked before, with some of its keys changed, checked as a study file is."""
    return checked(spec, overrides, mistakes) if overrides else spec


def checked(spec: StudySpec, overrides: Mapping[str, Any], mistakes: Mistakes | None = None) -> StudySpec:
    """Return a spec that was made in Python, with some of its keys changed, checked as a study file is.

    What a study file may say is fine here too, a duration such as "10m" or a sampler's section, and so are NumPy's
    numbers. Raises `ConfigurationError` with every mistake, or collects them in `mistakes`.
    """
    found = mistakes or Mistakes()
    found.add(_no_parts(spec))
    content = found.collect(lambda: content_of(spec))
    if content is None:
        found.raise_all()
        raise AssertionError  # what was collected was raised
    content["search_space"] = content["search_space"] or "given"
    changed = parse_study(content, overrides, where=_SPEC, name=spec.name or "study", mistakes=found, words=_IN_PYTHON)
    if mistakes is None or any(_no_parts(spec)):
        found.raise_all()
    objective = changed.objective if "objective" in overrides else spec.objective
    space = changed.search_space if "search_space" in overrides else spec.search_space
    named = bool(spec.name) or "name" in overrides
    return replace(changed, objective=objective, search_space=space, name=changed.name if named else "")


def _no_parts(spec: StudySpec) -> Iterator[str]:
    """Yield why the spec's objective is none; what its search space is, is checked with its parameters."""
    if isinstance(spec.objective, str) or (callable(spec.objective) and not isinstance(spec.objective, Objective)):
        return
    kind = type(spec.objective).__name__
    meant = f"give the class: objective={kind}" if isinstance(spec.objective, Objective) else "give a function"
    yield f"{_SPEC}: objective: it is {'an' if kind[0] in 'AEIOU' else 'a'} {kind}; {meant}"


def content_of(spec: StudySpec) -> dict[str, Any]:
    """Return the content of a study file that says what `spec` says; what has no name has an empty one."""
    description = spec.describe()
    if not isinstance(description["search_space"], str):
        description["search_space"] = ""
    budget = description.pop("budget")
    for key in ("metric", "direction") if spec.metrics else ("metrics", "directions"):
        del description[key]
    if description.get("direction", "") is None:
        del description["direction"]
    content = {
        **description,
        "budget": {_BUDGET_KEYS.get(key, key): value for key, value in budget.items()}
        if isinstance(budget, Mapping)
        else budget,
        "sampler": _flat(description["sampler"]),
        "scheduler": _flat(description["scheduler"]),
    }
    plain: dict[str, Any] = _plain(content)
    return plain


_BUDGET_KEYS = {"seconds": "time"}
_SPEC = "the study's spec"
_IN_PYTHON = {"budget.time": f"{_SPEC}: budget.seconds"}


def _flat(component: Any) -> Any:
    if isinstance(component, Mapping) and isinstance(component.get("options"), Mapping):
        return {"name": component["name"], **component["options"]}
    return component


def _plain(value: Any) -> Any:
    """Return the value with tuples as lists and NumPy's numbers as Python's: as a study file would say it."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    return value


KEY_PATHS = {
    "name": "name",
    "trials": "budget.trials",
    "epochs": "budget.epochs",
    "time": "budget.time",
    "seed": "seed",
    "sampler": "sampler",
    "scheduler": "scheduler",
    "executor": "executor",
    "warm_start": "warm_start",
    "cohort": "resources.cohort",
    "parallel": "resources.parallel",
    "confirm": "confirm.run",
    "metric": "metric",
    "direction": "direction",
    "metrics": "metrics",
    "directions": "directions",
    "constraints": "constraints",
}
"""The key paths of what can be given beside a study file, by the words that people use."""


class Overrides(TypedDict, total=False):
    """What can be given beside a study file, as type checkers and editors know it; None is as good as nothing."""

    name: str | None
    trials: int | None
    epochs: int | None
    time: float | str | None
    seed: int | None
    sampler: str | dict[str, Any] | None
    scheduler: str | dict[str, Any] | None
    executor: Literal["ray", "inline"] | None
    warm_start: str | list[str] | tuple[str, ...] | None
    cohort: int | Literal["auto"] | None
    parallel: int | Literal["auto"] | None
    confirm: bool | Literal["auto"] | None
    metric: str | None
    direction: _Direction | None
    metrics: list[str] | None
    directions: list[_Direction] | None
    constraints: list[str] | None


def key_paths(overrides: Mapping[str, Any], mistakes: Mistakes | None = None) -> dict[str, Any]:
    """Return the overrides by their key paths.

    Raises `ConfigurationError` for words that have none, or collects them in `mistakes`.
    """
    found = mistakes or Mistakes()
    unknown = [word for word in overrides if word not in KEY_PATHS]
    found.add(f"unknown override {word!r}{nearest(word, KEY_PATHS)}" for word in unknown)
    if mistakes is None:
        found.raise_all()
    return {KEY_PATHS[word]: value for word, value in overrides.items() if word in KEY_PATHS}


def check_name(name: Any) -> str:
    """Return `name` where a study may be called so: it becomes a folder's name and is shown on terminals."""
    if isinstance(name, str) and NAME_PATTERN.fullmatch(name) and ".." not in name:
        return name
    raise ConfigurationError(
        f"a study cannot be called {name!r}",
        hint="a name has letters, digits, '.', '_' and '-', begins with a letter or digit and is no longer than 100",
    )


def parse_override(text: str) -> tuple[str, Any]:
    """Return the key path and value of `key.path=value`; a value is TOML, or else text as it is.

    >>> parse_override("budget.trials=8"), parse_override("metric=f1")
    (('budget.trials', 8), ('metric', 'f1'))
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigurationError(f"--set {text!r} has no value", hint="write --set key.path=value")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return key.strip(), value.strip()


def _as_confirm(section: _Confirm) -> Confirm:
    """Return how the answer is confirmed: a section that says how often, and not whether, wants it to be."""
    says_only_how = bool(section.model_fields_set) and "run" not in section.model_fields_set
    return Confirm(top=section.top, seeds=section.seeds, run=True if says_only_how else section.run)


def _as_component(section: _Component) -> Component:
    return Component(name=section.name, options=section.model_extra or {})


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text_of(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    except (ValueError, RecursionError) as error:  # a number or a nesting that is too long is no TOMLDecodeError
        raise ConfigurationError(f"{path} is no TOML: {error}") from None


def _merged(content: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    merged = {key: dict(value) if isinstance(value, Mapping) else value for key, value in content.items()}
    for path, value in overrides.items():
        *sections, key = path.split(".")
        target: Any = merged
        for section in sections:
            inner = target.get(section)
            # `sampler = "tpe"` is short for a section: an option set beside it keeps the name.
            target[section] = dict(inner) if isinstance(inner, Mapping) else {"name": inner} if inner else {}
            target = target[section]
        target[key] = _replaced(target.get(key), value)
    return merged


def _replaced(section: Any, value: Any) -> Any:
    """Return `value`; but a section stays with its options where `value` is the name it has already."""
    return section if isinstance(section, Mapping) and section.get("name") == value else value


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


def _without_displaced(content: Mapping[str, Any], overrides: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the content without the metrics that the overrides give others in place of."""
    displaced = {"metrics": ("metric", "direction"), "metric": ("metrics", "directions")}
    gone = {key for given, keys in displaced.items() if given in overrides for key in keys}
    if overrides.get("metric", content.get("metric")) != content.get("metric"):
        gone.add("direction")  # it was that of another metric
    return {key: value for key, value in content.items() if key not in gone}


def _goal_problems(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the metrics and constraints together, where they have the right types."""
    lists = [content.get(key, []) for key in ("metrics", "directions", "constraints")]
    metric = content.get("metric", "")
    if not isinstance(metric, str) or not all(map(_is_list_of_text, lists)):
        return
    yield from goal_problems(metric, *lists)
    if "metrics" in content and "direction" in content:
        yield "direction: is for a single metric; with metrics give directions, one for each, or none"


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _problems(
    error: ValidationError, content: Mapping[str, Any], where: str, overrides: Collection[str]
) -> Iterator[str]:
    for mistake in error.errors(include_url=False):
        path = [str(part) for part in mistake["loc"]]
        given = next((each for each in overrides if each.split(".")[: len(path)] == path), None)
        yield f"{where if given is None else f'override {given}'}: {_problem(mistake, path, content)}"


def _problem(mistake: Any, path: Sequence[str], content: Mapping[str, Any]) -> str:
    if mistake["type"] == "extra_forbidden":
        return _unknown_key(path)
    if mistake["type"] == "missing":
        return f"{'.'.join(path)}: is missing"
    return f"{'.'.join(_key_only(path, content))}: {sentence(mistake)}"


def _unknown_key(path: Sequence[str]) -> str:
    *sections, key = path
    model = _SECTIONS.get(sections[0], _Study) if sections else _Study
    where = f" in [{sections[0]}]" if sections else ""
    known = list(model.model_fields)
    return f"unknown key {key!r}{where}{nearest(key, known)} (known: {', '.join(known)})"


def _key_only(path: Sequence[str], content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parts of the path that are keys; pydantic adds the branches of a union it tried."""
    here: Any = content
    for part in path:
        if not isinstance(here, Mapping) or part not in here:
            return
        here = here[part]
        yield part


def sentence(mistake: Mapping[str, Any]) -> str:
    """Return what pydantic has found wrong with a value, in words."""
    given = repr(mistake["input"])
    kinds = {
        "int_type": "is not a whole number",
        "int_from_float": "is not a whole number",
        "int_parsing": "is not a whole number",
        "int_parsing_size": "has too many digits",
        "float_type": "is not a number",
        "float_parsing": "is not a number",
        "string_type": "is not text",
        "list_type": "is not a list",
        "dict_type": "is not a section",
        "model_type": "is not a section",
        "model_attributes_type": "is not a section",
    }
    context = mistake.get("ctx", {})
    match mistake["type"]:
        case "literal_error":
            expected = str(context["expected"])
            words = re.findall(r"'(\w+)'", expected)
            return f"{given} is not {expected}{nearest(str(mistake['input']), words)}"
        case "greater_than_equal":
            return f"{given} is below {context['ge']:g}"
        case "greater_than":
            return f"{given} is not above {context['gt']:g}"
        case "value_error":
            return f"{given} {context['error']}"
        case kind:
            return f"{given} {kinds.get(kind, mistake['msg'])}"
