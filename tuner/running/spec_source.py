"""Resolves a shipped study, a study file, a spec, data or a command to a spec, for a new study and a resumed one."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

from tuner.domain.command import Command
from tuner.domain.errors import ConfigurationError, Mistakes, UnknownNameError, nearest
from tuner.domain.fidelity import UNIT_KEYS
from tuner.domain.object_reference import UNNAMED, as_name, default_name
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import StudySpec
from tuner.domain.study_record import StudyRecord
from tuner.formatting.redaction import hidden_in, is_hidden
from tuner.running.code_places import Source, module_folder, modules_of, study_file_of, trusted_module_folder
from tuner.running.lookup import find_space, located, proposal, unknown_names, with_space_file
from tuner.running.outcome import in_its_program
from tuner.running.resume_request import ResumeRequest
from tuner.spec.shipped_studies import shipped_studies, shipped_study
from tuner.spec.space_file import is_space_file
from tuner.spec.study_file import Wording, check_name, checked, parse_study, read_study_file
from tuner.storage.location import Location
from tuner.storage.validation import readable

_NO_OBJECTIVE = "objective: is missing; a program that trains by itself asks and tells, see tuner.create_study"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """Data to tune on with no study file: its path, and the column to predict where it is a table."""

    path: str
    target: str | None = None


@final
@dataclass(frozen=True, slots=True)
class CommandStudy:
    """A command to tune with no study file; its search space and metric are among the overrides."""

    line: str


RequestedStudy = str | Path | StudySpec | DataFile | CommandStudy
"""What a study can be asked for by: a shipped name, a study file's path, a spec, the data or a command alone."""


def read_spec(
    study: RequestedStudy, overrides: Mapping[str, Any], mistakes: Mistakes | None = None, *, imports: bool = True
) -> tuple[StudySpec, Source]:
    """Return what is asked for, with absolute paths, and where it came from.

    With `mistakes` those that leave something to check are collected there. Unless `imports`, no module that a
    study file names is run: what its settings mean is then left to its objective.
    """
    folder = Path.cwd()
    found = mistakes or Mistakes()
    space = overrides.get("search_space")
    if isinstance(space, str) and is_space_file(space):  # it was typed here, whatever study it is for
        overrides = {**overrides, "search_space": str(Path(space).expanduser().absolute())}
    read = _read(study, overrides, folder, found, imports=imports)
    if mistakes is None:
        found.raise_all()
    return read


def _read(
    study: RequestedStudy, overrides: Mapping[str, Any], folder: Path, mistakes: Mistakes, *, imports: bool
) -> tuple[StudySpec, Source]:
    if isinstance(study, DataFile):
        spec = _spec_of_data(study, overrides, folder, mistakes)
        return spec, Source(study="", overrides=overrides, folder=str(folder))
    if isinstance(study, CommandStudy):
        spec = _spec_of_command(study, overrides, mistakes)
        return located(spec, [folder]), Source(study="", overrides={}, folder=str(folder))
    if isinstance(study, StudySpec):
        spec = located(checked(study, overrides, mistakes), [folder])
        mistakes.add([] if spec.objective else [_NO_OBJECTIVE])
        called = mistakes.collect(lambda: check_name(spec.name or default_name(spec.objective)))
        return replace(spec, name=called or "study"), Source(study="", overrides=overrides, folder=str(folder))
    path, source = _find_study(str(study))
    origin = Source(study=source, overrides=overrides, folder=str(folder))
    spec = read_study_file(path, overrides, mistakes)
    if not imports and modules_of(spec):
        return with_space_file(spec, [path.parent, folder]), origin
    modules = module_folder(spec, origin)
    return located(spec, [path.parent, folder], modules), origin


def _spec_of_data(data: DataFile, overrides: Mapping[str, Any], folder: Path, mistakes: Mistakes) -> StudySpec:
    """Return the spec of a study of data alone: what the objective proposes for it, but what `overrides` say."""
    settings = {"dataset": data.path} | ({"target": data.target} if data.target is not None else {})
    content = {"objective": "supervised", "search_space": "", "metric": "loss", "settings": settings}
    name = re.sub(r"[^A-Za-z0-9._-]+|\.\.+", "-", Path(data.path).name.partition(".")[0]).strip("-._") or "data"

    def parsed(content: Mapping[str, Any]) -> StudySpec:
        return located(parse_study(content, overrides, Wording("--data"), name=name, mistakes=mistakes), [folder])

    asked = parsed(content)
    proposed = mistakes.collect(lambda: proposal(asked, folder))
    if proposed is None:
        mistakes.add(unknown_names(asked))
        mistakes.raise_all()
    return parsed({**content, "settings": {**asked.settings}, **_still_fitting(proposed or {}, overrides)})


def _still_fitting(proposed: Mapping[str, Any], overrides: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what of a proposal is left where something else was asked for.

    A scheduler is for its amount of training and a single metric, and has options of its own; configurations are of the
    space beside them.
    """
    displaced = {
        "scheduler": {"metrics", "scheduler.name", *(f"budget.{key}" for key in UNIT_KEYS)},
        "start": {"search_space"},
    }
    return {key: value for key, value in proposed.items() if displaced.get(key, set()).isdisjoint(overrides)}


def _spec_of_command(study: CommandStudy, overrides: Mapping[str, Any], mistakes: Mistakes) -> StudySpec:
    """Return the spec of a study of a command alone, called as the program."""
    words = mistakes.collect(lambda: _split(study.line))
    name = as_name(Command(words=words).name) if words else "command"
    content = {"command": [*(words or [_ANY_PROGRAM])]}
    return parse_study(content, overrides, Wording("--command", _AS_OPTIONS), name=name, mistakes=mistakes)


_ANY_PROGRAM = "{python}"
"""What stands for a command line that is a mistake itself, while others are looked for: a program that there is."""

_AS_OPTIONS = {"search_space": "--space", "metric": "--metric", "direction": "--direction", "command": "--command"}


def _split(line: str) -> tuple[str, ...]:
    try:
        words = Command.split(line)
    except ValueError as error:
        raise ConfigurationError(f"--command: {line!r} {error}") from None
    if not words:
        raise ConfigurationError("--command: is empty")
    return words


def _find_study(study: str) -> tuple[Path, str]:
    """Return the study file's path, and the words that find it again from anywhere."""
    path = Path(study)
    with suppress(RuntimeError):  # there is no user of that name
        path = path.expanduser()
    if path.suffix == ".toml" or "/" in study:
        if not path.is_file():
            raise UnknownNameError(f"there is no study file {study}", hint=f"shipped studies: {_listed()}")
        return path.absolute(), str(path.absolute())
    if study in shipped_studies():
        return shipped_study(study), study
    beside = path.with_suffix(".toml") if path.name else None
    meant = (
        f"; did you mean {beside}?" if beside is not None and beside.is_file() else nearest(study, shipped_studies())
    )
    raise UnknownNameError(
        f"unknown study {study!r}{meant}", hint=f"shipped studies: {_listed()}; or give the path of a .toml file"
    )


def _listed() -> str:
    return ", ".join(shipped_studies())


def spec_to_resume(study: StudyRecord, request: ResumeRequest, location: Location) -> tuple[StudySpec, Path]:
    """Return what the study at `location` is to do from now on, and where its modules are looked for.

    That is what the spec in the request says, or else the study's file today, or what was stored where there is no file
    (any more). What is wrong is collected in the request. Raises `UntrustedCodeError` where it names code elsewhere
    that the request does not trust.
    """
    if not study.spec:
        raise ConfigurationError(
            f"study {study.name!r} was not made by tuner, so it cannot be resumed here",
            hint=f"it can be looked at with: {location.command('trials', study.name)}",
        )
    source, folder = study.source["study"], Path(study.source["folder"])
    stored_overrides = study.source["overrides"]
    _refuse_hidden(study, [path for path, value in stored_overrides.items() if is_hidden(value)], request.overrides)
    overrides, file = {**stored_overrides, **request.overrides}, study_file_of(study)
    if request.spec is not None:
        asked, folders = checked(request.spec, overrides, request.mistakes), [folder]
    elif source in shipped_studies() or (file is not None and file.is_file()):
        path = _find_study(source)[0] if file is None else file
        asked, folders = read_study_file(path, overrides, request.mistakes), [path.parent, folder]
    else:
        asked, folders = _stored_spec(study, overrides, request.mistakes), [Path.cwd(), folder]
    modules = trusted_module_folder(study, asked, trust=request.trust, database=location.file)
    return _directed(located(asked, folders, modules), study), modules


def _stored_spec(study: StudyRecord, overrides: Mapping[str, Any], mistakes: Mistakes) -> StudySpec:
    with readable(f"what study {study.name!r} was asked to do"):
        described = StudySpec.from_description(study.spec)
    stored = checked(described, overrides, mistakes)
    hidden = [*hidden_in(stored.settings, "settings"), *hidden_in(stored.command, "command")]
    _refuse_hidden(study, [*dict.fromkeys(hidden)], overrides)
    if isinstance(stored.objective, str) and any(mark in stored.objective for mark in UNNAMED):
        raise ConfigurationError(
            f"the objective of study {study.name!r}, {stored.objective}, lies in no module: no other program finds it",
            hint=f"continue it with {in_its_program(study)}",
        )
    return stored


def _refuse_hidden(study: StudyRecord, paths: Sequence[str], given: Mapping[str, Any]) -> None:
    """Raise `ConfigurationError` where secrets are needed again, which no study keeps."""
    missing = [path for path in paths if path not in given]
    if missing:
        raise ConfigurationError(
            f"study {study.name!r} keeps no secrets, and needs {' and '.join(missing)} again",
            hint=f"give it on the command line, --set {missing[0]}=..., or let the objective read it from a variable",
        )


def _directed(spec: StudySpec, study: StudyRecord) -> StudySpec:
    """Return the spec with the direction that the study began with, where it says none itself."""
    return spec if spec.direction is not None else replace(spec, direction=study.spec.get("direction"))


def space_to_resume(study: StudyRecord, spec: StudySpec, folder: Path) -> SearchSpace:
    """Return the space that the spec names, or the stored one of a space that was made in Python.

    Raises `ConfigurationError` where that had rules, whose code is not stored.
    """
    if spec.search_space or study.space is None:
        return find_space(spec, folder)
    if study.rules:
        raise ConfigurationError(
            f"the search space of study {study.name!r} has rules, whose code is not stored",
            hint="define the space in a module and name it in the spec as package.module:name",
        )
    return study.space
