"""Control of a running study through its storage: asked by one process, done by the one that runs it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

from tuner.domain.errors import ConfigurationError, StorageError
from tuner.domain.live_control import NOTHING_ASKED, LiveControl
from tuner.domain.run_controller import RunController, StopCause
from tuner.domain.study_queue import waits
from tuner.domain.study_record import companion
from tuner.formatting.values import amount
from tuner.storage.live_control import StoredControl
from tuner.storage.store import Store

LOOKS_EVERY_SECONDS = 2.0
"""How often a run reads what is asked of it."""


ReadControl = Callable[[], LiveControl]
"""Returns what is asked of a run now; raises `StorageError`."""


def asked_of_run(store: Store, name: str) -> ReadControl:
    """Return what says what is asked of the run of a study that this process holds."""
    claim = store.claim(name)
    return partial(store.control(name).asked, 0 if claim is None else claim.token)


@contextmanager
def controlled(run: RunController, asked: ReadControl, seconds: float = LOOKS_EVERY_SECONDS) -> Iterator[None]:
    """Let the run do what is `asked` of it, which is read every few seconds until the end of the block."""
    over = threading.Event()
    following = threading.Thread(target=_follow, args=[run, asked, seconds, over], name="tuner-control", daemon=True)
    following.start()
    try:
        yield
    finally:
        over.set()
        following.join()


def _follow(run: RunController, asked: ReadControl, seconds: float, over: threading.Event) -> None:
    before = NOTHING_ASKED
    while not over.wait(seconds):
        with suppress(StorageError):  # an outage: what was asked before stands
            control = asked()
            if control != before:
                run.control(control)
                before = control
            if control.stops and not run.is_stopping:
                run.stop(StopCause.REQUEST)


def pause(store: Store, name: str, *, off: bool = False) -> None:
    """Ask the run of a study to pause, or to continue; raises `ConfigurationError` where there is none."""
    _ask(store, name, lambda asked: replace(asked, is_paused=not off), ("resume", name))


def stop(store: Store, name: str) -> None:
    """Ask the run of a study to stop, as a signal does; raises `ConfigurationError` where there is none."""
    _ask(store, name, lambda asked: replace(asked, stops=True), ("status", name))


def limit(store: Store, name: str, parallel: int) -> None:
    """Ask the run of a study to train so many cohorts at a time; raises `ConfigurationError` where there is none."""
    if parallel < 1:
        raise ConfigurationError(
            f"--parallel {parallel}: at least 1 trains at a time", hint=store.location.command("pause", name)
        )
    _ask(store, name, lambda asked: replace(asked, parallel=parallel), ("resume", name, "--parallel", parallel))


def extend(store: Store, name: str, trials: int) -> None:
    """Ask the run of a study to try so many trials in all.

    Raises `ConfigurationError` where there is no run, where its search is over, and where it has as many trials before.
    """
    further = ("resume", name, "--trials", trials)
    study = store.study(name)
    target = 0 if study.asks_and_tells else int(study.spec.get("budget", {}).get("trials", 0))
    if trials < target:
        raise ConfigurationError(
            f"--trials {trials} is below the {amount(target, 'trial')} that study {name!r} has in all",
            hint=f"it is not how many more; {store.location.command('stop', name)} ends it now, with all that it saved",
        )
    repetitions = companion(name)
    if repetitions in store and store.is_run(repetitions):
        raise ConfigurationError(
            f"the search of study {name!r} is over, and its best configurations are being trained again",
            hint=f"once that is done: {store.location.command(*further)}",
        )
    _ask(store, name, lambda asked: replace(asked, trials=trials), further)


def _ask(store: Store, name: str, change: Callable[[LiveControl], LiveControl], instead: tuple[object, ...]) -> None:
    """Ask it; `instead` is the command for a study that nothing runs."""
    study = store.study(name)
    if study.asks_and_tells:
        raise ConfigurationError(f"study {name!r} is run by its own program, which asks for trials: end that")
    control: StoredControl = store.control(name)
    try:
        control.ask(change)
    except ConfigurationError as error:
        if waits(study.notes):
            work, delete = store.location.command("work"), store.location.command("delete", name)
            raise ConfigurationError(
                f"study {name!r} waits in the queue, and no worker runs it now",
                hint=f"{work} runs what waits; {delete} takes it out",
            ) from None
        command, *words = instead
        raise ConfigurationError(
            f"study {name!r}: {error.problems[0]}", hint=store.location.command(str(command), *words)
        ) from None
