"""Systems of others: each is a script in `peers/`, in a process of its own, which reads and writes lines of JSON."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, final

import psutil
from search_quality.system import Proposal, System
from search_quality.tasks import Task

from tuner import Choice, Float, Int, SearchSpace

PEERS = {path.stem: path for path in sorted((Path(__file__).parent.parent / "peers").glob("[!_]*.py"))}
"""The script of each peer, by name."""

_ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    "PYTHONHASHSEED": "0",  # some peers depend on the order of sets
}
_SHOWN = 2_000


class PeerError(RuntimeError):
    """A peer's process ended before its answer; the end of what it wrote to stderr is in the message."""


@contextmanager
def running_peer(command: Sequence[str | Path], task: Task, seed: int, workers: int) -> Iterator["PeerSystem"]:
    """Start a peer, describe the search to it, and end its process afterwards."""
    with (
        tempfile.TemporaryFile("w+") as errors,
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=folder,
            env=os.environ | _ENVIRONMENT,
        ) as process,
    ):
        try:
            peer = PeerSystem(process, errors, task.space)
            peer.begin(epochs=task.epochs, budget=task.budget, seed=seed, workers=workers)
            yield peer
        finally:
            process.kill()


@final
class PeerSystem(System):
    """The end of a peer's process that is here."""

    def __init__(self, process: "subprocess.Popen[str]", errors: IO[str], space: SearchSpace) -> None:
        self._process = process
        self._errors = errors
        self._space = space

    def begin(self, *, epochs: int, budget: int, seed: int, workers: int) -> None:
        """Describe the search; the peer answers when it is ready, so that its imports count as no proposal."""
        search = {"epochs": epochs, "budget": budget, "seed": seed, "in_flight": workers}
        self._answer({"begin": {"space": neutral(self._space), **search}})

    def ask(self) -> Proposal | None:
        answer = self._answer({"ask": {}})
        if answer is None:
            return None
        return Proposal(
            trial=answer["trial"],
            config=self._space.unflatten(answer["config"]),
            start=answer["from"],
            until=answer["until"],
        )

    @property
    def processor_seconds(self) -> float:
        used = psutil.Process(self._process.pid).cpu_times()
        return float(used.user + used.system)

    def report(self, trial: int, epoch: int, value: float) -> bool:
        return bool(self._answer({"report": {"trial": trial, "epoch": epoch, "value": value}}))

    def _answer(self, message: dict[str, Any]) -> Any:
        if self._process.stdin is None or self._process.stdout is None:
            raise PeerError("the peer was started without pipes")
        try:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise PeerError(f"{self._process.args!r} ended before it answered {message}:\n{self._last_errors()}")
        return json.loads(line)

    def _last_errors(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        return self._errors.read()[-_SHOWN:]


def neutral(space: SearchSpace) -> list[dict[str, Any]]:
    """Return the parameters of a space as JSON, in an order in which what a parameter depends on precedes it.

    Each has `path`, `type` (float, int, choice), `low`, `high` and `log` or `values`, and `when`: None, or the path and
    the value of the choice that it depends on.
    """
    return [
        {"path": path, "when": _when(space, path), **_described(parameter)}
        for path, parameter in space.parameters.items()
    ]


def _when(space: SearchSpace, path: str) -> list[Any] | None:
    condition = space.conditions[path]
    if condition is None:
        return None
    choice = space.parameters[condition.path]
    if not isinstance(choice, Choice):
        raise TypeError(f"{path} depends on {condition.path}, which is no choice")
    return [condition.path, choice.options[condition.option]]


def _described(parameter: object) -> dict[str, Any]:
    if isinstance(parameter, Choice):
        return {"type": "choice", "values": list(parameter.options)}
    if isinstance(parameter, Float | Int) and parameter.step in {None, 1}:
        kind = "int" if isinstance(parameter, Int) else "float"
        return {"type": kind, "low": parameter.low, "high": parameter.high, "log": parameter.log}
    raise TypeError(f"no peer knows such a parameter: {parameter}")
