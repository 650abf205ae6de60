"""What travels to a worker by value: an objective that lies in no module, with all that it holds."""

import inspect
import pickle
from collections.abc import Iterator
from functools import partial
from typing import Any

import cloudpickle


def unsendable(objective: Any) -> Iterator[str]:
    """Yield why an objective that is given as an object cannot be sent to a worker, and what in it cannot."""
    if isinstance(objective, str) or (reason := _refusal(objective)) is None:
        return
    culprits = [f"{where} is a {type(part).__name__}" for where, part in _parts(objective) if _refusal(part)]
    what = "; ".join(dict.fromkeys(culprits)) or "something that it holds"
    yield (
        f"objective: it cannot be sent to the workers: {what} ({reason}); make it inside of the objective, "
        "or use executor inline"
    )


def _refusal(value: Any) -> str | None:
    try:
        cloudpickle.dumps(value)
    except (pickle.PicklingError, TypeError, ValueError, AttributeError, NotImplementedError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _parts(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an objective holds by the names it has there: variables around it, arguments, attributes."""
    if isinstance(thing, partial):
        yield from ((f"argument {place}", value) for place, value in enumerate(thing.args))
        yield from ((f"argument {name!r}", value) for name, value in thing.keywords.items())
        yield from _parts(thing.func)
    elif inspect.ismethod(thing):
        yield from _parts(thing.__self__)
    elif inspect.isfunction(thing):
        around = inspect.getclosurevars(thing)
        yield from ((f"variable {name!r}", value) for name, value in {**around.globals, **around.nonlocals}.items())
    else:
        yield from ((f"attribute {name!r}", value) for name, value in getattr(thing, "__dict__", {}).items())
