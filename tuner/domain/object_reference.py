"""The words that name an object in a later process: `package.module:name`."""

import re
import sys
from functools import partial

from tuner.domain.command import Command

UNNAMED = ("<", "(")
"""What a reference has in it whose object lies under no name in a module, so that no later process finds it."""


def reference_to(thing: object) -> str:
    """Return the words that name an objective in a later process: `package.module:name`.

    What lies under no such name is described instead: `module:train(...)` is a `functools.partial` of `train`, a bound
    method or an instance, `module:<lambda>` and `module:make.<locals>.train` are what they are in Python.
    """
    if isinstance(thing, str | Command):
        return str(thing)
    inner = thing
    while isinstance(inner, partial):
        inner = inner.func
    named = inner if isinstance(getattr(inner, "__qualname__", None), str) else type(inner)
    module, name = str(getattr(named, "__module__", None) or type(inner).__module__), named.__qualname__  # type: ignore[attr-defined]
    is_there = inner is thing and named is inner and getattr(sys.modules.get(module), name, None) is thing
    return f"{module}:{name}" if is_there or "<" in name else f"{module}:{name}(...)"


def default_name(objective: object) -> str:
    """Return what a study of this objective is called that was given no name."""
    if isinstance(objective, Command):
        return as_name(objective.name)
    return as_name(reference_to(objective).rpartition(":")[2].rpartition("<locals>.")[2])


def as_name(text: str) -> str:
    """Return `text` with all replaced that a study's name may not have."""
    return re.sub(r"[^A-Za-z0-9._-]+|\.\.+", "-", text).strip("-._")[:100] or "study"
