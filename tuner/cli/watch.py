"""Watch a study that runs elsewhere, until it ends."""

import time

from rich.console import Console
from rich.text import Text

from tuner.analysis import queries
from tuner.analysis.progress import ProgressTracker, Target
from tuner.cli._options import Name, Storage
from tuner.cli._rendering import answers, show
from tuner.cli._run_summary import standing
from tuner.display.live import drawn
from tuner.domain.errors import StorageError
from tuner.domain.event import Event, Listener
from tuner.domain.study_record import companion, confirmed_study, is_companion
from tuner.formatting.terminal import messages
from tuner.formatting.values import safe
from tuner.storage.lease import LeaseRecord
from tuner.storage.live_reader import Follower
from tuner.storage.store import Store, open_store

__all__ = ["command"]

_EVERY = 1.0
"""Seconds from one look at the storage to the next."""

_SILENCE = 12.0
"""Seconds without a renewal of the study's lease, after which a message says so."""


def command(name: Name, storage: Storage = None) -> None:
    store = open_store(storage, read_only=True)
    try:
        holder = _watched(store, name)
        summary = queries.summarise(*store.view(name), store.repetitions(name))
    finally:
        store.close()
    show(standing(summary, None if holder is None else str(holder.holder), storage))


def _watched(store: Store, name: str) -> LeaseRecord | None:
    """Watch a study, then its confirmation, as long as a process runs them; return the lease of one that still does."""
    search = Follower(store, name)
    if (holder := search.holder()) is not None:
        _watch(search, holder, answers())
    if search.is_confirmed_now():
        confirmation = Follower(store, companion(name))
        if (holder := confirmation.holder()) is not None:
            _watch(confirmation, holder, answers())
            time.sleep(_EVERY)  # the process that ran both gives the search back a moment after the confirmation
    return search.holder()


def _watch(follower: Follower, holder: LeaseRecord, console: Console) -> None:
    study = follower.study
    target = Target(
        goal=study.goal,
        trials=study.spec["budget"]["trials"],
        max_epochs=study.fidelity.most,
        unit=study.fidelity.unit,
        winner=not is_companion(study.name),
    )
    tally = ProgressTracker(target, follower.before, time.monotonic, age=follower.age)
    for event in follower.opening():
        tally.update(event)
    done = f"{tally.finished} of {target.trials} trials finished"
    try:
        console.print(Text(f"study {safe(study.name)}: {done}; runs in {safe(holder.holder)}", style="dim"))
        with drawn(tally, console, per_second=1 / _EVERY) as listener:
            _follow(follower, listener)
    except KeyboardInterrupt:
        messages().print(Text(f"no longer watched; study {safe(confirmed_study(study.name))} continues"))
        raise


def _follow(follower: Follower, listener: Listener) -> None:
    """Notify `listener` of what happens, until no process runs the study, or the one that does trains another part."""
    signs = _Signs(listener)
    while True:
        time.sleep(_EVERY)
        seen = news(follower, signs)
        if seen is None:
            continue
        holder, events, has_gone_on = seen
        for event in events:
            listener.notify(event)
        if holder is None or has_gone_on:
            return
        signs.heard(holder, follower.silence(holder))


def news(follower: Follower, signs: "_Signs") -> tuple[LeaseRecord | None, list[Event], bool] | None:
    """Return the lease of the study's process, what happened, and whether it is being confirmed; None in an outage."""
    try:
        # In this order: a process that has ended, or trains another part, has written everything.
        holder, has_gone_on = follower.holder(), follower.is_confirmed_now()
        seen = holder, follower.look(), has_gone_on
    except StorageError as error:
        if not error.may_pass:
            raise
        signs.lost(error.message)
        return None
    signs.back()
    return seen


class _Signs:
    """Notifies of an outage of the storage, and of a run that no longer renews its lease."""

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

    def heard(self, holder: LeaseRecord, silence: float) -> None:
        if silence > _SILENCE and not self._silent:
            self._listener.warned(f"{holder.holder} has given no sign of life for {silence:.0f} s")
        self._silent = silence > _SILENCE
