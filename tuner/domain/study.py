"""A study: one search, and everything that was asked of it."""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from enum import Enum
from functools import partial
from typing import Any, final

from tuner.domain.constraint import Constraint
from tuner.domain.errors import ConfigurationError
from tuner.domain.search_space import SearchSpace

AUTO = "auto"
"""The word for "as many as fit"."""

INLINE = "inline"
"""The executor that trains in the study's own process."""

NAME_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Direction(Enum):
    """Which way the metric is better."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"

    def is_better(self, value: float, than: float | None) -> bool:
        """Whether `value` is strictly better than `than`; anything is better than None."""
        if than is None:
            return True
        return value > than if self is Direction.MAXIMIZE else value < than

    @property
    def sign(self) -> float:
        """1.0 where more is better, -1.0 where less is: `sign * value` always grows with quality."""
        return 1.0 if self is Direction.MAXIMIZE else -1.0


_DIRECTIONS = tuple(direction.value for direction in Direction)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much may be spent: `trials` in all, `epochs` per trial, and `seconds` per run (None: no limit)."""

    trials: int = 64
    epochs: int = 27
    seconds: float | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a cohort is given, how many run at a time (`parallel`) and how many trials make one (`cohort`).

    With `share_process` the trials of an objective that is a function take turns in one process, instead of having a
    process each.
    """

    cpu: float = 1
    gpu: float = 0
    parallel: int | str = AUTO
    cohort: int | str = AUTO
    share_process: bool = False


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What ends a trial that goes wrong without failing; None: no limit. Seconds and bytes.

    `start` is how long a worker may take to get ready, `progress` how long nothing may be reported, `time` how long a
    trial may take in all, `memory` and `output` what its worker, with its children, may use and print. They need
    worker processes: a trial in the study's own process has `time` alone.
    """

    start: float | None = 600.0
    progress: float | None = 6 * 3600.0
    time: float | None = None
    memory: int | None = None
    output: int | None = 200 * 2**20


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """How the answer is confirmed: the `top` configurations, the default among them, train again, `seeds` times each.

    `run` is True, False, or "auto": where repetitions train as cohorts, and so cost little.
    """

    top: int = 5
    seeds: int = 5
    run: bool | str = AUTO


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A sampler or scheduler by name, with its options."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StudySpec:
    """All that a study is asked to do. What a study file says, as a value.

    `objective` and `search_space` are a shipped name, a `package.module:name`, or the object itself. Without a
    `direction` the objective says which way the metric is better, or else its name does. With several
    `metrics` the first of them is `metric`; their `directions` are the objective's own where none are given.
    `constraints` are such as "parameters <= 100000". `warm_start` names studies in the same storage whose best
    configurations are tried first. Raises `ConfigurationError` where metrics and constraints make no sense together.
    """

    objective: str | Callable[..., Any]
    search_space: str | SearchSpace
    metric: str = ""
    direction: Direction | str | None = None
    metrics: Sequence[str] = ()
    directions: Sequence[Direction | str] = ()
    constraints: Sequence[Constraint | str] = ()
    name: str = ""
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    sampler: Component | Mapping[str, Any] | str = field(default_factory=lambda: Component(name="tpe"))
    scheduler: Component | Mapping[str, Any] | str = ""
    """Empty: asha, which compares one metric; none where there are several."""
    resources: Resources = field(default_factory=Resources)
    limits: Limits = field(default_factory=Limits)
    confirm: Confirm = field(default_factory=Confirm)
    executor: str = "ray"
    warm_start: Sequence[str] = ()

    def __post_init__(self) -> None:
        metrics, directions, constraints = map(_listed, (self.metrics, self.directions, self.constraints))
        problems = [*goal_problems(self.metric, metrics, directions, constraints)]
        problems += [
            f"direction: {each!r} is neither maximize nor minimize"
            for each in (*([] if self.direction is None else [self.direction]), *directions)
            if not isinstance(each, Direction) and each not in _DIRECTIONS
        ]
        if problems:
            raise ConfigurationError(problems)
        settled = {
            "metric": self.metric or metrics[0],
            "direction": _direction((*directions, self.direction)[0]),
            "metrics": metrics,
            "directions": tuple(map(Direction, directions)),
            "constraints": tuple(map(as_constraint, constraints)),
            "scheduler": self.scheduler or Component(name="none" if len(metrics) > 1 else "asha"),
        }
        for name, value in settled.items():
            object.__setattr__(self, name, value)

    def describe(self) -> dict[str, Any]:
        """Return the JSON form, in which objects are replaced by their names; a space is stored beside it."""
        return {
            "name": self.name,
            "objective": reference_to(self.objective),
            "search_space": self.search_space if isinstance(self.search_space, str) else "",
            "metric": self.metric,
            "direction": None if self.direction is None else Direction(self.direction).value,
            "metrics": list(self.metrics),
            "directions": [Direction(each).value for each in self.directions],
            "constraints": [str(each) for each in self.constraints],
            "seed": self.seed,
            "settings": dict(self.settings) if isinstance(self.settings, Mapping) else self.settings,
            "budget": _described(self.budget),
            "sampler": _described(as_component(self.sampler)),
            "scheduler": _described(as_component(self.scheduler)),
            "resources": _described(self.resources),
            "limits": _described(self.limits),
            "confirm": _described(self.confirm),
            "executor": self.executor,
            # Studies of before there was any such thing have no such key, and can go on.
            **({"warm_start": [*as_names(self.warm_start)]} if self.warm_start else {}),
        }

    @staticmethod
    def from_description(description: Mapping[str, Any]) -> "StudySpec":
        """Return the spec that `describe` described."""
        return StudySpec(
            **{
                **description,
                "direction": _direction(description["direction"]),
                "budget": Budget(**description["budget"]),
                "sampler": Component(**description["sampler"]),
                "scheduler": Component(**description["scheduler"]),
                "resources": Resources(**description["resources"]),
                "limits": Limits(**description.get("limits", {})),
                "warm_start": as_names(description.get("warm_start", ())),
                "confirm": Confirm(**description.get("confirm", {})),
            }
        )


def as_constraint(constraint: Constraint | str) -> Constraint:
    """Return the constraint, which may be given as text."""
    return constraint if isinstance(constraint, Constraint) else Constraint.parse(constraint)


def goal_problems(
    metric: str, metrics: Sequence[str], directions: Sequence[object], constraints: Sequence[Constraint | str]
) -> Iterator[str]:
    """Yield why this is nothing that a study could be after."""
    if not metric and not metrics:
        yield "metric: is missing"
    if metric and metrics and metric != metrics[0]:
        yield f"metric: {metric!r} is not the first of metrics, {metrics[0]!r}; give one of the two"
    if directions and len(directions) != len(metrics):
        yield f"directions: {len(directions)} for {len(metrics)} metrics; give one for each, or none"
    if "" in metrics:
        yield "metrics: one has no name"
    yield from (f"metrics: {name!r} is there twice" for name in _repeated(metrics))
    parsed = []
    for each in constraints:
        try:
            parsed.append(str(as_constraint(each)))
        except ValueError as error:
            yield f"constraints: {each!r} {error}"
        except (TypeError, AttributeError):
            yield f"constraints: {each!r} is not text"
    yield from (f"constraints: {text!r} is there twice" for text in _repeated(parsed))


def _listed(values: Any) -> tuple[Any, ...]:
    """Return the values; a single one may be given as it is."""
    return tuple(values) if isinstance(values, Sequence) and not isinstance(values, str) else (values,)


def _repeated(names: Sequence[str]) -> list[str]:
    if not all(isinstance(name, str) for name in names):
        return []  # the check of types says so
    return [name for name, count in Counter(names).items() if count > 1]


def as_component(component: Component | Mapping[str, Any] | str) -> Component:
    """Return the component, which may be given by its name alone, or as a study file's section."""
    if isinstance(component, Mapping) and isinstance(component.get("name"), str):
        return Component(
            name=component["name"], options={key: value for key, value in component.items() if key != "name"}
        )
    return Component(name=component) if isinstance(component, str) else component  # type: ignore[return-value]


def _described(part: Any) -> Any:
    """Return a part of a spec as a dict; what is none of ours stays as it is, for the check that says so."""
    return asdict(part) if is_dataclass(part) and not isinstance(part, type) else part


def _direction(direction: Direction | str | None) -> Direction | None:
    return None if direction is None else Direction(direction)


def as_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names, each once; a single one may be given as it is."""
    return (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))


UNNAMED = ("<", "(")
"""What a reference has in it whose object lies under no name in a module, so that no later process finds it."""


def reference_to(thing: object) -> str:
    """Return the words that name an objective in a later process: `package.module:name`.

    What lies under no such name is described instead: `module:train(...)` is a `functools.partial` of `train`, a bound
    method or an instance, `module:<lambda>` and `module:make.<locals>.train` are what they are in Python.
    """
    if isinstance(thing, str):
        return thing
    inner = thing
    while isinstance(inner, partial):
        inner = inner.func
    named = inner if isinstance(getattr(inner, "__qualname__", None), str) else type(inner)
    module, name = str(getattr(named, "__module__", None) or type(inner).__module__), named.__qualname__  # type: ignore[attr-defined]
    is_there = inner is thing and named is inner and getattr(sys.modules.get(module), name, None) is thing
    return f"{module}:{name}" if is_there or "<" in name else f"{module}:{name}(...)"


def default_name(objective: object) -> str:
    """Return what a study of this objective is called that was given no name."""
    name = reference_to(objective).rpartition(":")[2].rpartition("<locals>.")[2]
    return re.sub(r"[^A-Za-z0-9._-]+|\.\.+", "-", name).strip("-._")[:100] or "study"
