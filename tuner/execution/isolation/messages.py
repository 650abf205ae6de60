"""Messages between a worker, its template and its trial processes, over socket pairs that no other process has."""

from dataclasses import dataclass, field
from enum import Enum
from typing import final

from tuner.domain.worker_spec import WorkerSpec


class Request(Enum):
    """What a trial process is asked for; each comes with its content."""

    LOAD = "load"
    """Take this spec, and answer once its objective is loaded: the first request to a fresh interpreter."""
    BEGIN = "begin"
    """Train this assignment from now on. No answer."""
    ADVANCE = "advance"
    """Answer with reports."""
    FOLLOW = "follow"
    """Carry this decision out. No answer."""
    TEST = "test"
    """Answer with the test metrics of this assignment."""
    END = "end"
    """Answer with the names of the modules that were imported late, and end."""


@final
@dataclass(frozen=True, slots=True)
class Launch:
    """The first message to a template: what its trials run, and whether it is to fork them.

    A template that does not fork starts a fresh interpreter for each trial and imports nothing itself. One that is
    `shared` forks a template for each worker that connects to the socket whose handle follows.
    """

    worker_spec: WorkerSpec
    forks: bool
    shared: bool = False


@final
@dataclass(frozen=True, slots=True)
class Ready:
    """A template, the process `pid`, can start trials; importing the objective has `printed` this."""

    pid: int
    printed: bytes = field(default=b"", repr=False)


@final
@dataclass(frozen=True, slots=True)
class CannotFork:
    """A template is in a state that no fork survives, and ends; `reason` says which."""

    reason: str


@final
@dataclass(frozen=True, slots=True)
class Spawn:
    """Start a trial process. Two handles follow: its connection, and the file for what it prints.

    `modules` are imported first: what earlier trials imported late.
    """

    modules: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True)
class Started:
    """A trial process has started."""

    pid: int


@final
@dataclass(frozen=True, slots=True)
class Ended:
    """A trial process has ended, with all that it had started; `status` is as `os.waitstatus_to_exitcode` gives it."""

    pid: int
    status: int
