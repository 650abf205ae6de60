"""The trial of a command, in a program of the command's: what `tuner.current_trial()` returns there.

Its process is connected to the trial's by a socket, over which one line of JSON asks and one answers. Where a launcher
such as torchrun runs the program as several ranks, only rank 0 is connected: reports of all would have no order.
"""

import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, final

from tuner.domain.checkpoints import Checkpoints
from tuner.domain.config import Config
from tuner.domain.current_trial import RANK, VARIABLES
from tuner.domain.errors import ConfigurationError
from tuner.domain.fidelity import FidelityUnit
from tuner.domain.reporting import Reporter, portable
from tuner.domain.trial import Trial
from tuner.system.files import private

_NO_STATES = "a command keeps folders: with trial.checkpoint() as folder: torch.save(state, folder / 'state.pt')"


def join(address: str) -> Trial:
    """Return the trial that this process was started for; raises `OSError` where it is over."""
    variable = {name.removeprefix(VARIABLES): value for name, value in os.environ.items()}
    rank = os.environ.get(RANK) or "0"
    line = _Line(address) if rank == "0" else _NoLine(rank)
    place = Path(variable["FOLDER"])
    return Trial(
        config=Config(json.loads(Path(variable["CONFIG"]).read_text(encoding="utf-8"))),
        number=int(variable["NUMBER"]),
        seed=int(variable["SEED"]),
        device=variable["DEVICE"],
        epoch=int(variable["EPOCH"]),
        max_epochs=int(variable["MAX_EPOCHS"]),
        unit=FidelityUnit(variable["UNIT"]),
        settings=Config({}),
        checkpoints=_Folders(line, place, variable["CHECKPOINT"]),
        place=place,
        reporter=_Reports(line),
    )


class _Answering(Protocol):
    """What a program asks: to take metrics, or a folder as a checkpoint."""

    def ask(self, **question: Any) -> dict[str, Any]: ...


@final
class _Line:
    """The connection to the trial's process; safe to use from any thread."""

    def __init__(self, address: str) -> None:
        self._one_at_a_time = threading.Lock()
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(f"\0{address}")
        self._stream = connection.makefile("rw", encoding="utf-8")

    def ask(self, **question: Any) -> dict[str, Any]:
        """Return the answer, which is to stop where the trial's process is gone.

        Raises `ConfigurationError` with what the trial's process refuses.
        """
        with self._one_at_a_time:
            try:
                self._stream.write(json.dumps(question) + "\n")
                self._stream.flush()
                answer: dict[str, Any] = json.loads(self._stream.readline() or '{"stop": true}')
            except ConnectionError:
                return {"stop": True}
        if "refused" in answer:
            raise ConfigurationError(answer["refused"])
        return answer


@final
class _NoLine:
    """Stands in a rank above 0, whose reports are left out."""

    def __init__(self, rank: str) -> None:
        self._rank = rank

    def ask(self, **question: Any) -> dict[str, Any]:
        """Return the empty answer, which is not to stop.

        Raises `ConfigurationError` for a checkpoint with files in it: the trial would continue without them.
        """
        if "checkpoint" in question and any(Path(question["checkpoint"]).iterdir()):
            raise ConfigurationError(
                f"RANK={self._rank} wrote files into trial.checkpoint(), and only those of rank 0 are kept",
                hint="gather the state in rank 0, and write it there; with ranks.launch every rank may write files",
            )
        return {}


@final
class _Reports(Reporter):
    """Hands reports over, and waits for the study's answer."""

    def __init__(self, line: _Answering) -> None:
        self._line = line
        self._stopped = False

    @property
    def should_stop(self) -> bool:
        return self._stopped

    def report(self, metrics: Any, step: int | None) -> None:
        if self._stopped:
            return
        answer = self._line.ask(metrics=portable(metrics), step=step)
        self._stopped = bool(answer.get("stop"))


@final
class _Folders(Checkpoints):
    """Checkpoints that are written in the trial's folder, and taken from there by the trial's process."""

    def __init__(self, line: _Answering, place: Path, saved: str) -> None:
        self._line = line
        self._place = place
        self._saved = Path(saved) if saved else None

    def save(self, state: Mapping[str, Any]) -> None:
        raise ConfigurationError("trial.save(...) is for objectives in Python", hint=_NO_STATES)

    def load(self) -> Mapping[str, Any] | None:
        if self._saved is not None:
            raise ConfigurationError("trial.load() is for objectives in Python", hint="trial.load_folder()")
        return None

    @contextmanager
    def folder(self, step: int | None, *, rng: bool) -> Iterator[Path]:
        if rng:
            raise ConfigurationError("rng=True is for objectives in Python", hint=_NO_STATES)
        draft = Path(tempfile.mkdtemp(dir=private(self._place), prefix=".checkpoint-"))
        try:
            yield draft
            self._line.ask(checkpoint=str(draft), step=step)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def load_folder(self) -> Path | None:
        return self._saved
