"""Where studies are kept: from what a person wrote to an absolute database URL and the folder beside it."""

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import final
from urllib.parse import quote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from tuner.domain.errors import ConfigurationError
from tuner.domain.study_folders import StudyFolders
from tuner.formatting.redaction import remember

ENVIRONMENT_VARIABLE = "TUNER_STORAGE"
DEFAULT = ".tuner/studies.db"

_SQLITE_HEADER = b"SQLite format 3\0"
_DRIVER = re.compile(r"[A-Za-z]\w*(\+\w+)?")
"""A database's name, and one of its drivers' names: what SQLAlchemy takes for modules to import."""
_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}
"""The drivers of URLs that name none: those that our extras install."""


@final
@dataclass(frozen=True, slots=True)
class Location:
    """A database URL; `file` is the SQLite file where it is one, and `folder` is where checkpoints lie."""

    url: URL
    file: Path | None
    folder: Path

    def __str__(self) -> str:
        """Return the URL for people: a file's path, and never a password, which can be among the options too."""
        text = str(self.file) if self.file else self.url.set(query={}).render_as_string(hide_password=True)
        return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)

    @property
    def checkpoints(self) -> Path:
        """The folder of all studies' checkpoints."""
        return self.folder / "checkpoints"

    def checkpoints_of(self, study: str) -> Path:
        """Return the folder of a study's checkpoints; here and below `study` is the study's `folder_name`."""
        return self.checkpoints / study

    def logs_of(self, study: str) -> Path:
        """Return the folder of what a study's trials print."""
        return self.folder / "logs" / study

    def trial_folders_of(self, study: str) -> Path:
        """Return the folder in which each of a study's trials has one of its own."""
        return self.folder / "trials" / study

    def folders_of(self, study: str, checkpoints: str = "") -> StudyFolders:
        """Return the folders that a study's trials write into, whose `checkpoints` are kept below a URL, or in one."""
        return StudyFolders(
            checkpoints=self.checkpoints_of(study),
            logs=self.logs_of(study),
            trials=self.trial_folders_of(study),
            store=f"{checkpoints}/{study}" if checkpoints else "",
        )

    def all_of(self, study: str) -> tuple[Path, ...]:
        """Return every folder and file that a run of the study writes, beside the database itself."""
        folders = self.folders_of(study)
        beside = (self.folder / "spilled" / f"{study}.jsonl", self.folder / "backups", self.event_files_of(study))
        return (folders.checkpoints, folders.logs, folders.trials, *beside)

    @property
    def neighbours(self) -> tuple[Path, ...]:
        """Other SQLite files in the folder: their studies' files lie there too, without an id by the same names."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return tuple(sorted(path for path in found if path.is_file() and path != self.file and _is_database(path)))

    def event_files_of(self, study: str) -> Path:
        """Return the folder that TensorBoard is shown of a study, unless a person named another one."""
        return self.folder / "tensorboard" / study

    @property
    def is_default(self) -> bool:
        """Whether a command run from the working directory finds it without `--storage`."""
        return self.url == locate(None).url

    def command(self, *words: object) -> str:
        """Return the tuner command of these words, to be pasted: quoted, and with `--storage` where it is needed."""
        elsewhere = () if self.is_default else ("--storage", str(self))
        return shlex.join(["tuner", *map(str, words), *elsewhere])


def locate(storage: str | None) -> Location:
    """Return the location of `storage`: a database URL, the path of an SQLite file, or None for the usual place.

    The usual place is `$TUNER_STORAGE`, else `.tuner/studies.db` in the working directory. Paths are made absolute
    here, once, because workers have a working directory of their own.
    """
    text = storage or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT
    if "://" not in text:
        return _sqlite(text)
    remember(text)
    try:
        url = make_url(_encoded(text))
    except (ArgumentError, ValueError) as error:
        raise _not_understood(text) from error
    if not _DRIVER.fullmatch(url.drivername) or set(url.host or "") & set("[]"):
        raise _not_understood(text)
    if url.get_backend_name() != "sqlite":
        url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
        return Location(url, None, Path(DEFAULT).absolute().parent)
    if not url.database or url.database == ":memory:":
        raise ConfigurationError(
            "a study in memory would be lost at the end of the run", hint="name a file: sqlite:///path/studies.db"
        )
    return _sqlite(url.database)


def _encoded(text: str) -> str:
    """Return a server's URL with its password percent-encoded where it holds an @, which would end it too early."""
    scheme, _, rest = text.partition("://")
    address, question, options = rest.partition("?")
    user, at, host = address.rpartition("@")
    name, colon, password = user.partition(":")
    if scheme.startswith("sqlite") or not colon or not set(password) & set("@/"):
        return text
    return f"{scheme}://{name}{colon}{quote(password, safe='%')}{at}{host}{question}{options}"


def _is_database(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE_HEADER)) == _SQLITE_HEADER
    except OSError:
        return True  # for all we know


def _not_understood(text: str) -> ConfigurationError:
    scheme = text.partition("://")[0]
    return ConfigurationError(
        f"the storage URL that starts with {scheme!r} cannot be understood",
        hint="write sqlite:///path/studies.db or postgresql+psycopg://user:password@host/database; "
        "special characters of a password are percent-encoded",
    )


def _sqlite(path: str) -> Location:
    if "\0" in path:
        raise ConfigurationError(f"the storage {path!r} is not a path: it has a NUL in it")
    try:
        file = Path(path).expanduser().absolute()
    except RuntimeError as error:  # there is no user of that name
        raise ConfigurationError(f"the storage {path!r} cannot be found: {error}") from error
    return Location(URL.create("sqlite", database=str(file)), file, file.parent)
