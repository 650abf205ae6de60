"""Where studies are kept: from what a person wrote to an absolute database URL and the folder beside it."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tuner.domain.errors import ConfigurationError

ENVIRONMENT_VARIABLE = "TUNER_STORAGE"
DEFAULT = ".tuner/studies.db"


@final
@dataclass(frozen=True, slots=True)
class Location:
    """A database URL; `file` is the SQLite file where it is one, and `folder` is where checkpoints lie."""

    url: URL
    file: Path | None
    folder: Path

    def __str__(self) -> str:
        """Return the URL for people: a file's path, and never a password."""
        return str(self.file) if self.file else self.url.render_as_string(hide_password=True)

    @property
    def is_default(self) -> bool:
        """Whether a command run from the working directory finds it without being told."""
        return self == locate(None)


def locate(storage: str | None) -> Location:
    """Return the location of `storage`: a database URL, the path of an SQLite file, or None for the usual place.

    The usual place is `$TUNER_STORAGE`, else `.tuner/studies.db` in the working directory. Paths are made absolute
    here, once, because workers have a working directory of their own.
    """
    text = storage or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT
    if "://" not in text:
        return _sqlite(text)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        scheme = text.partition("://")[0]
        raise ConfigurationError(
            f"the storage URL that starts with {scheme!r} cannot be understood",
            hint="write sqlite:///path/studies.db or postgresql+psycopg://user:password@host/database; "
            "special characters of a password are percent-encoded",
        ) from error
    if url.get_backend_name() != "sqlite":
        return Location(url, None, Path(DEFAULT).absolute().parent)
    if not url.database or url.database == ":memory:":
        raise ConfigurationError(
            "a study in memory would be lost at the end of the run", hint="name a file: sqlite:///path/studies.db"
        )
    return _sqlite(url.database)


def _sqlite(path: str) -> Location:
    file = Path(path).expanduser().absolute()
    return Location(URL.create("sqlite", database=str(file)), file, file.parent)
