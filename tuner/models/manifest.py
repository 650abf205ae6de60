"""`model.json`: what an exported model is, and the digests that show whether its files are whole."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from pydantic import BaseModel, ConfigDict, ValidationError

from tuner.domain.errors import ModelError
from tuner.system.untrusted_files import json_of, opened, text_of

FORMAT = 1

OF_ENSEMBLES = 2
"""The format of several networks in one file: a version that knows the first format alone says so."""

NAME = "model.json"


@final
class Manifest(BaseModel):
    """All that is known of an exported model but its weights.

    `objective` is a shipped one's name, or what a person's own was called: then it is a word and nothing else.
    `study`, `metrics` and `versions` are for people; `files` are digests by name.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    format: int
    objective: str
    config: dict[str, Any]
    settings: dict[str, Any]
    seed: int
    description: dict[str, Any]
    study: dict[str, Any]
    metrics: dict[str, dict[str, Any]]
    versions: dict[str, str]
    files: dict[str, str]

    def write(self, folder: Path) -> None:
        """Write it into `folder`."""
        content = self.model_dump()
        signed = {**content, "checksum": checksum(content)}
        (folder / NAME).write_text(json.dumps(signed, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Return what `folder` says of itself; raises `ModelError` where it is damaged or of another format."""
    path = folder / NAME
    try:
        content = json_of(text_of(path))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}", hint=_HINT) from error
    except ValueError as error:
        raise ModelError(f"{path} cannot be read: {error}", hint=_HINT) from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} is not what tuner writes", hint=_HINT)
    if content.get("format") not in {FORMAT, OF_ENSEMBLES}:
        raise ModelError(
            f"{path} has the format {content.get('format')!r}, and this version of tuner reads {FORMAT} and "
            f"{OF_ENSEMBLES}",
            hint="load it with the version that exported it, or a newer one",
        )
    if content.pop("checksum", None) != checksum(content):
        raise ModelError(f"{path} is damaged, or was changed: its checksum is another one", hint=_HINT)
    try:
        return Manifest(**content)
    except (ValidationError, TypeError) as error:
        first = str(error).partition("\n")[0]
        raise ModelError(f"{path} is not what tuner writes: {first}", hint=_HINT) from error


def digest(path: Path) -> str:
    """Return what a file's content is known by."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksum(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest's content, without its checksum, in a canonical form."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


_HINT = "export it again: tuner export NAME DIR --force"
