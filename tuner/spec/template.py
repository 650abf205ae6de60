"""Study files to start from: every key with its default and what it means, or what a spec says instead."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from tuner.domain.command import Command
from tuner.domain.errors import ConfigurationError
from tuner.domain.study import StudySpec
from tuner.spec.schema import DeclaredKey, as_written, keys_of, member_names
from tuner.spec.study_file import Wording, content_of, parse_study

_HEAD = """\
# A study: what may vary, what is measured, and how much may be spent on finding the best.
# `tuner check` tries the file for one epoch, `tuner run` runs it. What is left out has its default.
"""
_EXAMPLE = StudySpec(
    objective="supervised",
    search_space="image_classifier",
    metric="accuracy",
    settings={"dataset": "digits", "precision": "float32"},
    scheduler={"name": "asha", "min_epochs": 1, "eta": 3, "warm_up": 0},
)
_OF_THE_OBJECTIVE = {
    "dataset": "one that ships, or a path",
    "precision": 'or "bfloat16": forward passes under autocast',
}
"""What settings of the shipped objective mean."""

_COLUMN = 35
"""Where comments begin."""


def template() -> str:
    """Return a study file with every key, its default and a comment."""
    return _file(content_of(_EXAMPLE))


def study_file_of(spec: StudySpec) -> str:
    """Return the template with what `spec` says in it: a study file that means the same, but for the study's name.

    Raises `ConfigurationError` where no file can: what was made in Python has no name that a file could give.
    """
    if not spec.objective:
        raise ConfigurationError("objective: the study has none: its program asks and tells, which no study file can")
    problems = [
        f"{key}: it was made in Python and has no name that a study file could give"
        for key, named in (("objective", _is_named(spec.objective)), ("search_space", _is_named(spec.search_space)))
        if not named
    ]
    if problems:
        raise ConfigurationError(problems, hint="define it in a module and name it as package.module:name")
    try:
        text = _file({**content_of(spec), "name": ""})
    except (TypeError, ValueError, TOMLKitError) as error:
        raise _inexpressible(str(error)) from error
    if not _says(text, spec):
        raise _inexpressible("read back, it would not say the same")
    return text


def _is_named(part: object) -> bool:
    return isinstance(part, Command) or (isinstance(part, str) and part != "" and not part.startswith("__main__:"))


def _inexpressible(why: str) -> ConfigurationError:
    return ConfigurationError(f"the study's spec cannot be written as a study file: {why}")


def _says(text: str, spec: StudySpec) -> bool:
    read = parse_study(tomllib.loads(text), {}, Wording("the new study file"), name=spec.name or "study")
    return {**read.describe(), "name": ""} == {**spec.describe(), "name": ""}


def _file(content: Mapping[str, Any]) -> str:
    tables = [key for key in keys_of(StudySpec) if isinstance(content.get(key.name), Mapping)]
    single = [_line(key, content.get(key.name)) for key in keys_of(StudySpec) if key not in tables]
    return "\n".join([_HEAD, *single, *(line for key in tables for line in _table(key, content[key.name]))]) + "\n"


def _table(key: DeclaredKey, content: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield _commented(f"[{key.name}]", key.key.words)
    if key.section is not None:
        yield from (_line(inner, content[inner.name]) for inner in keys_of(key.section))
        return
    words = {"name": ", ".join(member_names(key))} if key.key.members else _OF_THE_OBJECTIVE
    for name, value in content.items():
        yield _commented(f"{tomlkit.key(name).as_string()} = {_toml(value)}", words.get(name, ""))


def _line(key: DeclaredKey, value: Any) -> str:
    """Return the line of one key: behind a # with an example where the value is none."""
    written = as_written(value, key.key.unit)
    if written not in (None, "", []):
        return _commented(f"{key.name} = {_toml(written)}", key.key.words)
    return _commented(f"# {key.name} = {_toml(key.key.example)}", key.key.words)


def _commented(text: str, words: str) -> str:
    return f"{text.ljust(_COLUMN - 2)}  # {words}" if words else text


def _toml(value: Any) -> str:
    """Return the value as TOML has it, in one line; raises `TypeError` or `ValueError` where it has no word for it."""
    if isinstance(value, Mapping):
        inner = (f"{tomlkit.key(key).as_string()} = {_toml(each)}" for key, each in value.items())
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    text: str = tomlkit.item(value).as_string()
    return text
