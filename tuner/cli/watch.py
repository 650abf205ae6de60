"""Watch a study that runs elsewhere, until it ends."""

import time

from rich.console import Console
from rich.text import Text

from tuner import queries
from tuner.cli._options import Name, Storage
from tuner.cli._output import answers
from tuner.cli._report import standing
from tuner.domain.errors import StorageError
from tuner.domain.event import Event, Listener
from tuner.drawing import drawn
from tuner.progress import Tally, Target
from tuner.storage.follower import Follower
from tuner.storage.lease import Claim
from tuner.storage.store import open_store
from tuner.tables import messages
from tuner.words import safe

__all__ = ["command"]

_EVERY = 1.0
"""Seconds from one look at the storage to the next."""

_SILENCE = 12.0
"""Seconds without a sign of life of whoever runs the study, after which that is told."""


def command(name: Name, storage: Storage = None) -> None:
    store = open_store(storage, read_only=True)
    try:
        follower = Follower(store, name)
        holder = follower.holder()
        if holder is not None:
            _watch(follower, holder, answers())
            holder = follower.holder()
        summary = queries.summarise(*store.read(name))
    finally:
        store.close()
    answers().print(standing(summary, None if holder is None else str(holder.holder), storage))


def _watch(follower: Follower, holder: Claim, console: Console) -> None:
    study = follower.study
    target = Target(
        goal=study.goal,
        trials=study.spec["budget"]["trials"],
        max_epochs=study.spec["budget"]["epochs"],
    )
    tally = Tally(target, follower.before, time.monotonic, age=follower.age)
    for event in follower.opening():
        tally.update(event)
    done = f"{tally.finished} of {target.trials} trials finished"
    try:
        console.print(Text(f"study {safe(study.name)}: {done}; runs in {safe(holder.holder)}", style="dim"))
        with drawn(tally, console, per_second=1 / _EVERY) as listener:
            _follow(follower, listener)
    except KeyboardInterrupt:
        messages().print(f"no longer watched; study {study.name} goes on")
        raise


def _follow(follower: Follower, listener: Listener) -> None:
    """Tell `listener` what happens, until nobody runs the study any more."""
    signs = _Signs(listener)
    while True:
        time.sleep(_EVERY)
        seen = _seen(follower, signs)
        if seen is None:
            continue
        holder, events = seen
        for event in events:
            listener.notify(event)
        if holder is None:
            return
        signs.heard(holder, follower.silence(holder))


def _seen(follower: Follower, signs: "_Signs") -> tuple[Claim | None, list[Event]] | None:
    """Return who runs the study and what happened; None while the storage cannot be used."""
    try:
        seen = follower.holder(), follower.look()  # in this order: who has ended has written everything
    except StorageError as error:
        if not error.may_pass:
            raise
        signs.lost(error.message)
        return None
    signs.back()
    return seen


class _Signs:
    """Tells of an outage of the storage, and of a run that gives no sign of life."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._lost: float | None = None
        self._silent = False

    def lost(self, reason: str) -> None:
        self._lost = self._lost or time.monotonic()
        self._listener.waits(time.monotonic() - self._lost, reason)

    def back(self) -> None:
        if self._lost is not None:
            self._lost = None
            self._listener.waits(0.0, "")

    def heard(self, holder: Claim, silence: float) -> None:
        if silence > _SILENCE and not self._silent:
            self._listener.warned(f"{holder.holder} has given no sign of life for {silence:.0f} s")
        self._silent = silence > _SILENCE
