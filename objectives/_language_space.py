"""Checks of a search space against the language objective."""

from collections.abc import Iterator

from tuner.domain.choice import Choice
from tuner.domain.errors import nearest
from tuner.domain.number import Int
from tuner.domain.parameter import Parameter
from tuner.domain.search_space import SearchSpace
from tuner.objectives._components import BATCH_SIZE, PARTS
from tuner.objectives._language_settings import SIZES
from tuner.objectives.text.quality import DUPLICATES, FILTERS

_PARTS = ("architecture", "optimizer", "lr_schedule")
_KEYS = (*_PARTS, BATCH_SIZE, *FILTERS)
_DECODER = "decoder"


def space_problems(space: SearchSpace) -> Iterator[str]:
    """Yield what in `space` the language objective cannot use, each with its path."""
    for path, parameter in space.parameters.items():
        yield from (f"{path}: {problem}" for problem in _problems(path.split("."), parameter))


def _problems(path: list[str], parameter: Parameter) -> Iterator[str]:
    match path:
        case [key]:
            yield from _key_problems(key, parameter)
        case [key, member, field] if key in _PARTS and member in PARTS[key]:
            fields = PARTS[key].fields(member)
            if member == _DECODER and field in SIZES:
                yield f"belongs in [settings]: what is searched is to be good at another {field} too"
            elif field not in fields:
                yield f"{member!r} has no field {field!r}{nearest(field, fields)} (fields: {', '.join(fields)})"


def _key_problems(key: str, parameter: Parameter) -> Iterator[str]:
    if key not in _KEYS:
        yield f"nothing is called that{nearest(key, _KEYS)} (known: {', '.join(_KEYS)})"
    elif key in _PARTS:
        known = (_DECODER,) if key == "architecture" else PARTS[key].names
        options = parameter.options if isinstance(parameter, Choice) else ()
        if not options:
            yield f"has to be a Choice of {', '.join(known)}"
        yield from (f"unknown {key} {name!r}{nearest(str(name), known)}" for name in options if name not in known)
    elif key == BATCH_SIZE:
        values = parameter.options if isinstance(parameter, Choice) else parameter.grid(2)
        if not isinstance(parameter, Choice | Int) or any(type(size) is not int or size < 1 for size in values):
            yield "has to be whole numbers from 1"
    elif key == "duplicates":
        options = parameter.options if isinstance(parameter, Choice) else ()
        if not options or any(each not in DUPLICATES for each in options):
            yield f"has to be a Choice of {', '.join(DUPLICATES)}"
