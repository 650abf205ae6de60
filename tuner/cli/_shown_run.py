"""A run as the command line shows it: live progress, what became of its logs, and how it continues after a signal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.text import Text

from tuner.cli._rendering import messages, safe
from tuner.cli._run_summary import next_command, stopped
from tuner.display.live import shown
from tuner.domain.errors import StudyInterrupted
from tuner.running.tracked_listeners import MakeListeners
from tuner.tracking.dispatch import Logs


@contextmanager
def shown_run(
    storage: str | None, logs: Logs | None = None, command: str = "resume", *, stored: str = "", again: str = ""
) -> Iterator[MakeListeners]:
    """Give what makes the listeners of a run; `command` is the one that continues it after a signal.

    `stored` is the name of the study where it continues one, which a signal before it began leaves as it was. `again`
    is the whole command where that does not name the study: one of a queue is continued by whatever works on it.
    """
    try:
        with _outcomes_shown(logs or Logs()), shown() as listeners:
            yield listeners
    except StudyInterrupted as interruption:
        continuing = again or next_command(interruption.study_name, storage, command)
        messages().print(Text(safe(stopped(continuing)), style="yellow"), soft_wrap=True)
        raise
    except KeyboardInterrupt:
        kept = f"study {stored} is as it was; continue with the same command" if stored else "nothing of it is stored"
        messages().print(Text(safe(f"stopped before the run began: {kept}"), style="yellow"), soft_wrap=True)
        raise


@contextmanager
def _outcomes_shown(logs: Logs) -> Iterator[None]:
    """Print at the end of a run, however it ends, what became of its logs."""
    try:
        yield
    finally:
        for outcome, is_well in logs.outcomes:
            messages().print(Text(safe(outcome), style="dim" if is_well else "yellow"), soft_wrap=True)
