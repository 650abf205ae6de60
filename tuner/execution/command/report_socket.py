"""Where the programs of a command report to: a socket, for `tuner.report` in a process that is not the trial's own."""

import json
import os
import secrets
import socket
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, final

from tuner.execution.command.process import CommandProcess

_AT_ONCE = 64 * 2**10
_LONGEST = 2**20
"""Bytes of a question: one that is longer ends its connection."""

_CREDENTIALS = struct.Struct("3i")
"""What SO_PEERCRED gives: a process, its user, its group."""


@final
@dataclass(frozen=True, slots=True)
class Question:
    """What a program asks for: to take metrics, or a folder as a checkpoint. It waits for the answer."""

    content: Mapping[str, Any]
    _connection: socket.socket = field(repr=False)

    def answer(self, **answer: Any) -> None:
        """Answer it; nothing happens where the program has gone."""
        with suppress(OSError):
            self._connection.sendall(json.dumps(answer).encode() + b"\n")


@final
class ReportSocket:
    """A listening socket with its connections."""

    def __init__(self) -> None:
        # One that is not a file: a path has about a hundred bytes, and would stay where this process is killed.
        self.address = f"tuner-{os.getpid()}-{secrets.token_hex(8)}"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"\0{self.address}")
        self._listener.listen()
        self._connections: dict[socket.socket, bytes] = {}

    def attach(self, process: CommandProcess) -> None:
        """Let the questions of a command's programs be among what the process yields."""
        process.watch(self._listener, lambda: self._accept(process))

    def close(self) -> None:
        """Close it, with every connection."""
        for each in (self._listener, *self._connections):
            each.close()

    def _accept(self, process: CommandProcess) -> Sequence[Question]:
        connection, _ = self._listener.accept()
        if user_of(connection) not in (0, os.getuid()):  # whom a file's mode would have kept out
            connection.close()
            return ()
        self._connections[connection] = b""
        process.watch(connection, lambda: self._receive(connection, process))
        return ()

    def _receive(self, connection: socket.socket, process: CommandProcess) -> Sequence[Question]:
        try:
            content = connection.recv(_AT_ONCE)
        except ConnectionError:
            content = b""
        *lines, begun = (self._connections[connection] + content).split(b"\n")
        self._connections[connection] = begun
        if not content or len(begun) > _LONGEST:
            process.unwatch(connection)
            del self._connections[connection]
            connection.close()
        return [*filter(None, (_question(line, connection) for line in lines))]


def user_of(connection: socket.socket) -> int:
    """Return the user whose process is at the other end."""
    _, user, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return int(user)


def _question(line: bytes, connection: socket.socket) -> Question | None:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return Question(content, connection) if isinstance(content, dict) else None
