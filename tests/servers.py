"""Real database servers for tests: PostgreSQL and MariaDB, each in a temporary folder, without anybody's rights.

All processes of a run of tests have one of a kind together, unless a test kills it. A test that needs one is skipped
where its programs are not installed, and fails there where `CI` is set.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, final

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

_PATIENCE = 120.0
_NOBODY = "nobody"

_KEEPER = """
lock=$1 told=$2 folder=$3; shift 3
("$@" & exec 9< "$lock"; flock 9; kill -KILL $!; rm -f "$told"; rm -rf "$folder") &
"""
"""Starts a server, and ends it with all it has when nobody holds a lock; the kernel frees that of one who is killed."""


class Server(ABC):
    """A server that listens on a port of this machine alone."""

    name: ClassVar[str]
    programs: ClassVar[tuple[str, ...]]

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0

    @classmethod
    def missing(cls) -> str:
        """Return which program is not installed; empty where all are."""
        return next((program for program in cls.programs if _find(program) is None), "")

    @abstractmethod
    def url(self, database: str) -> str:
        """Return the URL of a database."""

    @property
    @abstractmethod
    def command(self) -> Sequence[str]:
        """What starts it in the foreground."""

    @abstractmethod
    def initialise(self) -> None:
        """Make what it keeps its databases in."""

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                _without_rights(self.command), stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        self._await_answer()

    def start_for(self, users: Path, told: Path) -> None:
        """Start it for all who hold a lock on the file `users`; with the last it ends, and the file `told` is gone."""
        words = ["sh", "-c", _KEEPER, "sh", str(users), str(told), str(self.folder), *_without_rights(self.command)]
        with (self.folder / "log").open("ab") as log:
            subprocess.run(words, check=True, stdout=log, stderr=log, cwd=self.folder, start_new_session=True)
        self._await_answer()
        told.write_text(str(self.port))

    def _await_answer(self) -> None:
        engine = create_engine(self.url(self.first))
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                with engine.connect():
                    break
            except OperationalError:
                has_ended = self._process is not None and self._process.poll() is not None
                if has_ended or time.monotonic() > deadline:
                    raise RuntimeError(f"{self.name} did not start:\n{(self.folder / 'log').read_text()}") from None
                time.sleep(0.1)
        engine.dispose()

    def kill(self) -> None:
        """Stop it at once, as the loss of its machine would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it in good order, without waiting for those who use it."""
        self._end(self.stopping)

    first: ClassVar[str]
    """A database that is always there."""

    stopping: ClassVar[signal.Signals]

    def _end(self, number: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        # The server is a child of what took its rights away, with a process group of its own.
        os.killpg(process.pid, number)
        process.wait(_PATIENCE)
        self._process = None

    def database(self) -> str:
        """Make an empty database, and return its URL."""
        self._made += 1
        name = f"studies_{os.getpid()}_{self._made}"
        engine = create_engine(self.url(self.first), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return self.url(name)


@final
class PostgreSQL(Server):
    name = "postgresql"
    programs = ("initdb", "postgres")
    first = "postgres"
    stopping = signal.SIGINT

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://tuner@127.0.0.1:{self.port}/{database}"

    @property
    def command(self) -> Sequence[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": "200",
            "shared_buffers": "16MB",
        }
        options = [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]
        return [str(_find("postgres")), "-D", str(self.folder / "data"), "-p", str(self.port), *options]

    def initialise(self) -> None:
        words = [str(_find("initdb")), "-D", str(self.folder / "data"), "-U", "tuner", "-A", "trust", "-N"]
        subprocess.run(
            _without_rights([*words, "-E", "UTF8", "--locale=C"]), check=True, capture_output=True, cwd=self.folder
        )


@final
class MariaDB(Server):
    name = "mariadb"
    programs = ("mariadb-install-db", "mariadbd")
    first = "mysql"
    stopping = signal.SIGTERM

    def url(self, database: str) -> str:
        return f"mysql+pymysql://tuner:tuner@127.0.0.1:{self.port}/{database}"

    @property
    def command(self) -> Sequence[str]:
        return [
            str(_find("mariadbd")),
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
            f"--tmpdir={self.folder}",  # one that starts deletes the temporary tables of all that share the folder
            f"--socket={self.folder / 'socket'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            # What is killed here is a process, not the machine: nothing needs to reach the disk.
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-flush-method=nosync",
            "--debug-no-sync",
            "--innodb-buffer-pool-size=32M",
            f"--init-file={self.folder / 'users.sql'}",
        ]

    def initialise(self) -> None:
        words = [str(_find("mariadb-install-db")), "--no-defaults", f"--datadir={self.folder / 'data'}"]
        words += ["--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(_without_rights(words), check=True, capture_output=True, cwd=self.folder)
        (self.folder / "users.sql").write_text(
            "CREATE OR REPLACE USER tuner@'127.0.0.1' IDENTIFIED BY 'tuner';\n"
            "GRANT ALL ON *.* TO tuner@'127.0.0.1' WITH GRANT OPTION;\n"
        )


KINDS: dict[str, type[Server]] = {each.name: each for each in (PostgreSQL, MariaDB)}


@contextmanager
def running(kind: type[Server]) -> Iterator[Server]:
    """Start a server that is the caller's alone, and gone with all it has after the block."""
    server = _made(kind)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(server.folder, ignore_errors=True)


@contextmanager
def shared(kind: type[Server], folder: Path) -> Iterator[Server]:
    """Use the server of all processes that name the same folder: the first starts it, and it ends with the last."""
    users, told = folder / f"{kind.name}.users", folder / f"{kind.name}.port"
    with users.open("a") as using:
        with (folder / f"{kind.name}.door").open("a") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            fcntl.flock(using, fcntl.LOCK_SH)
            if told.exists():
                server = kind(folder, int(told.read_text()))
            else:
                server = _made(kind)
                server.start_for(users, told)
        yield server


def _made(kind: type[Server]) -> Server:
    """Return a server that was not started yet."""
    if missing := kind.missing():
        reason = f"{missing} is not installed, so nothing is known of {kind.name}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    server = kind(Path(tempfile.mkdtemp(prefix=f"tuner-{kind.name}-")))
    if os.geteuid() == 0:
        shutil.chown(server.folder, _NOBODY)
    server.initialise()
    return server


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _find(program: str) -> str | None:
    """Return where a server's program is: Debian keeps those of PostgreSQL in folders by version."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    places = [os.environ.get("PATH", ""), "/usr/sbin", *map(str, versions)]
    return shutil.which(program, path=os.pathsep.join(places))


def _without_rights(command: Sequence[str]) -> list[str]:
    """Return the command as somebody else's where we are root, whom both servers refuse to serve; it ends with us."""
    rights = ["--reuid", _NOBODY, "--regid", "nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", "--pdeathsig", "KILL", *rights, *command]
