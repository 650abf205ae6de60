"""Guesses of a person who knows the task well, or badly: priors and defaults of its search space."""

from collections.abc import Mapping
from random import Random
from typing import Any

from search_quality.tasks import Task

from tuner import SearchSpace
from tuner.domain.config import Scalar

GUESSES: Mapping[str, tuple[int, tuple[str, ...]]] = {
    " near a good guess": (0, ("prior",)),
    " near a bad guess": (-1, ("prior",)),
    " from a good guess": (0, ("default",)),
    " from a bad guess": (-1, ("default",)),
}
"""Ends of names of systems: which of some random configurations is the guess, best first, and what it is given as."""

_KNOWN = 25
"""A person has seen so many configurations of the task."""


def guessed(task: Task, name: str, seed: int) -> SearchSpace:
    """Return the task's space with the guess that the name of a system says; the space itself where it says none."""
    ending = next((each for each in GUESSES if name.endswith(each)), None)
    if ending is None:
        return task.space
    place, keywords = GUESSES[ending]
    draw = Random(f"guess {task.name} {seed}")
    configs = [task.space.build(lambda _, each: each.at(draw.random())) for _ in range(_KNOWN)]
    ordered = [
        config for _, config in sorted(zip(task.final(configs), configs, strict=True), key=lambda pair: -pair[0])
    ]
    values = task.space.flatten(ordered[place])
    tree = task.space.describe()["parameters"]
    described = {key: _with(each, key, values, keywords) for key, each in tree.items()}
    space = SearchSpace.from_description({"parameters": described})
    for rule in task.space.rules:
        space.require(rule.reason, rule.holds)
    return space


def _with(
    description: Mapping[str, Any], path: str, values: Mapping[str, Scalar], keywords: tuple[str, ...]
) -> dict[str, Any]:
    """Return the description of a parameter with its value of the guess as its prior and default."""
    said = dict(description)
    if path in values:
        said |= {"default": values[path]} | dict.fromkeys(keywords, values[path])
    if "branches" in said:
        said["branches"] = {
            branch: {name: _with(each, f"{path}.{name}", values, keywords) for name, each in parameters.items()}
            for branch, parameters in said["branches"].items()
        }
    return said
