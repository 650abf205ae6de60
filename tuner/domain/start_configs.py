"""Configurations that a person starts a study with: parts of ones, completed with defaults, and checked at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from tuner.domain.choice import Choice
from tuner.domain.config import Config, Scalar
from tuner.domain.errors import ConfigurationError, nearest
from tuner.domain.search_space import SearchSpace


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedConfig:
    """A configuration that was given in part; `defaults` are the paths of the parameters that were not given."""

    config: Config
    defaults: tuple[str, ...]


def start_configs(space: SearchSpace, start: Sequence[Mapping[str, Any]]) -> tuple[Config, ...]:
    """Return the configurations that a study starts with, as `completed` makes them of its key `start`."""
    return tuple(each.config for each in completed(space, start, "start"))


def completed(space: SearchSpace, parts: Sequence[Mapping[str, Any]], where: str) -> tuple[CompletedConfig, ...]:
    """Return the configurations of `space` that these are parts of; what a part leaves out has its default.

    A part is nested as a configuration is, and of a choice with branches the name of the branch is enough. Raises
    `ConfigurationError` with every unknown parameter, value outside of the space and broken rule; `where` is what a
    person calls the parts.
    """
    configs, problems = [], []
    for index, part in enumerate(parts):
        config, wrong = _completed(space, part, f"{where}[{index}]")
        configs.append(config)
        problems += wrong
    if problems:
        raise ConfigurationError(problems)
    return tuple(configs)


def _completed(space: SearchSpace, part: Mapping[str, Any], where: str) -> tuple[CompletedConfig, list[str]]:
    given: dict[str, Scalar] = {}
    problems = [f"{where}.{each}" for each in _values("", part, space, given)]
    config = space.build(lambda path, parameter: given.get(path, parameter.default))
    if not problems:
        problems = [f"{where}: breaks the rule {reason!r}" for reason in space.broken_rules(config)]
    defaults = tuple(path for path in space.flatten(config) if path not in given)
    return CompletedConfig(config=config, defaults=defaults), problems


def _values(prefix: str, part: Mapping[str, Any], space: SearchSpace, given: dict[str, Scalar]) -> Iterator[str]:
    """Put the values of a part, by the paths of their parameters, into `given`; yield what is wrong with them."""
    for name, value in part.items():
        path = f"{prefix}{name}"
        if path not in space.parameters:
            known = _siblings(prefix, space)
            yield f"{path}: unknown parameter{nearest(str(name), known)} (known: {', '.join(known) or 'none'})"
            continue
        inside = {key: each for key, each in value.items() if key != "name"} if isinstance(value, Mapping) else {}
        chosen = value.get("name", space.parameters[path].default) if isinstance(value, Mapping) else value
        problem = _problem(space, path, chosen, is_section=isinstance(value, Mapping))
        if problem:
            yield f"{path}: {problem}"
        else:
            given[path] = space.parameters[path].nearest(chosen)
            yield from _values(f"{path}.{chosen}.", inside, space, given)


def _problem(space: SearchSpace, path: str, value: Any, *, is_section: bool) -> str:
    """Return why the parameter cannot have the value, or be a section; "" where it can."""
    parameter = space.parameters[path]
    if is_section and not (isinstance(parameter, Choice) and parameter.branches):
        return f"has no parameters of its own: give one of {parameter}"
    found = parameter.nearest(value)
    if found == value and isinstance(found, bool) is isinstance(value, bool):
        return ""
    hint = (
        nearest(value, map(str, parameter.options)) if isinstance(parameter, Choice) and isinstance(value, str) else ""
    )
    return f"{value!r} is not in {parameter}{hint}"


def _siblings(prefix: str, space: SearchSpace) -> list[str]:
    """Return the names of the parameters at this level."""
    below = (path.removeprefix(prefix) for path in space.parameters if path.startswith(prefix))
    return [name for name in below if "." not in name]
