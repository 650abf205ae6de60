"""Write a study file to start from: the defaults, another study's, or a proposal for data or for a program."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from tuner.cli._options import Storage
from tuner.cli._rendering import answers, messages, safe
from tuner.cli._study_argument import Data, Target
from tuner.domain.command import Command
from tuner.domain.errors import ConfigurationError
from tuner.domain.study import StudySpec
from tuner.formatting.redaction import hidden_in, without_secrets
from tuner.running.lookup import named_space
from tuner.running.program import is_program, options_of_program, words_of
from tuner.running.spec_source import DataFile, read_spec
from tuner.spec.program_study import TO_FILL_IN, proposed
from tuner.spec.space_file import space_text
from tuner.spec.study_file import check_name
from tuner.spec.template import study_file_of, template
from tuner.storage.store import open_store
from tuner.system.files import whole_file

__all__ = ["command"]


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it, a .toml file.", show_default=False)],
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="STUDY|PROGRAM",
            help="A stored or shipped study, a study file, or a program: its --help is run and read.",
        ),
    ] = None,
    data: Data = None,
    target: Target = None,
    space: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|NAME", help="Write a search space instead, as TOML: a shipped one, or package.module:name."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    storage: Storage = None,
) -> None:
    if file.suffix != ".toml":
        raise ConfigurationError(
            f"{file} is not a name for a study file", hint=f"study files end in .toml: {file.with_suffix('.toml')}"
        )
    check_name(file.stem)
    if space is not None:
        if source is not None or data is not None or target is not None:
            raise ConfigurationError("--space asks for a search space only: leave out --from, --data and --target")
        _write(file, space_text(named_space(space, Path.cwd())), force=force)
        answers().print(Text(f"wrote {safe(file)}; name it in a study file: search_space = ..."), soft_wrap=True)
        return
    if source is not None and data is None and is_program(source):
        _write_proposal(file, Path(source), force=force)
        return
    spec = _spec(source, data, target, storage)
    spec = None if spec is None else _without_secrets(spec)
    text = template() if spec is None else study_file_of(spec)
    _write(file, text, force=force)
    answers().print(Text(f"wrote {safe(file)}; next: tuner check {safe(shlex.quote(str(file)))}"), soft_wrap=True)
    if hidden := [] if spec is None else _hidden(spec):
        answers().print(Text(f"secrets are not copied: write {safe(' and '.join(hidden))} yourself", style="yellow"))


def _without_secrets(spec: StudySpec) -> StudySpec:
    """Return the spec as a file may have it that is handed on."""
    objective = spec.objective
    if isinstance(objective, Command):
        objective = replace(objective, words=tuple(without_secrets(objective.words)))
    return replace(spec, objective=objective, settings=without_secrets(spec.settings))


def _hidden(spec: StudySpec) -> list[str]:
    """Return the keys of what is not in the file."""
    return [*dict.fromkeys((*hidden_in(spec.settings, "settings"), *hidden_in(spec.command, "command")))]


def _write_proposal(file: Path, program: Path, *, force: bool) -> None:
    """Write a study file for a program, and its search space beside it."""
    folder, space = file.parent, file.with_name(f"{file.stem}-space.toml")  # a folder may have several studies
    words = words_of(program, folder)
    shown = shlex.join(words).replace("'{python}'", "python")
    messages().print(Text(f"running {safe(shown)} --help, to read its options", style="dim"), soft_wrap=True)
    study = proposed(words, options_of_program(words, folder), space.name)
    for path in (file, space):
        if path.exists() and not force:
            raise ConfigurationError(f"{path} is there already", hint="--force replaces it")
    _write(space, study.space, force=force)
    _write(file, study.study, force=force)
    next_step = f"wrote {safe(file)} and {safe(space)}; next: tuner check {safe(shlex.quote(str(file)))}"
    answers().print(Text(next_step), soft_wrap=True)
    if study.to_fill_in:
        needed = f"the program needs {safe(', '.join(study.to_fill_in))}: write it in place of {TO_FILL_IN}"
        answers().print(Text(needed, style="yellow"), soft_wrap=True)


_PYTHON = ".py"


def _spec(source: str | None, data: str | None, target: str | None, storage: str | None) -> StudySpec | None:
    """Return what the file is to say; None for the defaults."""
    if data is None and target is not None:
        raise ConfigurationError("--target is a column of --data, which is missing")
    if data is None:
        return None if source is None else _known(source, storage)
    if source is not None:
        raise ConfigurationError("a study file says either what --from or what --data asks for; give one of them")
    return read_spec(DataFile(path=data, target=target), {})[0]


def _known(source: str, storage: str | None) -> StudySpec:
    """Return the spec of a stored study, or of a shipped one, or of a study file: the first of them that there is."""
    store = open_store(storage)
    try:
        if source not in store.names:
            if Path(source).suffix == _PYTHON:
                raise ConfigurationError(f"there is no file {source}")
            return read_spec(source, {}, imports=False)[0]
        stored = store.study(source).spec
    finally:
        store.close()
    if not stored:
        raise ConfigurationError(f"study {source!r} was not made by tuner, so no study file says what it does")
    return StudySpec.from_description(stored)


def _write(file: Path, text: str, *, force: bool) -> None:
    """Write a whole file, or none: what was there stays until its successor is complete."""
    try:
        with whole_file(file, replaces=force) as beside:
            beside.write_text(text, encoding="utf-8")
    except FileExistsError as error:
        raise ConfigurationError(f"{file} is there already", hint="--force replaces it") from error
    except (OSError, UnicodeEncodeError) as error:
        raise ConfigurationError(f"{file} cannot be written: {error}") from error
