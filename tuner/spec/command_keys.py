"""The keys of study files that belong to a command: what they stand for, and whether they make sense together."""

from collections.abc import Iterator, Mapping
from typing import Any

from tuner.domain.errors import nearest

OF_METRICS = {"metrics.names": "metrics", "metrics.pattern": "metrics_pattern"}
"""What a section `[metrics]` says, and the keys that it stands for."""


def with_flat_metrics(content: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
    """Return the content with the keys that a section `[metrics]` stands for, and what is wrong with that."""
    section = content.get("metrics")
    if not isinstance(section, Mapping):
        return content, []
    known = {path.partition(".")[2]: key for path, key in OF_METRICS.items()}
    problems = [
        f"unknown key {key!r} in [metrics]{nearest(key, known)} (known: {', '.join(known)})"
        for key in section
        if key not in known
    ]
    plain = {key: value for key, value in content.items() if key != "metrics"}
    return {**plain, **{known[key]: value for key, value in section.items() if key in known}}, problems


def problems_of_command(content: Mapping[str, Any], *, needs_objective: bool) -> Iterator[str]:
    """Yield why a command, or what belongs to one, makes no sense beside what else there is."""
    if "command" not in content:
        if needs_objective and not content.get("objective"):
            yield "objective: is missing"
        if content.get("metrics_pattern"):
            yield "metrics.pattern: is for what a command prints, and the study has no command"
        return
    if not content["command"]:
        yield 'command: is empty; write it as: command = ["python", "train.py", "--lr", "{lr}"]'
    if content.get("objective"):
        yield "command: is given in place of an objective; give one of the two"
    if content.get("settings"):
        yield "settings: are for an objective in Python; a command takes what it needs as arguments"
