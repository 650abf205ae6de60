"""Lowers the priority of commands that look at studies where many of them run at once."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from socket import AF_UNIX, socket

_LOOKS = {"best", "compare", "importance", "list", "report", "status", "trials"}
"""The commands that only look at studies and soon end."""

_AT_ONCE = 2
"""How many of them run at the usual priority at a time."""

_NICER = 15
"""By how much any more are nicer than others, as `nice` counts."""


@contextmanager
def priority(command: Sequence[str]) -> Iterator[None]:
    """Run a command at the priority that it has beside others."""
    with ExitStack() as held:
        if _LOOKS & {*command} and not any(_has_place(place, held) for place in range(_AT_ONCE)):
            with suppress(OSError):
                os.nice(_NICER)
        yield


def _has_place(place: int, held: ExitStack) -> bool:
    """Whether the place is free and now ours: its socket is abstract, not a file, and ends with the process."""
    try:
        held.enter_context(socket(AF_UNIX)).bind(f"\0tuner-looks-{os.getuid()}-{place}")
    except OSError:
        return False
    return True
