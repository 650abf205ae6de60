"""What differs between two search spaces, in words."""

from tuner.domain.parameter import Parameter
from tuner.domain.search_space import SearchSpace


def difference(old: SearchSpace, new: SearchSpace) -> tuple[str, ...]:
    """Return one line for each parameter that was added, removed or changed from `old` to `new`."""
    before, after = old.parameters, new.parameters
    removed = [f"- {path}: {in_words(before[path])}" for path in before if path not in after]
    added = [f"+ {path}: {in_words(after[path])}" for path in after if path not in before]
    changed = [
        f"~ {path}: {in_words(before[path])} -> {in_words(after[path])}"
        for path in before
        if path in after and in_words(before[path]) != in_words(after[path])
    ]
    return (*removed, *added, *changed)


def in_words(parameter: Parameter) -> str:
    """Return what a parameter is, on one line."""
    return f"{type(parameter).__name__.lower()} {parameter}, default {parameter.default}"
