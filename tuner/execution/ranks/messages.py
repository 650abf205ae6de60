"""Messages between a trial's process and its ranks, over pipes that no other process has."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from time import monotonic
from typing import Any, final


class MessageKind(Enum):
    """What a rank asks the trial's process for."""

    REPORT = "trial.report"
    """Report these metrics and values by row. The answer, once all ranks are there: whether the trial is to end."""
    OPEN = "the beginning of trial.checkpoint"
    """Answer with a folder to write into, which all ranks share."""
    COMMIT = "the end of trial.checkpoint"
    """The rank has written into the folder of this path. No answer."""
    ABORT = "an exception in trial.checkpoint or trial.save"
    """The folder of this path, or the state, is not to become a checkpoint. No answer."""
    SAVE = "trial.save"
    """Answer with the file to write a state into, None where none is kept."""
    SAVED = "the end of trial.save"
    """The state has been written. No answer."""
    END = "the end of the function"
    """The function has ended and returned this. No answer."""
    FAILED = "a failure"
    """The function has raised: a `Failure`. No answer."""


@final
@dataclass(frozen=True, slots=True)
class Message:
    """What a rank says or asks for; `at` is when, by a clock that the processes of a machine share."""

    kind: MessageKind
    content: Any = None
    step: int | None = None
    at: float = field(default_factory=monotonic)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a rank is among the others, what it trains on, and the folder and the state that they continue from."""

    rank: int
    ranks: int
    port: int
    device: str
    folder: Path | None
    state: Path | None
