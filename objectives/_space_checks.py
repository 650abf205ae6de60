"""Checks of a search space against the components of the supervised objective."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from tuner.domain.choice import Choice
from tuner.domain.errors import nearest
from tuner.domain.number import Int
from tuner.domain.parameter import Parameter
from tuner.domain.search_space import SearchSpace
from tuner.objectives._components import BATCH_SIZE, CLASS_WEIGHTS, PARTS, SHORTHANDS, WEIGHTINGS, declared
from tuner.objectives._tasks import Input, Task
from tuner.objectives.architectures._options import OPTIONS
from tuner.objectives.datasets._dataset import Dataset
from tuner.registry.catalogue import Catalogue

_LARGE = 2**24
"""Up to here whole numbers are what they are in 32 bits."""

NUMBER_ENCODING = "number_encoding"
_ONE_HOT = "one_hot"
_BYTES = 4
_MOST_ONE_HOT = 2**30
"""How many bytes the one-hot columns of a table may take: a worker keeps them in several preparations."""

_DECLARED = {"architecture": "inputs", "loss": "tasks"}


def space_problems(space: SearchSpace, name: str, dataset: Dataset) -> Iterator[str]:
    """Yield what in `space` has no meaning here or does not fit the dataset of this name, each with its path."""
    yield from component_problems(space, name, dataset.task, dataset.kind)
    yield from _size_problems(space, dataset)


def component_problems(space: SearchSpace, name: str, task: Task, kind: Input) -> Iterator[str]:
    """Yield what in `space` names no component, or one that is not for this task or kind of input."""
    about = _Target(name=name, task=task, kind=kind)
    parameters = space.parameters
    for path, parameter in parameters.items():
        yield from (f"{path}: {problem}" for problem in _problems(path.split("."), parameter, about))
    for short, long in SHORTHANDS.items():
        if short in parameters and long in parameters:
            yield f"{short}: means {long}, which is there too; keep one"


def _size_problems(space: SearchSpace, dataset: Dataset) -> Iterator[str]:
    """Yield that one-hot columns would not fit into memory, where they may be chosen."""
    encoding = space.parameters.get("encoding")
    may_be_one_hot = not isinstance(encoding, Choice) or _ONE_HOT in encoding.options
    if not dataset.levels or not may_be_one_hot:
        return
    features, _ = dataset.load()
    size = len(features) * sum(dataset.levels) * _BYTES
    if size > _MOST_ONE_HOT:
        largest = int(np.argmax(dataset.levels))
        name, levels = dataset.schema.names[dataset.categories[largest]], dataset.levels[largest]
        yield (
            f"encoding: one-hot columns would take {size / 2**30:.1f} GiB, {name!r} alone has {levels} levels; "
            f'search only embedding, or leave it out: [settings.columns] {name} = "ignore"'
        )


def space_doubts(space: SearchSpace, dataset: Dataset) -> Iterator[str]:
    """Yield what in `space` changes nothing for the dataset."""
    if "encoding" in space.parameters and not dataset.categories:
        yield "encoding: the data has no categories, so it changes nothing"
    yield from _rounding(space, dataset)


def _rounding(space: SearchSpace, dataset: Dataset) -> Iterator[str]:
    """Yield that numbers which are not scaled lose their digits, where a model may be given some."""
    scaling = space.parameters.get("scaling") or space.parameters.get("preprocessing")
    if dataset.schema is None or not isinstance(scaling, Choice) or "none" not in scaling.options:
        return
    features, _ = dataset.load()
    for name, values in zip(dataset.schema.names, features.T, strict=True):
        known = np.unique(values[np.isfinite(values)])
        rounded = len(np.unique(known.astype(np.float32)))
        if rounded < len(known) and np.abs(known).max() > _LARGE:
            yield (
                f"scaling: none leaves column {name!r} as it is, up to {np.abs(known).max():.6g}, and a model computes "
                f"in 32 bits: of {len(known)} different values {rounded} are left"
            )


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
    elif key == CLASS_WEIGHTS:
        yield from _class_weights_problems(parameter, target)
    elif key not in PARTS:
        known = (*PARTS, *SHORTHANDS, BATCH_SIZE, CLASS_WEIGHTS)
        yield f"nothing is called that{nearest(key, known)} (known: {', '.join(known)})"
    elif key == NUMBER_ENCODING and target.kind is not Input.TABLE:
        yield f"is for tables, and dataset {target.name!r} is {target.kind.value}"
    elif not isinstance(parameter, Choice):
        yield f"has to be a Choice of {', '.join(PARTS[key].names)}"
    else:
        for name in parameter.options:
            yield from _member_problems(key, name, target)


def _batch_size_problems(parameter: Parameter) -> Iterator[str]:
    if not _is_whole(parameter) or any(size < 1 for size in _ends(parameter)):
        yield "has to be whole numbers from 1"


def _class_weights_problems(parameter: Parameter, target: _Target) -> Iterator[str]:
    if not isinstance(parameter, Choice) or any(word not in WEIGHTINGS for word in parameter.options):
        yield f"has to be a Choice of {', '.join(WEIGHTINGS)}"
    elif target.task is not Task.CLASSIFICATION:
        yield f"is for classification, and dataset {target.name!r} is {target.task.value}"


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
