"""A rank: one process of a trial that has several, which calls the trial's function as torchrun would."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, final

from tuner.domain.checkpoints import Checkpoints
from tuner.domain.current_trial import entered
from tuner.domain.errors import StopTrial
from tuner.domain.reporting import Reporter, portable
from tuner.domain.row_values import RowKeeper
from tuner.domain.seed import derive
from tuner.domain.trial import Failure, Trial
from tuner.execution.checkpoints import CODEC, restore_generators, save_generators
from tuner.execution.ranks.messages import Message, MessageKind, Place
from tuner.execution.user_failures import failure_of
from tuner.system import random_generators
from tuner.system.processes import die_with_parent

LOOPBACK = "127.0.0.1"
"""Where ranks of one machine find each other."""


class FailedEpochError(Exception):
    """An objective that is a class has measured this failure in place of metrics."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def be_rank(function: Callable[[Trial], Any], shared: Mapping[str, Any], place: Place, connection: Connection) -> None:
    """Call `function` with the trial whose fields are `shared`, and say over the connection how that ended."""
    die_with_parent()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a fork has the handlers of the process it comes from
    os.environ |= _variables(place)
    link = _Link(connection)
    rows = RowKeeper(shared["rows"].metric)
    trial = Trial(
        **{**shared, "device": place.device, "rows": rows},
        rank=place.rank,
        ranks=place.ranks,
        checkpoints=_RankCheckpoints(link, place),
        reporter=_RankReporter(link, rows),
    )
    for _, generator in random_generators.generators():
        generator.seed(derive(trial.seed, f"rank {place.rank}", trial.epoch))
    link.tell(_end(function, trial))
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def _variables(place: Place) -> Mapping[str, str]:
    """Return the environment variables that torchrun sets."""
    rank, ranks = str(place.rank), str(place.ranks)
    return {
        "RANK": rank,
        "LOCAL_RANK": rank,
        "WORLD_SIZE": ranks,
        "LOCAL_WORLD_SIZE": ranks,
        "MASTER_ADDR": LOOPBACK,
        "MASTER_PORT": str(place.port),
    }


def _end(function: Callable[[Trial], Any], trial: Trial) -> Message:
    """Call the function, and return the message with what it returned, or raised."""
    try:
        with entered(trial):
            returned = function(trial)
            if isinstance(returned, Generator):
                _drain(returned, trial)
                returned = None
        return Message(MessageKind.END, None if returned is None else portable(returned))
    except StopTrial:
        return Message(MessageKind.END)
    except FailedEpochError as error:
        return Message(MessageKind.FAILED, error.failure)
    except BaseException as error:  # noqa: BLE001 - whatever ends a rank is its trial's failure
        failure = failure_of(error)
        sys.stderr.write(failure.traceback)
        return Message(MessageKind.FAILED, failure)


def _drain(generator: Generator[Any, None, None], trial: Trial) -> None:
    """Report what the generator yields, until it ends or the trial is to."""
    for metrics in generator:
        trial.reporter.report(metrics, None)
        if trial.should_stop:
            generator.close()
            return


@final
class _Link:
    """The connection to the trial's process, which threads of a rank may share."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._one_at_a_time = threading.RLock()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let no other thread use the connection until the end of the block."""
        with self._one_at_a_time:
            yield

    def tell(self, message: Message) -> None:
        with self._one_at_a_time:
            self._connection.send(message)

    def ask(self, message: Message) -> Any:
        """Send what is answered, and return the answer."""
        with self._one_at_a_time:
            self._connection.send(message)
            return self._connection.recv()


@final
class _RankReporter(Reporter):
    """Reports with all ranks together."""

    def __init__(self, link: _Link, rows: RowKeeper) -> None:
        self._link = link
        self._rows = rows
        self._stopped = False

    @property
    def should_stop(self) -> bool:
        return self._stopped

    def report(self, metrics: Any, step: int | None) -> None:
        if not self._stopped:
            # A tensor itself would be shared among the processes instead of sent.
            content = portable(metrics), self._rows.take()
            self._stopped = self._link.ask(Message(MessageKind.REPORT, content, step))


@final
class _RankCheckpoints(Checkpoints):
    """Folders that all ranks may write into, and the state of rank 0."""

    def __init__(self, link: _Link, place: Place) -> None:
        self._link = link
        self._place = place
        self._rng = f".tuner-rng-{place.rank}.safetensors"

    def save(self, state: Mapping[str, Any]) -> None:
        if self._place.rank:
            return
        with self._link.kept():  # what another thread says may not come in between
            path: Path | None = self._link.ask(Message(MessageKind.SAVE))
            if path is None:
                return
            try:
                import_module(CODEC).save(state, path)
            except BaseException:
                self._link.tell(Message(MessageKind.ABORT))
                raise
            self._link.tell(Message(MessageKind.SAVED))

    def load(self) -> Mapping[str, Any] | None:
        state: Mapping[str, Any] | None = None
        if self._place.state is not None:
            state = import_module(CODEC).load(self._place.state)
        return state

    @contextmanager
    def folder(self, step: int | None, *, rng: bool) -> Iterator[Path]:
        folder: Path = self._link.ask(Message(MessageKind.OPEN, None, step))
        try:
            yield folder
            if rng:
                save_generators(folder / self._rng)
        except BaseException:
            self._link.tell(Message(MessageKind.ABORT, folder))
            raise
        self._link.tell(Message(MessageKind.COMMIT, folder))

    def load_folder(self) -> Path | None:
        if self._place.folder is not None:
            restore_generators(self._place.folder / self._rng)
        return self._place.folder
