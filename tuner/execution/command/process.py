"""The process of a command, with all that it starts: a process group that ends with it, and what has left the group.

What has left the group, and was left by its parent, is found by a variable of its environment, the socket's address.

A guard kills both where this process dies without a word, by `kill -9` for instance. It is a shell that waits for the
end of a pipe, of which only this process has the other end.
"""

import codecs
import os
import select
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol, final

from tuner.domain.current_trial import SOCKET
from tuner.system.processes import (
    descendants,
    exit_code,
    has_group,
    kill_all,
    kill_group,
    kill_with_variable,
    start_time,
)

GRACE_SECONDS = 10.0
"""How long a command may take to end once it was sent SIGTERM."""

_EVERY_SECONDS = 0.05
"""How often a group that is to end is looked at."""

_AT_ONCE = 64 * 2**10
_MOST_READS = 64
"""How often a pipe is read once the command has ended: more than it holds."""

_LONGEST_LINE = 2**20
_TAIL_LINES = 20
_TAIL_CHARACTERS = 220
"""How much of the end of a command's output a failure has: its message is shown up to 300."""

_GUARD = """
read -r _
kill -s KILL -- "-$0"
for each in /proc/[0-9]*; do
    grep -zqxF -e "$1" "$each/environ" && kill -s KILL "${each#/proc/}"
done
"""


class HasFileno(Protocol):
    """Something that can be waited for: a socket, a pipe."""

    def fileno(self) -> int: ...


@final
class CommandProcess:
    """A running command, whose output is copied to this process's own streams as it comes."""

    def __init__(self, words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        """Start it; its `environment` has the address of its socket, which is no other command's.

        Raises `OSError` where there is no such program, or it cannot be executed.
        """
        self._process = subprocess.Popen(  # noqa: S603 - the command that the study names; no shell
            [*words],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
        )
        self._mark = environment[SOCKET]
        self._guard = _guard(self._process.pid, f"{SOCKET}={self._mark}")
        self._ended = os.pidfd_open(self._process.pid)
        self._started: dict[int, str] = {}
        self._was_sent_signal = False
        self.own_code: int | None = None
        """Its exit code, negative for a signal; None before its end, and where it was sent a signal before."""
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._unseen: deque[Any] = deque()
        """Lines, and what else was received, that were not yielded yet."""
        self._outputs = {
            handle: _Output(stream, handle, self._tail)
            for stream, handle in (("stdout", self._process.stdout), ("stderr", self._process.stderr))
            if handle is not None
        }
        self._watched: dict[int, Callable[[], Sequence[Any]]] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._ended, selectors.EVENT_READ)
        for handle in self._outputs:
            os.set_blocking(handle.fileno(), False)
            self._selector.register(handle, selectors.EVENT_READ)

    def watch(self, handle: HasFileno, receive: Callable[[], Sequence[Any]]) -> None:
        """Call `receive` when there is something to read from `handle`; what it returns is yielded among the lines."""
        self._watched[handle.fileno()] = receive
        self._selector.register(handle.fileno(), selectors.EVENT_READ)

    def unwatch(self, handle: HasFileno) -> None:
        """Watch no more, before `handle` is closed."""
        del self._watched[handle.fileno()]
        self._selector.unregister(handle.fileno())

    def lines(self) -> Iterator[Any]:
        """Yield the lines of its standard output, and what else is received, until it has ended."""
        while not self._has_ended():
            self._read(None)
            yield from self._received()
        kill_group(self._process.pid)  # what it has left in the background
        self._read_rest()
        yield from self._received()

    def send(self, number: signal.Signals) -> None:
        """Send its process group a signal."""
        if not self._was_sent_signal:
            self.own_code, self._was_sent_signal = exit_code(self._process.pid), True
        kill_group(self._process.pid, number)

    def end(self, patience: float = 0.0) -> Iterator[Any]:
        """Let it end by itself for `patience` seconds, then send its group SIGTERM and, after the grace time, SIGKILL.

        Yields the lines that it prints meanwhile, and before them those that `lines` has not yielded yet; where they
        are not taken, it is ended by `close`.
        """
        deadline = time.monotonic() + patience
        yield from self._received()
        while not self._has_ended() and (left := deadline - time.monotonic()) > 0:
            self._read(left)
            yield from self._received()
        self._started |= {pid: start_time(pid) for pid in descendants(self._process.pid)}
        self.send(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while has_group(self._process.pid) and time.monotonic() < deadline:
            self._read(_EVERY_SECONDS)
            yield from self._received()
        self._read_rest()
        yield from self._received()

    def close(self) -> int:
        """End what is left of it at once, and return its exit code, negative for a signal."""
        self._started |= {pid: start_time(pid) for pid in descendants(self._process.pid)}
        kill_group(self._process.pid)
        # Some may have left the group.
        kill_all(pid for pid, born in self._started.items() if born and start_time(pid) == born)
        kill_with_variable(SOCKET, self._mark)
        code = self._process.wait()
        self._guard.kill()
        self._guard.communicate()
        self._selector.close()
        os.close(self._ended)
        for handle, output in self._outputs.items():
            output.flush()
            handle.close()
        return code

    @property
    def tail(self) -> str:
        """The last lines of its output, of both streams, as many as fit into a failure's message."""
        lines: list[str] = []
        room = _TAIL_CHARACTERS
        for line in reversed(self._tail):
            if lines and len(line) > room:
                break
            lines.insert(0, line[-_TAIL_CHARACTERS:])
            room -= len(line) + 1
        return "\n".join(lines)

    def _has_ended(self) -> bool:
        """Whether the program has ended; it is waited for in `close` only, so that no other group gets its number."""
        return bool(select.select([self._ended], [], [], 0)[0])

    def _received(self) -> Iterator[Any]:
        """Yield what was read; what is not taken stays, since several lines may be read at a time."""
        while self._unseen:
            yield self._unseen.popleft()

    def _read(self, seconds: float | None) -> None:
        """Wait until there is something to read, or the command has ended."""
        for key, _ in self._selector.select(seconds):
            if (receive := self._watched.get(key.fd)) is not None:
                self._unseen.extend(receive())
            elif (output := self._outputs.get(key.fileobj)) is not None:  # type: ignore[call-overload]
                self._unseen.extend(self._taken(output))

    def _taken(self, output: "_Output") -> list[str]:
        lines = output.read()
        if output.is_over:
            self._selector.unregister(output.handle)
        return lines if output.stream == "stdout" else []

    def _read_rest(self) -> None:
        """Read what is left in the pipes; a process in the background may hold them open for ever."""
        for output in self._outputs.values():
            for _ in range(_MOST_READS):
                if output.is_over:
                    break
                self._unseen.extend(self._taken(output))
                if not output.had_any:
                    break
            last = output.flush()
            self._unseen.extend(last if output.stream == "stdout" else [])


@final
class _Output:
    """One of a command's streams: copied, and cut into lines."""

    def __init__(self, stream: str, handle: IO[bytes], tail: deque[str]) -> None:
        self.stream = stream
        self.handle = handle
        self.is_over = False
        self.had_any = False
        """Whether the last `read` has found anything."""
        self._tail = tail
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun = ""

    def read(self) -> list[str]:
        """Return the lines that are complete by now."""
        try:
            content = os.read(self.handle.fileno(), _AT_ONCE)
        except BlockingIOError:
            self.had_any = False
            return []
        self.had_any, self.is_over = bool(content), not content
        text = self._decoder.decode(content)
        self._copy(text)
        # A progress bar goes back to the start of its line, and what follows is a line of its own.
        *lines, self._begun = (self._begun + text).replace("\r", "\n").split("\n")
        if len(self._begun) > _LONGEST_LINE:
            lines, self._begun = [*lines, self._begun], ""
        return self._noted(lines)

    def flush(self) -> list[str]:
        """Return the last line, where it was not ended."""
        last, self._begun = self._begun, ""
        return self._noted([last] if last else [])

    def _noted(self, lines: list[str]) -> list[str]:
        self._tail.extend(line.rstrip() for line in lines if line.strip())
        return lines

    def _copy(self, text: str) -> None:
        ours: Any = getattr(sys, self.stream)
        ours.write(text)
        ours.flush()


def _guard(group: int, mark: str) -> "subprocess.Popen[bytes]":
    """Start what kills a process group, and what has `mark` in its environment, as soon as this process has ended."""
    return subprocess.Popen(  # noqa: S603 - our own words
        ["/bin/sh", "-c", _GUARD, str(group), mark],
        env={"PATH": os.environ.get("PATH", os.defpath)},  # not the mark of a command that this process belongs to
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
