"""Study files to start from: every section with its default and what it means, or what a spec says instead."""

import math
import tomllib
from collections.abc import Mapping, MutableMapping
from importlib.resources import files
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from tuner.domain.errors import ConfigurationError
from tuner.domain.study import StudySpec
from tuner.spec.study_file import content_of, parse_study

_DURATIONS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))
_SIZES = (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10))
_NONE = "none"


def template() -> str:
    """Return a study file with every section, each key with its default and a comment."""
    return files("tuner.spec").joinpath("template.toml").read_text(encoding="utf-8")


def study_file_of(spec: StudySpec) -> str:
    """Return the template with what `spec` says in it: a study file that means the same, but for the study's name.

    Raises `ConfigurationError` where no file can: what was made in Python alone has no name that a file could give.
    """
    problems = [
        f"{key}: it was made in Python and has no name that a study file could give"
        for key, named in (("objective", _is_named(spec.objective)), ("search_space", _is_named(spec.search_space)))
        if not named
    ]
    if problems:
        raise ConfigurationError(problems, hint="define it in a module and name it as package.module:name")
    content = _as_people_write(content_of(spec))
    try:
        text = _filled(content)
    except (TypeError, ValueError, TOMLKitError) as error:
        raise _inexpressible(str(error)) from error
    if not _says(text, spec):
        raise _inexpressible("read back, it would not say the same")
    return text


def _is_named(part: object) -> bool:
    return isinstance(part, str) and part != "" and not part.startswith("__main__:")


def _inexpressible(why: str) -> ConfigurationError:
    return ConfigurationError(f"the study's spec cannot be written as a study file: {why}")


def _says(text: str, spec: StudySpec) -> bool:
    read = parse_study(tomllib.loads(text), {}, where="the new study file", name=spec.name or "study")
    return {**read.describe(), "name": ""} == {**spec.describe(), "name": ""}


def _as_people_write(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content with durations and sizes in units, and without what TOML has no word for or needs none."""
    written = {key: value for key, value in content.items() if key != "name" and value not in ([], None)}
    budget, limits = dict(content["budget"]), content["limits"]
    time = budget.pop("time")
    written["budget"] = budget | ({} if time is None else {"time": duration_text(time)})
    written["limits"] = {
        key: _NONE if value is None else size_text(value) if key in ("memory", "output") else duration_text(value)
        for key, value in limits.items()
    }
    return written


def duration_text(seconds: float) -> str | float:
    """Return a duration as a study file says it; a number of seconds where units would round it.

    >>> duration_text(5400.0), duration_text(0.5)
    ('1h30m', 0.5)
    """
    if seconds != math.floor(seconds):
        return seconds
    text, left = "", int(seconds)
    for unit, length in _DURATIONS:
        count, left = divmod(left, length)
        text += f"{count}{unit}" if count else ""
    return text


def size_text(count: int) -> str | int:
    """Return a number of bytes as a study file says it.

    >>> size_text(200 * 2**20), size_text(1000)
    ('200MiB', 1000)
    """
    return next((f"{count // length}{unit}" for unit, length in _SIZES if count % length == 0), count)


def _filled(content: Mapping[str, Any]) -> str:
    """Return the template with this content in the place of its own; comments stay."""
    document = tomlkit.parse(template())
    plain = {key: value for key, value in content.items() if not isinstance(value, Mapping)}
    sections = {key: value for key, value in content.items() if isinstance(value, Mapping)}
    for name in [key for key, value in document.items() if isinstance(value, Mapping)]:
        _fill(document[name], sections.get(name, {}))
    _fill(document, plain)
    return tomlkit.dumps(document)


def _fill(table: MutableMapping[str, Any], values: Mapping[str, Any]) -> None:
    for key in [key for key, value in table.items() if key not in values and not isinstance(value, Mapping)]:
        del table[key]
    for key, value in values.items():
        table[key] = value
