"""Checks of what the rows of a storage say: another program may have written them, or they are damaged."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tuner.domain.batching import Batching
from tuner.domain.errors import ConfigurationError, StorageError
from tuner.domain.fidelity import UNIT, UNIT_KEYS, Fidelity, fidelity_problems

_LONGEST = 300
"""How many characters of a reason are shown."""

_RAISED_BY_ROWS = (
    *(ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError),
    *(ConfigurationError, MemoryError),
)
"""What reading a row raises that says something else than expected."""


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Raise `StorageError`, which names `what`, for a row that cannot be read."""
    try:
        yield
    except _RAISED_BY_ROWS as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0][:_LONGEST]
        raise StorageError(
            f"{what} cannot be read: {reason}",
            hint="another program has written it, or it is damaged; `tuner doctor` says what else is wrong",
        ) from error


def check_spec(spec: Any, source: Any) -> None:
    """Raise `TypeError`, `KeyError` or `ValueError` where a study's spec or source is not what its readers rely on.

    A study that Optuna made has neither.
    """
    _check_kinds("source", source, {"study": str, "folder": str, "overrides": Mapping}, required=())
    if not isinstance(spec, Mapping):
        raise TypeError(f"its spec is a {type(spec).__name__}")
    if not spec:
        return
    _check_kinds("spec", spec, _SPEC_KINDS, required=_SPEC_KINDS.keys() - _OPTIONAL)
    if not all(isinstance(word, str) for word in spec.get("command", ())):
        raise TypeError("a word of its spec.command is not text")
    units: dict[str, type] = {**dict.fromkeys(UNIT_KEYS, int), UNIT: str}
    _check_kinds("spec.budget", spec["budget"], {"trials": int, **units}, required=("trials",))
    if problems := [*fidelity_problems(spec["budget"])]:
        raise ValueError(f"its spec has {problems[0]}")
    Fidelity.of(spec["budget"])
    for component in ("sampler", "scheduler"):
        _check_kinds(f"spec.{component}", spec[component], {"name": str}, required=("name",))


_OPTIONAL = {"limits", "command", "metrics_pattern"}

_SPEC_KINDS: Mapping[str, type] = {
    "objective": str,
    "search_space": str,
    "seed": int,
    "settings": Mapping,
    "budget": Mapping,
    "sampler": Mapping,
    "scheduler": Mapping,
    "limits": Mapping,
    "executor": str,
    "command": list,
    "metrics_pattern": str,
}


def _check_kinds(name: str, value: Any, kinds: Mapping[str, type], *, required: Collection[str]) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(f"its {name} is a {type(value).__name__}")
    for key, kind in kinds.items():
        if key not in value and key in required:
            raise KeyError(f"its {name} has no {key}")
        if key in value and not isinstance(value[key], kind):
            raise TypeError(f"its {name}.{key} is a {type(value[key]).__name__}")


def check_notes(notes: Mapping[str, Any]) -> None:
    """Raise `TypeError`, `KeyError` or `ValueError` where a note of a study is not in the form that is read."""
    counted = Batching.of(notes)
    if not all(type(each) is int for each in (counted.batched, counted.sizes, counted.most, *counted.alone.values())):
        raise TypeError(f"its cohorts were counted as {counted!r:.100}")
    for key, value in notes.items():
        check = _is_tested if key.startswith("test:") else _NOTES.get(key)
        if check is not None and not check(value):
            raise TypeError(f"its note {key!r} is {value!r:.100}")


def check_result(failure: Any, metrics: Any, epoch: Any) -> None:
    """Raise `TypeError` where what a trial came to is not what every reader of trials relies on."""
    if not isinstance(epoch, int) or not isinstance(metrics, Mapping):
        raise TypeError(f"it has the epoch {epoch!r} and the metrics {metrics!r}")
    if not _are_numbers(metrics):
        raise TypeError("a metric of it is not a number")
    if failure is not None and not all(isinstance(text, str) for text in failure.values()):
        raise TypeError(f"its failure is {failure!r}")


def checked_report(report: Any) -> dict[str, float]:
    """Return the metrics of a report; raises `TypeError` where one is not a number."""
    if not isinstance(report, Mapping) or not _are_numbers(report):
        raise TypeError(f"it is {report!r:.100}")
    return {**report}


def _are_numbers(values: Mapping[str, Any]) -> bool:
    return all(isinstance(value, int | float) for value in values.values())


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_tested(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and isinstance(value.get("number"), int)
        and isinstance(value.get("metrics", {}), Mapping)
        and _are_numbers(value.get("metrics", {}))
        and isinstance(value.get("failure", ""), str)
        and isinstance(value.get("earlier", []), list)
        and all(isinstance(each, int) for each in value.get("earlier", []))
    )


def _has_texts(*keys: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, Mapping) and all(isinstance(value.get(key, ""), str) for key in keys)


def _are_limits(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(each, int) for each in value.values())


def _are_configurations(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, Mapping)
        and isinstance(each.get("study"), str)
        and isinstance(each.get("number"), int)
        and isinstance(each.get("config"), Mapping)
        for each in value
    )


_NOTES: Mapping[str, Callable[[Any], bool]] = {
    "cohorts": _are_limits,
    "data": _is_mapping,
    "environment": _is_mapping,
    "extended": lambda value: isinstance(value, int),
    "place": _has_texts("host", "folder"),
    "stopped": _is_text_or_none,
    "test": _is_tested,
    "warm_start": _are_configurations,
}
