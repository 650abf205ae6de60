"""How an objective that is an object gets to other processes: by value, with all that it uses."""

import inspect
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import cloudpickle

from tuner.domain.errors import ConfigurationError
from tuner.domain.worker_spec import PickledObjective


def pickled(objective: Callable[..., Any], name: str) -> PickledObjective:
    """Return the objective as it travels; raises `ConfigurationError` with what in it cannot leave this process."""
    content, reason = _tried(objective)
    if content is not None:
        return PickledObjective(content, name)
    culprits = [f"{where} is a {type(part).__name__}" for where, part in _parts(objective) if _tried(part)[0] is None]
    what = "; ".join(dict.fromkeys(culprits)) or "something that it holds"
    raise ConfigurationError(
        f"objective: {name} cannot be handed to another process: {what} ({reason})",
        hint="make it inside of the objective, or use executor inline",
    )


def unpickled(objective: PickledObjective) -> Any:
    """Return the objective that `pickled` packed; raises `ConfigurationError` where what it needs is not here."""
    try:
        return pickle.loads(objective.content)  # noqa: S301 - from the process that runs the study, never from a file  # nosec B301
    except Exception as error:
        raise ConfigurationError(
            f"unpickling the objective {objective.name!r} failed: {type(error).__name__}: {error}",
            hint="what it imports has to be found by other processes too",
        ) from error


def _tried(value: Any) -> tuple[bytes | None, str]:
    """Return the pickle of a value, or None and why there is none."""
    try:
        return cloudpickle.dumps(value), ""
    except Exception as error:  # noqa: BLE001 - whatever an object's own methods raise is the reason
        return None, f"{type(error).__name__}: {error}"


def _parts(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an objective holds by the names it has there: variables around it, arguments, attributes."""
    if isinstance(thing, partial):
        yield from ((f"argument {place}", value) for place, value in enumerate(thing.args))
        yield from ((f"argument {name!r}", value) for name, value in thing.keywords.items())
        yield from _parts(thing.func)
    elif inspect.ismethod(thing):
        yield from _parts(thing.__self__)
    elif inspect.isfunction(thing):
        try:
            around = inspect.getclosurevars(thing)
        except ValueError:  # a variable has no value yet
            return
        yield from ((f"variable {name!r}", value) for name, value in {**around.globals, **around.nonlocals}.items())
    else:
        yield from ((f"attribute {name!r}", value) for name, value in getattr(thing, "__dict__", {}).items())
