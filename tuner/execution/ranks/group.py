"""The ranks of a trial, as the trial's own process sees them: it starts them, and does what they ask for.

It is the one that reports to the study, so that all ranks receive the same decision at the same report; it ends all of
them when one fails.
"""

import signal
import socket
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field, fields
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess, SpawnContext, SpawnProcess
from pathlib import Path
from typing import Any, Literal, cast, final

from tuner.domain.errors import ConfigurationError, TunerError
from tuner.domain.trial import Failure, FailureReason, Trial
from tuner.execution.ranks.messages import Message, MessageKind, Place
from tuner.execution.ranks.rank_process import LOOPBACK, be_rank
from tuner.system.processes import ending

StartMethod = Literal["spawn", "fork"]

_GRACE_SECONDS = 30.0
"""How long a rank may take to end after it has returned, or was asked to end."""

_CAUSE_SECONDS = 5.0
"""How long is waited, once a rank has failed, for others that fail as well: the first one may be why."""

_LOOKS_EVERY_SECONDS = 1.0
"""How often it is looked whether a rank has ended whose connection is open, since a process it has forked has it."""

_NOTE_SECONDS = 60.0
"""After so long at a report, or at the end, it is printed which ranks are waited for."""

_OF_A_RANK = frozenset({"checkpoints", "reporter", "device", "rank", "ranks"})
"""What a rank has its own of; the rest of its trial is that of the trial's process."""


class RankFailedError(TunerError):
    """A rank of a trial has failed: what it raised is in the message."""


class _TracebackOfRankError(Exception):
    """The traceback of another process, shown as the cause of what is raised here."""


def run_ranks(
    function: Callable[[Trial], Any], trial: Trial, ranks: int, start_method: StartMethod, *, own_devices: bool = False
) -> Any:
    """Call `function` with the trial in each of so many processes, and return what rank 0 returned, once all are done.

    With `own_devices` each has one of those that the trial sees; else they have the trial's. Raises `RankFailedError`,
    or `MemoryError` where that was the reason, when a rank fails; all have ended then.
    """
    devices = [_device_of(trial.device, rank) if own_devices else trial.device for rank in range(ranks)]
    with _started(function, trial, devices, start_method) as members:
        return _Group(trial, members).serve()


@final
@dataclass(frozen=True, slots=True)
class _Member:
    """A rank's process, and the connection to it."""

    connection: Connection
    process: ForkProcess | SpawnProcess

    @property
    def has_ended(self) -> bool:
        """Whether its process is over and has left no message."""
        return not self.process.is_alive() and not self.connection.poll()

    def received(self) -> Message | None:
        """Return its next message, None where it has ended without one, or within one.

        A process that the rank has forked holds the connection open beyond the rank's end.
        """
        while not self.connection.poll(_LOOKS_EVERY_SECONDS):
            if self.has_ended:
                return None
        try:
            message: Message = self.connection.recv()
        except (EOFError, OSError):
            return None
        return message

    def answer(self, content: Any) -> None:
        """Send what it waits for; where it has ended meanwhile, the next `received` finds that."""
        with suppress(ConnectionError):
            self.connection.send(content)


@contextmanager
def _started(
    function: Callable[[Trial], Any], trial: Trial, devices: list[str], start_method: StartMethod
) -> Iterator[list[_Member]]:
    """Start a rank on each of the devices; all have ended afterwards."""
    context = cast("SpawnContext", get_context(start_method))
    shared = {each.name: getattr(trial, each.name) for each in fields(trial) if each.name not in _OF_A_RANK}
    port, folder, state = _free_port(), trial.load_folder(), trial.checkpoints.load_file()
    members: list[_Member] = []
    try:
        for rank, device in enumerate(devices):
            ours, theirs = context.Pipe()
            place = Place(rank=rank, ranks=len(devices), port=port, device=device, folder=folder, state=state)
            process = context.Process(target=be_rank, args=(function, shared, place, theirs), name=f"rank-{rank}")
            process.start()
            theirs.close()  # so that the end of the rank is the end of the connection
            members.append(_Member(ours, process))
        yield members
        for member in members:
            member.process.join(_GRACE_SECONDS)
    finally:
        for member in members:
            member.process.terminate()
        for member in members:
            member.process.join(_GRACE_SECONDS)
            member.process.kill()
            member.process.join()
            member.connection.close()


def _device_of(device: str, rank: int) -> str:
    """Return the device of a rank: each has its own of those that the trial sees, in the order of the ranks."""
    return device if device == "cpu" else f"{device}:{rank}"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((LOOPBACK, 0))
        port: int = found.getsockname()[1]
        return port


class _AbortedError(Exception):
    """Ends a folder, or a file, that is not to become a checkpoint: those before it are kept."""


@final
@dataclass(slots=True)
class _SharedFolder:
    """A checkpoint's folder that ranks write into: those that are inside, and all that have been."""

    context: AbstractContextManager[Path]
    path: Path
    inside: set[int] = field(default_factory=set)
    writers: set[int] = field(default_factory=set)
    is_aborted: bool = False

    def close(self) -> None:
        """Let it become the checkpoint, or delete it."""
        error = _AbortedError() if self.is_aborted else None
        self.context.__exit__(None if error is None else type(error), error, None)


@final
class _Group:
    """Does what the ranks of a trial ask for, until their functions have ended."""

    def __init__(self, trial: Trial, members: list[_Member]) -> None:
        self._trial = trial
        self._members = dict(enumerate(members))
        self._waiting: dict[int, Message] = {}
        """The ranks that are at a report or at their end, where all of them meet."""
        self._folders: list[_SharedFolder] = []
        self._has_noted = False

    def serve(self) -> Any:
        while True:
            while len(self._waiting) < len(self._members):
                self._take_next()
            self._refuse_different()
            self._close_folders()
            first = self._waiting[0]
            if first.kind is MessageKind.END:
                return first.content
            self._report(first)

    def _report(self, first: Message) -> None:
        """Report what rank 0 has measured, and give the answer to all."""
        metrics, rows = first.content
        self._trial.rows.hold(rows)
        self._trial.report(metrics, step=first.step, stop=False)
        self._waiting.clear()
        for member in self._members.values():
            member.answer(self._trial.should_stop)

    def _take_next(self) -> None:
        """Wait for ranks that have yet to come, and do what they ask for."""
        awaited = set(self._members) - set(self._waiting)
        ready = self._ready(awaited, _NOTE_SECONDS)
        if not ready:
            self._note_waiting(sorted(awaited))
        for rank in sorted(ready):
            self._take(rank, self._received(rank))

    def _ready(self, ranks: Collection[int], seconds: float) -> set[int]:
        """Wait for any of the ranks to say something, or to end, and return which have."""
        rank_of = {self._members[rank].connection: rank for rank in ranks}
        deadline = time.monotonic() + seconds
        ready: set[int] = set()
        while not ready and (left := deadline - time.monotonic()) > 0:
            said = wait([*rank_of], min(left, _LOOKS_EVERY_SECONDS))
            ready = {rank_of[each] for each in said if isinstance(each, Connection)}
            ready = ready or {rank for rank in ranks if self._members[rank].has_ended}
        return ready

    def _take(self, rank: int, message: Message) -> None:
        match message.kind:
            case MessageKind.REPORT | MessageKind.END:
                self._waiting[rank] = message
            case MessageKind.OPEN:
                self._members[rank].answer(self._opened(rank, message.step))
            case MessageKind.COMMIT | MessageKind.ABORT:
                folder = next(each for each in self._folders if each.path == message.content)
                folder.inside.discard(rank)
                folder.is_aborted |= message.kind is MessageKind.ABORT
            case _:
                self._save(rank)

    def _opened(self, rank: int, step: int | None) -> Path:
        """Return the folder that a rank is to write into: one that others have, where it has not written there yet."""
        found = next((each for each in self._folders if rank not in each.writers), None)
        if found is None:
            context = self._trial.checkpoints.folder(step, rng=False)
            found = _SharedFolder(context, context.__enter__())
            self._folders.append(found)
        found.inside.add(rank)
        found.writers.add(rank)
        return found.path

    def _close_folders(self) -> None:
        """End the folders that all ranks have left, which is when all of them have reported, or ended."""
        for folder in [each for each in self._folders if not each.inside]:
            self._folders.remove(folder)
            folder.close()

    def _save(self, rank: int) -> None:
        """Let a rank write a state to where it is kept."""
        member, is_kept = self._members[rank], False

        def write(path: Path) -> None:
            nonlocal is_kept
            is_kept = True
            member.answer(path)
            if self._received(rank).kind is MessageKind.ABORT:
                raise _AbortedError

        with suppress(_AbortedError):
            self._trial.checkpoints.save_by(write)
        if not is_kept:
            member.answer(None)

    def _received(self, rank: int) -> Message:
        message = self._members[rank].received()
        if message is None or message.kind is MessageKind.FAILED:
            raise self._failure({rank: message})
        return message

    def _failure(self, failed: dict[int, Message | None]) -> BaseException:
        """Return what is to be raised, once those that fail with it have: of the rank that the others failed by."""
        deadline = time.monotonic() + _CAUSE_SECONDS
        others = set(self._members) - set(self._waiting) - set(failed)
        while others and (left := deadline - time.monotonic()) > 0:
            for rank in self._ready(others, left):
                others.discard(rank)
                message = self._members[rank].received()
                if message is None or message.kind is MessageKind.FAILED:
                    failed[rank] = message
        return self._error_of(*min(failed.items(), key=self._order))

    def _order(self, failed: tuple[int, Message | None]) -> tuple[bool, float, int]:
        """Return a key by which the cause comes first: a rank that was killed, else the earliest failure."""
        rank, message = failed
        if message is not None:
            return True, message.at, rank
        # A library aborts a rank whose peers are gone.
        return self._exit_code(rank) == -signal.SIGABRT, time.monotonic(), rank

    def _error_of(self, rank: int, message: Message | None) -> BaseException:
        if message is None:
            return RankFailedError(f"rank {rank} {ending(self._exit_code(rank))}")
        failure: Failure = message.content
        kind = MemoryError if failure.reason is FailureReason.OUT_OF_MEMORY else RankFailedError
        error = kind(f"rank {rank} failed: {failure.message}")
        error.__cause__ = _TracebackOfRankError(f'\n"""\n{failure.traceback}"""')
        return error

    def _exit_code(self, rank: int) -> int:
        process = self._members[rank].process
        process.join(_GRACE_SECONDS)
        return process.exitcode or 0

    def _refuse_different(self) -> None:
        """Raise `ConfigurationError` where some ranks report and others have ended."""
        if len({message.kind for message in self._waiting.values()}) > 1:
            what = ", ".join(f"rank {rank}: {self._waiting[rank].kind.value}" for rank in sorted(self._waiting))
            raise ConfigurationError(
                f"the ranks of a trial are not at the same place: {what}",
                hint="every rank calls trial.report, equally often, or yields equally often",
            )

    def _note_waiting(self, awaited: list[int]) -> None:
        """Print once that some ranks wait at a report for others, which may never come to it."""
        if not self._waiting or self._has_noted:
            return
        self._has_noted = True
        there, missing = (", ".join(map(str, sorted(each))) for each in (self._waiting, awaited))
        sys.stderr.write(
            f"tuner: rank {there} has waited {_NOTE_SECONDS:g} s at a report for rank {missing}: every rank calls "
            "trial.report, equally often; what rank 0 gives counts\n"
        )
        sys.stderr.flush()
