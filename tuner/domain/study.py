"""A study: one search, and everything that was asked of it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Annotated, Any, Final, Literal, final

from tuner.domain.answer_spec import AnswerSpec
from tuner.domain.command import Command
from tuner.domain.constraint import Constraint, as_constraint
from tuner.domain.errors import ConfigurationError
from tuner.domain.fidelity import EPOCHS, UNIT_KEYS, Fidelity, fidelity_problems
from tuner.domain.goal_problems import goal_problems
from tuner.domain.key import Key, Unit
from tuner.domain.object_reference import reference_to
from tuner.domain.places import Cluster, StorageSpec
from tuner.domain.resources import AUTO, Limits, Resources
from tuner.domain.search_space import SearchSpace
from tuner.domain.transfer import Transfer

INLINE: Final = "inline"
"""The executor that trains in the study's own process."""

_EPOCHS: Final = 27

Switch = bool | Literal["auto"]
Until = Literal["trials", "no gain"]

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
    """How much may be spent: `trials` in all, and `seconds` per run (None: no limit).

    A trial is trained for so many `epochs`, `steps`, `tokens` or `examples` at most, or an `amount` of a `unit` of
    one's own: one of them is given, and it is the unit in which the study says how far its trials are; 27 epochs where
    none is. Raises `ConfigurationError` where
    two are given. A study ends before it has all of its trials once a usable one has a value as good as `target`, or
    once `patience` trials have finished without a new best. `until` "no gain" ends it too once the trials that are left
    are expected to bring nothing worth having.
    """

    trials: Annotated[int, Key(words="in all: a resumed study finishes with 64, not 64 more", least=1)] = 64
    epochs: Annotated[int | None, Key(words="per trial at most", least=1, example=_EPOCHS)] = None
    steps: Annotated[int | None, Key(words="per trial, in place of epochs", least=1, example=20_000)] = None
    tokens: Annotated[int | None, Key(words="per trial, in place of epochs", least=1, example=50_000_000)] = None
    examples: Annotated[int | None, Key(words="per trial, in place of epochs", least=1, example=1_000_000)] = None
    unit: Annotated[str | None, Key(words="a unit of your own, in place of epochs", example="trees")] = None
    amount: Annotated[int | None, Key(words="per trial, in your own unit", least=1, example=300)] = None
    seconds: Annotated[float | None, Key(words='per run, such as "10m"', name="time", unit=Unit.SECONDS)] = None
    target: Annotated[
        float | None, Key(words="a value that is good enough: it ends the study", can_be_none=True, example=0.99)
    ] = None
    patience: Annotated[
        int | None,
        Key(words="so many finished trials without a new best end the study", least=1, can_be_none=True, example=50),
    ] = None
    until: Annotated[
        Until,
        Key(words='"trials": all of them; "no gain": fewer, once the others are expected to gain hardly anything'),
    ] = "trials"

    def __post_init__(self) -> None:
        given = {key: getattr(self, key) for key in UNIT_KEYS}
        if problems := [*fidelity_problems(given)]:
            raise ConfigurationError(problems)
        if all(each is None for each in given.values()):
            object.__setattr__(self, EPOCHS.key, _EPOCHS)

    @property
    def fidelity(self) -> Fidelity:
        """How far a trial is trained at most, and in which unit."""
        return Fidelity.of(self.describe())

    def describe(self) -> dict[str, Any]:
        """Return the JSON form, which has only the study's unit, and `until` where it is not as in older studies."""
        described = {name: value for name, value in asdict(self).items() if value is not None or name not in UNIT_KEYS}
        if self.until == "trials":
            del described["until"]
        return described


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """How the answer is confirmed: the `top` configurations, the default among them, train again, `seeds` times each.

    `run` is True, False, or "auto": where repetitions train as cohorts, and so cost little.
    """

    top: Annotated[int, Key(words="how many configurations, the default one among them", least=1)] = 5
    seeds: Annotated[int, Key(words="how often each", least=2)] = 5
    run: Annotated[Switch, Key(words='true, false, or "auto": where repetitions train as cohorts')] = AUTO


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A sampler or scheduler by name, with its options."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)


AnyComponent = Component | Mapping[str, Any] | str
"""A component as it may be given: its name is enough, and so is a study file's section."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StudySpec:
    """All that a study is asked to do, and the schema of study files: each field declares a key or a section.

    `objective` and `search_space` are a shipped name, a `package.module:name`, or the object itself; a search space may
    be the path of a TOML file. A `command` makes the objective a `Command`; without either of them a program asks for
    trials and gives their results (`tuner.create_study`). Without a `direction` the objective says which way the metric
    is better, or else its name does. With several `metrics` the first of them is `metric`; their `directions` are the
    objective's own where none are given.
    `constraints` are such as "parameters <= 100000". `start` are configurations, or parts of ones, that are tried
    first, and `warm_start` names studies in the same storage whose best configurations follow. A `scheduler` without a
    name is asha, which compares one metric, and none where there are several. Raises `ConfigurationError` where metrics
    and constraints make no sense together, or a command has an open quote.
    """

    objective: Annotated[
        str | Callable[..., Any] | Command,
        Key(words='a file in objectives/, or "package.module:name"', example="supervised"),
    ] = ""
    command: Annotated[
        str | Sequence[str],
        Key(words="in place of objective: a program", example=("python", "train.py", "--lr", "{lr}")),
    ] = ()
    search_space: Annotated[
        str | SearchSpace, Key(words='a file in search_spaces/, "package.module:name", or the path of a .toml file')
    ]
    metric: Annotated[str, Key(words="what the objective yields", example="accuracy")] = ""
    direction: Annotated[
        Direction | str | None,
        Key(words='"maximize" or "minimize"; by default what the objective or the metric implies', example="maximize"),
    ] = None
    metrics_pattern: Annotated[
        str, Key(words="of the lines in which a command prints its metrics", example="loss=(?P<loss>[-+.0-9e]+)")
    ] = ""
    metrics: Annotated[
        Sequence[str], Key(words="in place of metric: a Pareto front", example=("accuracy", "parameters"))
    ] = ()
    directions: Annotated[
        Sequence[Direction | str],
        Key(words="one for each of metrics; by default as for a single metric", example=("maximize", "minimize")),
    ] = ()
    constraints: Annotated[
        Sequence[Constraint | str],
        Key(words="what breaks one is never the best, and samplers keep to them", example=("parameters <= 100000",)),
    ] = ()
    name: Annotated[str, Key(words="of the study; by default that of the file", example="digits")] = ""
    seed: Annotated[int, Key(words="all randomness comes from it", least=0)] = 0
    executor: Annotated[
        str, Key(words='"ray", "inline" (this process, one trial at a time), or "package.module:name"')
    ] = "ray"
    retries: Annotated[int, Key(words="how often a trial that raised is tried again before it has failed", least=0)] = 0
    warm_start: Annotated[
        Sequence[str],
        Key(words="studies in the same storage whose best configurations are tried first", example=("earlier",)),
    ] = ()
    start: Annotated[
        Sequence[Mapping[str, Any]],
        Key(words="configurations that are tried first, or parts of ones", example=({"batch_size": 64},)),
    ] = ()
    settings: Annotated[Mapping[str, Any], Key(words="handed to the objective")] = field(default_factory=dict)
    budget: Annotated[Budget, Key(words="how much may be spent")] = field(default_factory=Budget)
    sampler: Annotated[
        AnyComponent, Key(words="what proposes configurations, and its options", members="tuner.samplers")
    ] = field(default_factory=lambda: Component(name="auto"))
    scheduler: Annotated[
        AnyComponent, Key(words="what stops poor trials early, and its options", members="tuner.schedulers")
    ] = ""
    resources: Annotated[Resources, Key(words="what each trial is given")] = field(default_factory=Resources)
    limits: Annotated[
        Limits, Key(words="beyond one, a trial's process is ended and the trial fails with the reason")
    ] = field(default_factory=Limits)
    confirm: Annotated[
        Confirm, Key(words="the best configurations train again with fresh seeds before one is called the best")
    ] = field(default_factory=Confirm)
    answer: Annotated[AnswerSpec, Key(words="what the study's model is")] = field(default_factory=AnswerSpec)
    transfer: Annotated[Transfer, Key(words="search at a small size, check at larger ones, train a large one")] = field(
        default_factory=Transfer
    )
    storage: Annotated[StorageSpec, Key(words="where checkpoints are kept")] = field(default_factory=StorageSpec)
    cluster: Annotated[Cluster, Key(words="a Ray cluster to join, in place of this machine alone")] = field(
        default_factory=Cluster
    )

    def __post_init__(self) -> None:
        metrics, directions, constraints = map(_listed, (self.metrics, self.directions, self.constraints))
        problems = [*goal_problems(self.metric, metrics, directions, constraints)]
        problems += [
            f"direction: {each!r} is neither maximize nor minimize"
            for each in (*([] if self.direction is None else [self.direction]), *directions)
            if not isinstance(each, Direction) and each not in _DIRECTIONS
        ]
        try:
            command = self._settled_command()
        except ValueError as error:
            problems.append(f"command: {self.command!r} {error}")
        if problems:
            raise ConfigurationError(problems)
        settled = {
            "objective": command or self.objective,
            "command": () if command is None else command.words,
            "metrics_pattern": self.metrics_pattern if command is None else command.pattern,
            "metric": self.metric or metrics[0],
            "direction": _direction((*directions, self.direction)[0]),
            "metrics": metrics,
            "directions": tuple(map(Direction, directions)),
            "constraints": tuple(map(as_constraint, constraints)),
            "scheduler": _named(self.scheduler, "none" if len(metrics) > 1 else "asha"),
            "warm_start": _once(_listed(self.warm_start)),
            "start": _listed(self.start),
        }
        for name, value in settled.items():
            object.__setattr__(self, name, value)

    def _settled_command(self) -> Command | None:
        """Return the command that is the objective, given as one or by its words; None where there is none.

        Raises `ValueError` for words that cannot be split.
        """
        if isinstance(self.objective, Command):
            return self.objective
        words = Command.split(self.command) if isinstance(self.command, str) else tuple(self.command)
        return Command(words=words, pattern=self.metrics_pattern) if words else None

    def describe(self) -> dict[str, Any]:
        """Return the JSON form, in which objects are replaced by their names; a space is stored beside it."""
        described = {each.name: _described(getattr(self, each.name)) for each in fields(self)}
        for key in ("warm_start", "command", "metrics_pattern"):
            if not described[key]:  # older studies have no such key
                del described[key]
        if not self.transfer.proxies:
            del described["transfer"]
        for key, default in (("answer", AnswerSpec()), ("storage", StorageSpec()), ("cluster", Cluster())):
            if getattr(self, key) == default:
                del described[key]
        return {
            **described,
            "objective": "" if self.command else reference_to(self.objective),
            "search_space": self.search_space if isinstance(self.search_space, str) else "",
            "sampler": _described(as_component(self.sampler)),
            "scheduler": _described(as_component(self.scheduler)),
        }

    @staticmethod
    def from_description(description: Mapping[str, Any]) -> "StudySpec":
        """Return the spec that `describe` described; keys that an older study lacks have their defaults."""
        sections = {
            key: section(**as_tuples(description[key])) for key, section in _SECTIONS.items() if key in description
        }
        return StudySpec(**as_tuples({**description, **sections}))


_SECTIONS: Mapping[str, type] = {
    "budget": Budget,
    "sampler": Component,
    "scheduler": Component,
    "resources": Resources,
    "limits": Limits,
    "confirm": Confirm,
    "answer": AnswerSpec,
    "transfer": Transfer,
    "storage": StorageSpec,
    "cluster": Cluster,
}


def as_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of fields, with the lists of JSON and TOML as the tuples that specs have."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def _listed(values: Any) -> tuple[Any, ...]:
    """Return the values; a single one may be given as it is."""
    return tuple(values) if isinstance(values, Sequence) and not isinstance(values, str) else (values,)


def as_component(component: Component | Mapping[str, Any] | str) -> Component:
    """Return the component, which may be given by only its name, or as a study file's section."""
    if isinstance(component, Mapping) and isinstance(component.get("name"), str):
        return Component(
            name=component["name"], options={key: value for key, value in component.items() if key != "name"}
        )
    return Component(name=component) if isinstance(component, str) else component  # type: ignore[return-value]


def _described(part: Any) -> Any:
    """Return a part of a spec as JSON has it; what is none of ours stays as it is, for the check that says so."""
    if isinstance(part, Direction):
        return part.value
    if isinstance(part, Constraint):
        return str(part)
    if isinstance(part, Budget):
        return part.describe()
    if isinstance(part, tuple | Mapping):
        return [*map(_described, part)] if isinstance(part, tuple) else dict(part)
    return asdict(part) if is_dataclass(part) and not isinstance(part, type) else part


def _direction(direction: Direction | str | None) -> Direction | None:
    return None if direction is None else Direction(direction)


def _named(scheduler: AnyComponent, default: str) -> AnyComponent:
    """Return the scheduler, the default one where it has no name; only asha has options that need no name."""
    component = as_component(scheduler or "")
    if not isinstance(component, Component) or component.name:
        return scheduler
    return Component(name="asha" if component.options else default, options=component.options)


def _once(values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(each for index, each in enumerate(values) if each not in values[:index])
