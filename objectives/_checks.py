"""What in a study's settings or search space the supervised objective cannot use, as sentences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from objectives._parts import BATCH_SIZE, DATASETS, PARTS, SHORTHANDS, declared
from objectives._tasks import Input, Task
from objectives.architectures._options import OPTIONS
from tuner.catalogue import Catalogue
from tuner.domain.errors import ConfigurationError, nearest
from tuner.domain.parameter import Choice, Int, Parameter
from tuner.domain.search_space import SearchSpace

_PRECISIONS = ("float32", "bfloat16")
_DECLARED = {"architecture": "inputs", "loss": "tasks"}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The dataset to train on, the shares of it that validate and test, and what forward passes compute with."""

    dataset: str
    validation: float = 0.2
    test: float = 0.2
    precision: str = "float32"

    @staticmethod
    def of(values: Mapping[str, Any]) -> "Settings":
        """Return the settings with these values, or raise `ConfigurationError` with everything wrong with them."""
        problems = [*_setting_problems(values)]
        if problems:
            raise ConfigurationError([f"settings.{problem}" for problem in problems])
        return Settings(**values)


def _setting_problems(values: Mapping[str, Any]) -> Iterator[str]:
    known = ("dataset", "validation", "test", "precision")
    yield from (f"{key}: unknown setting{nearest(key, known)}" for key in values if key not in known)
    if "dataset" not in values:
        yield f"dataset: missing; one of {', '.join(DATASETS.names)}"
    elif values["dataset"] not in DATASETS:
        yield f"dataset: {_unknown_member(DATASETS, values['dataset'])}"
    precision = values.get("precision", "float32")
    if precision not in _PRECISIONS:
        yield f"precision: {precision!r} is none of {', '.join(_PRECISIONS)}{nearest(str(precision), _PRECISIONS)}"
    fractions = {"validation": values.get("validation", 0.2), "test": values.get("test", 0.2)}
    wrong = [key for key, value in fractions.items() if not _is_fraction(value)]
    yield from (f"{key}: {fractions[key]!r} is not a number from 0 to 1" for key in wrong)
    if not wrong and fractions["validation"] == 0:
        yield "validation: 0 leaves nothing to compare trials by"
    if not wrong and sum(fractions.values()) >= 1:
        yield "validation: with the test share it leaves nothing to train on"


def _is_fraction(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1


def space_problems(space: SearchSpace, dataset: str) -> Iterator[str]:
    """Yield what in `space` has no meaning here or does not fit the dataset, each with its path."""
    member = DATASETS[dataset]
    about = _Target(name=dataset, task=member.task, kind=member.kind)
    parameters = space.parameters
    for path, parameter in parameters.items():
        yield from (f"{path}: {problem}" for problem in _problems(path.split("."), parameter, about))
    for short, long in SHORTHANDS.items():
        if short in parameters and long in parameters:
            yield f"{short}: means {long}, which is there too; keep one"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    name: str
    task: Task
    kind: Input


def _problems(path: list[str], parameter: Parameter, target: _Target) -> Iterator[str]:
    key = SHORTHANDS.get(path[0], path[0])
    match path[1:]:
        case []:
            yield from _key_problems(key, parameter, target)
        case [member, field] if key in PARTS and member in PARTS[key]:
            yield from _field_problems(key, member, field, parameter)


def _key_problems(key: str, parameter: Parameter, target: _Target) -> Iterator[str]:
    if key == BATCH_SIZE:
        yield from _batch_size_problems(parameter)
    elif key not in PARTS:
        known = (*PARTS, *SHORTHANDS, BATCH_SIZE)
        yield f"nothing is called that{nearest(key, known)} (known: {', '.join(known)})"
    elif not isinstance(parameter, Choice):
        yield f"has to be a Choice of {', '.join(PARTS[key].names)}"
    else:
        for name in parameter.options:
            yield from _member_problems(key, name, target)


def _batch_size_problems(parameter: Parameter) -> Iterator[str]:
    if not _is_whole(parameter) or any(size < 1 for size in _ends(parameter)):
        yield "has to be whole numbers from 1"


def _is_whole(parameter: Parameter) -> bool:
    return isinstance(parameter, Choice | Int) and all(type(value) is int for value in _ends(parameter))


def _ends(parameter: Parameter) -> Sequence[Any]:
    return parameter.options if isinstance(parameter, Choice) else parameter.grid(2)


def _member_problems(kind: str, name: object, target: _Target) -> Iterator[str]:
    if name not in PARTS[kind]:
        yield _unknown_member(PARTS[kind], name)
        return
    if kind not in _DECLARED:
        return
    asked = target.kind if kind == "architecture" else target.task
    fitting = declared(kind, str(name), _DECLARED[kind])
    if asked.name not in fitting:
        words = " or ".join(sorted(each.lower() for each in fitting))
        yield f"{name!r} is for {words}, and dataset {target.name!r} is {asked.value}"


def _field_problems(kind: str, member: str, field: str, parameter: Parameter) -> Iterator[str]:
    fields = PARTS[kind].fields(member)
    if field not in fields:
        yield f"{member!r} has no field {field!r}{nearest(field, fields)} (fields: {', '.join(fields) or 'none'})"
    elif isinstance(parameter, Choice) and parameter.branches is not None:
        yield "takes a value, not branches"
    elif fields[field] == "int" and not _is_whole(parameter):
        yield "has to be whole numbers"
    elif fields[field] == "float" and not all(type(value) in (int, float) for value in _ends(parameter)):
        yield "has to be numbers"
    elif field in OPTIONS:
        known = OPTIONS[field]
        chosen = parameter.options if isinstance(parameter, Choice) else (parameter.default,)
        wrong = [value for value in chosen if value not in known]
        yield from (f"unknown {field} {value!r}{nearest(str(value), known)}" for value in wrong)


def _unknown_member(catalogue: Catalogue, name: object) -> str:
    known = f" (known: {', '.join(catalogue.names)})"
    return f"unknown {catalogue.kind} {name!r}{nearest(str(name), catalogue.names)}{known}"
