"""Trials of several processes, as torch.distributed and accelerate have them: the ranks of a trial.

The trial's own process starts the ranks and waits. It is the one that reports to the study, so that all ranks receive
the same decision at the same report; it ends all of them when one fails.
"""

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from enum import Enum
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from pathlib import Path
from typing import Any, Literal, cast, final

from tuner.domain.checkpoints import Checkpoints
from tuner.domain.current_trial import current_trial, entered
from tuner.domain.errors import ConfigurationError, StopTrial, TunerError
from tuner.domain.reporting import Reporter, portable
from tuner.domain.seed import derive
from tuner.domain.trial import Trial
from tuner.execution.checkpoints import restore_generators, save_generators
from tuner.system import random_generators
from tuner.system.processes import die_with_parent

_GRACE_SECONDS = 30.0
"""How long a rank may take to end after it has returned, or was asked to end."""

_OF_THE_PROCESS = frozenset({"checkpoints", "reporter"})
"""What a rank has its own of; the rest of its trial is that of the trial's process."""


class RankFailedError(TunerError):
    """A rank of a trial has failed: its own traceback is in the message."""


def launch(function: Callable[[Trial], None], ranks: int, *, start_method: Literal["spawn", "fork"] = "spawn") -> None:
    """Call `function` with the current trial in each of so many processes on this machine, and wait until all are done.

    The ranks find each other by the environment variables that torchrun sets, so `init_process_group("gloo")` and
    `Accelerator()` need no arguments. In a rank `trial.report` and `trial.checkpoint` are collective: every rank calls
    them, the metrics of rank 0 count, and every rank may write files of its own into the checkpoint's folder. The
    `function` is one of a module. With `start_method="fork"` the ranks need not import torch again, which is sound only
    where this process has computed nothing and used no GPU so far. Raises `RankFailedError` when a rank fails.
    """
    if ranks < 1:
        raise ConfigurationError(f"launch(..., ranks={ranks}): at least 1 is needed")
    trial = current_trial()
    with _started(function, trial, ranks, start_method) as connections:
        _serve(trial, connections)


class _MessageKind(Enum):
    REPORT = "trial.report"
    OPEN = "the beginning of trial.checkpoint"
    COMMIT = "the end of trial.checkpoint"
    END = "the end of the function"
    FAILED = "a failure"


@final
@dataclass(frozen=True, slots=True)
class _Message:
    """What a rank asks the trial's process for."""

    kind: _MessageKind
    content: Any = None
    step: int | None = None


@contextmanager
def _started(
    function: Callable[[Trial], None], trial: Trial, ranks: int, start_method: str
) -> Iterator[list[Connection]]:
    """Start the ranks, and give the connections to them; all have ended afterwards."""
    context, port = cast("SpawnContext", get_context(start_method)), _free_port()
    shared = {each.name: getattr(trial, each.name) for each in fields(trial) if each.name not in _OF_THE_PROCESS}
    saved = trial.load_folder()
    connections, processes = [], []
    try:
        for rank in range(ranks):
            ours, theirs = context.Pipe()
            place = _Place(rank=rank, ranks=ranks, port=port, saved=saved)
            process = context.Process(target=_run, args=(function, shared, place, theirs), name=f"rank-{rank}")
            process.start()
            theirs.close()  # so that the end of the rank is the end of the connection
            connections.append(ours)
            processes.append(process)
        yield connections
        for process in processes:
            process.join(_GRACE_SECONDS)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(_GRACE_SECONDS)
            process.kill()
            process.join()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _serve(trial: Trial, connections: list[Connection]) -> None:
    """Do what the ranks ask for together, until their functions have ended."""
    while True:
        asked = _one_of_each(connections)
        answer: Any = None
        if asked.kind is _MessageKind.REPORT:
            trial.report(asked.content, step=asked.step, stop=False)
            answer = trial.should_stop
        elif asked.kind is _MessageKind.OPEN:
            with trial.checkpoint(step=asked.step) as folder:
                _answer(connections, folder)
                _one_of_each(connections, wanted=_MessageKind.COMMIT)
        else:
            return
        _answer(connections, answer)


def _answer(connections: list[Connection], answer: Any) -> None:
    for connection in connections:
        connection.send(answer)


def _one_of_each(connections: list[Connection], wanted: _MessageKind | None = None) -> _Message:
    """Wait until every rank has asked for something, which is the same (`wanted`), and return what rank 0 did."""
    messages: dict[int, _Message] = {}
    while len(messages) < len(connections):
        for ready in wait([each for rank, each in enumerate(connections) if rank not in messages]):
            assert isinstance(ready, Connection)
            rank = connections.index(ready)
            messages[rank] = _received(rank, ready)
    kinds = {message.kind for message in messages.values()}
    if kinds != {wanted or messages[0].kind}:
        what = ", ".join(f"rank {rank}: {messages[rank].kind.value}" for rank in sorted(messages))
        raise ConfigurationError(
            f"the ranks of a trial are not at the same place: {what}",
            hint="every rank calls trial.report and trial.checkpoint, equally often, and none inside of the other",
        )
    return messages[0]


def _received(rank: int, connection: Connection) -> _Message:
    try:
        message: _Message = connection.recv()
    except (EOFError, ConnectionError) as error:
        raise RankFailedError(f"rank {rank} has ended without a word: it was killed, or has crashed") from error
    if message.kind is _MessageKind.FAILED:
        raise RankFailedError(f"rank {rank} failed:\n{message.content}")
    return message


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a rank is among the others, and the checkpoint they continue from."""

    rank: int
    ranks: int
    port: int
    saved: Path | None


def _run(function: Callable[[Trial], None], shared: Mapping[str, Any], place: _Place, connection: Connection) -> None:
    """Be a rank: call the function with the trial."""
    die_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a fork has the handlers of the process it comes from
    rank, ranks = str(place.rank), str(place.ranks)
    os.environ |= {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": ranks, "LOCAL_WORLD_SIZE": ranks}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(place.port)}
    trial = Trial(**shared, checkpoints=_RankFolders(connection, place), reporter=_RankReporter(connection))
    for _, generator in random_generators.generators():
        generator.seed(derive(trial.seed, f"rank {place.rank}", trial.epoch))
    end = _Message(_MessageKind.END)
    try:
        with entered(trial):
            function(trial)
    except StopTrial:
        pass
    except BaseException as error:  # noqa: BLE001 - whatever ends a rank is its trial's failure
        end = _Message(_MessageKind.FAILED, "".join(traceback.format_exception(error)))
    connection.send(end)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


@final
class _RankReporter(Reporter):
    """Reports with all ranks together."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._stopped = False

    @property
    def should_stop(self) -> bool:
        return self._stopped

    def report(self, metrics: Any, step: int | None) -> None:
        if not self._stopped:
            # A tensor itself would be shared among the processes instead of sent.
            self._connection.send(_Message(_MessageKind.REPORT, portable(metrics), step))
            self._stopped = self._connection.recv()


@final
class _RankFolders(Checkpoints):
    """Folders that all ranks write into together."""

    def __init__(self, connection: Connection, place: _Place) -> None:
        self._connection = connection
        self._saved = place.saved
        self._rng = f".tuner-rng-{place.rank}.safetensors"

    def save(self, state: Mapping[str, Any]) -> None:
        raise ConfigurationError(
            "trial.save(...) is for trials of one process",
            hint="with trial.checkpoint() as folder: in every rank, and torch.save(state, folder / 'state.pt') in one",
        )

    def load(self) -> Mapping[str, Any] | None:
        return None

    @contextmanager
    def folder(self, step: int | None, *, rng: bool) -> Iterator[Path]:
        self._connection.send(_Message(_MessageKind.OPEN, None, step))
        folder: Path = self._connection.recv()
        yield folder
        if rng:
            save_generators(folder / self._rng)
        self._connection.send(_Message(_MessageKind.COMMIT))
        self._connection.recv()

    def load_folder(self) -> Path | None:
        if self._saved is not None:
            restore_generators(self._saved / self._rng)
        return self._saved
