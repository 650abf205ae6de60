"""Checks of a search space against the objective that fine-tunes."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuner.domain.choice import Choice
from tuner.domain.config import Config
from tuner.domain.errors import nearest
from tuner.domain.number import Float, Int
from tuner.domain.parameter import Parameter
from tuner.domain.search_space import SearchSpace
from tuner.objectives._components import ADAPTERS, BATCH_SIZE, PARTS
from tuner.objectives.adapters.lora import MODULES, Lora
from tuner.objectives.text.quality import DUPLICATES, FILTERS

ADAPTER = "adapter"

_OF_TEXTS = (ADAPTER, "optimizer", "lr_schedule", BATCH_SIZE, *FILTERS)
_OF_CLASSES = (ADAPTER, "optimizer", "lr_schedule", "loss", BATCH_SIZE)


def lora_of(config: Config | Mapping[str, Any]) -> Lora:
    """Return the adapters that a configuration chose, by name or as a branch with fields."""
    chosen = config.get(ADAPTER, "lora")
    if not isinstance(chosen, Mapping):
        return Lora()
    return Lora(**{field: value for field, value in chosen.items() if field != "name"})


def space_problems(space: SearchSpace, *, is_classifier: bool, widest: int) -> Iterator[str]:
    """Yield what in `space` the objective cannot use, each with its path; no rank may be above `widest`."""
    keys = _OF_CLASSES if is_classifier else _OF_TEXTS
    for path, parameter in space.parameters.items():
        yield from (f"{path}: {problem}" for problem in _problems(path.split("."), parameter, keys, widest))


def _problems(path: list[str], parameter: Parameter, keys: tuple[str, ...], widest: int) -> Iterator[str]:
    catalogues = {**PARTS, ADAPTER: ADAPTERS}
    match path:
        case [key] if key not in keys:
            yield f"nothing is called that{nearest(key, keys)} (known: {', '.join(keys)})"
        case [key] if key in catalogues:
            known, options = catalogues[key].names, parameter.options if isinstance(parameter, Choice) else ()
            if not options:
                yield f"has to be a Choice of {', '.join(known)}"
            yield from (f"unknown {key} {name!r}{nearest(str(name), known)}" for name in options if name not in known)
        case [key]:
            yield from _value_problems(key, parameter)
        case [key, member, field] if key in keys and key in catalogues and member in catalogues[key]:
            fields = catalogues[key].fields(member)
            if field not in fields:
                yield f"{member!r} has no field {field!r}{nearest(field, fields)} (fields: {', '.join(fields)})"
            elif key == ADAPTER:
                yield from _lora_problems(field, parameter, widest)


def _value_problems(key: str, parameter: Parameter) -> Iterator[str]:
    values = _values(parameter)
    if key == BATCH_SIZE and not all(type(size) is int and size > 0 for size in values):
        yield "has to be whole numbers from 1"
    if key == "duplicates" and not all(each in DUPLICATES for each in values):
        yield f"has to be a Choice of {', '.join(DUPLICATES)}"


def _lora_problems(field: str, parameter: Parameter, widest: int) -> Iterator[str]:
    values = _values(parameter)
    if field == "modules":
        yield from (f"unknown modules {each!r} (known: {', '.join(MODULES)})" for each in values if each not in MODULES)
        return
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in values):
        yield "has to be numbers"
        return
    if field == "rank" and (not all(type(each) is int for each in values) or min(values) < 1 or max(values) > widest):
        yield f"has to be whole numbers from 1 to {widest}, which is settings.max_rank"
    if field == "alpha" and min(values) <= 0:
        yield "has to be above 0"
    if field == "layers" and not 0 < min(values) <= max(values) <= 1:
        yield "is the share of the blocks that have adapters, above 0 and at most 1"
    if field == "dropout" and not 0 <= min(values) <= max(values) < 1:
        yield "is the share that is left out, from 0 and below 1"


def _values(parameter: Parameter) -> list[Any]:
    """Return the values of a parameter, of a range its ends."""
    if isinstance(parameter, Choice):
        return [*parameter.options]
    assert isinstance(parameter, Int | Float)
    return [parameter.low, parameter.high]
