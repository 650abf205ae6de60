"""Where the code of a study lies, and whether it may run: what a stored study names was chosen by who wrote it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from tuner.domain.command import Command
from tuner.domain.errors import UntrustedCodeError
from tuner.domain.study import StudySpec
from tuner.domain.study_record import StudyRecord
from tuner.registry.import_path import has_module, look_in
from tuner.running.lookup import named_parts
from tuner.spec.shipped_studies import shipped_studies


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a study's spec came from, so that resuming the study reads the same place again.

    `study` is a shipped name or the absolute path of a study file, empty for a spec made in Python; `overrides` are
    what was given on top, by key path; `folder` was the working directory.
    """

    study: str
    overrides: Mapping[str, Any]
    folder: str


def module_folder(spec: StudySpec, source: Mapping[str, Any] | Source) -> Path:
    """Return where the objective's module is looked for first: the working directory, or beside the study file.

    A command runs beside the study file, as what is relative in there is relative to it.

    What else is imported is found in both, after what is installed; where the spec names no module, in neither.
    """
    study, folder = (source.study, source.folder) if isinstance(source, Source) else (source["study"], source["folder"])
    working, beside = Path(folder), Path(study).parent
    if not Path(study).is_absolute():  # a shipped study, or none at all
        return working
    if modules_of(spec):
        look_in(working)
        look_in(beside)
    if isinstance(spec.objective, Command):
        return beside
    named = spec.objective
    return beside if has_module(named, beside) and not has_module(named, working) else working


def study_file_of(study: StudyRecord) -> Path | None:
    """Return the absolute path of the study file that a stored study says it came from; None where it says none."""
    named = study.source["study"]
    return None if not named or named in shipped_studies() else Path(named).absolute()


def trusted_module_folder(study: StudyRecord, spec: StudySpec, *, trust: bool, database: Path | None = None) -> Path:
    """Return where the modules of a stored study are looked for, or its command runs, as `module_folder` does.

    The author of the database chose their names and places. Unless a person says to `trust` it, only what is
    installed and what lies in the working directory is run, and only where the study was started there. A
    command is code itself, which no study file but only the database may say: that `database` has to be a file in the
    working directory too. So it has for the address of a cluster, which is sent the study's folder and whatever
    variables it names, and answers with code. Raises `UntrustedCodeError` before anything is imported.
    """
    if trust or not (modules_of(spec) or _said(spec)):
        return module_folder(spec, study.source)
    here, file = Path.cwd().resolve(), study_file_of(study)
    working = Path(study.source["folder"])
    if not working.is_absolute() or working.resolve() != here:
        raise _untrusted(study, _code(spec), working)
    is_beside = file is None or file.parent.resolve().is_relative_to(here)
    for key, said in _said(spec).items():
        if not _says(file, study, key) and (database is None or not database.resolve().is_relative_to(here)):
            raise _untrusted_word(study, said)
        if file is not None and not is_beside:
            raise _untrusted(study, _code(spec), file.parent)
    if is_beside:
        return module_folder(spec, study.source)
    beside = file.parent if file is not None else working
    if elsewhere := [each for each in modules_of(spec) if has_module(each, beside) and not has_module(each, working)]:
        raise _untrusted(study, elsewhere, beside)
    return working


def modules_of(spec: StudySpec) -> list[str]:
    """Return what a spec names of a person's own, as `package.module:name`; what runs already is not looked for."""
    named = (each for each in named_parts(spec) if isinstance(each, str) and ":" in each)
    return [each for each in named if not each.startswith("__main__:")]


def _said(spec: StudySpec) -> dict[str, str]:
    """Return what runs code though it names no module, by its key, as messages name it."""
    command = {"command": f"run `{spec.objective}`"} if isinstance(spec.objective, Command) else {}
    address = spec.cluster.address
    return command | ({"cluster": f"join the Ray cluster at {address}"} if address else {})


def _says(file: Path | None, study: StudyRecord, key: str) -> bool:
    """Whether a key is read from the study's file, and not from the database."""
    given = {path.partition(".")[0] for path in study.source["overrides"]}
    return file is not None and file.is_file() and given.isdisjoint({key, *(["objective"] if key == "command" else [])})


def _untrusted_word(study: StudyRecord, said: str) -> UntrustedCodeError:
    return UntrustedCodeError(
        f"study {study.name!r} would {said}, which is known from the database alone, and that is not a file in the "
        "working directory",
        hint="if you trust who can write to the database, say so: --trust, or trust=True in Python",
    )


def _untrusted(study: StudyRecord, code: Sequence[str], folder: Path) -> UntrustedCodeError:
    return UntrustedCodeError(
        f"study {study.name!r} would run {' and '.join(code)} from {folder}, which is not the working directory",
        hint="if you trust who wrote the study, say so: --trust, or trust=True in Python; if it is yours, go to that "
        "folder first",
    )


def _code(spec: StudySpec) -> list[str]:
    """Return what a spec runs of a person's own, as messages name it."""
    command = [f"`{spec.objective}`"] if isinstance(spec.objective, Command) else []
    cluster = [f"whatever the Ray cluster at {spec.cluster.address} says"] if spec.cluster.address else []
    return [*command, *modules_of(spec), *cluster]
