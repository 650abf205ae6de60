"""Write a study file to start from: the defaults, another study's, or what would be searched for some data."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from tuner.cli._options import Storage
from tuner.cli._rendering import answers, safe
from tuner.cli._study_argument import Data, Target
from tuner.domain.errors import ConfigurationError
from tuner.domain.study import StudySpec
from tuner.formatting.redaction import hidden_in, without_secrets
from tuner.running.spec_source import DataFile, read_spec
from tuner.spec.study_file import check_name
from tuner.spec.template import study_file_of, template
from tuner.storage.store import open_store
from tuner.system.files import whole_file

__all__ = ["command"]


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it, a .toml file.", show_default=False)],
    source: Annotated[
        str | None, typer.Option("--from", metavar="STUDY", help="A stored or shipped study, or a study file.")
    ] = None,
    data: Data = None,
    target: Target = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    storage: Storage = None,
) -> None:
    if file.suffix != ".toml":
        raise ConfigurationError(
            f"{file} is no name for a study file", hint=f"study files end in .toml: {file.with_suffix('.toml')}"
        )
    check_name(file.stem)
    spec = _spec(source, data, target, storage)
    settings = {} if spec is None else without_secrets(spec.settings)
    text = template() if spec is None else study_file_of(replace(spec, settings=settings))
    _write(file, text, force=force)
    answers().print(Text(f"wrote {safe(file)}; next: tuner check {safe(shlex.quote(str(file)))}"), soft_wrap=True)
    if hidden := [*hidden_in(settings, "settings")]:
        answers().print(Text(f"secrets are not copied: write {safe(' and '.join(hidden))} yourself", style="yellow"))


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
