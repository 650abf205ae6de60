"""Studies in a notebook: how they look, and the output of a cell that shows how far a run is."""

import io
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from importlib import import_module
from sys import modules
from typing import Any, final

from rich.console import Console, Group, RenderableType

from tuner.analysis.queries import Summary
from tuner.display import live
from tuner.display.live import LiveTable
from tuner.domain.event import Event, Listener
from tuner.domain.trial import TrialRecord
from tuner.formatting.html import beside, line, table
from tuner.formatting.values import config_lines, number, short_config
from tuner.running.components import RunComponents
from tuner.running.tracked_listeners import MakeListeners

_WIDTH = 110
_PAUSE = 0.25
"""Seconds from one drawing to the next: a notebook keeps up with a few in a second."""

_BLOCK = '<pre style="white-space: pre; overflow-x: auto; line-height: normal">{code}</pre>'


def is_notebook() -> bool:
    """Whether this process is the kernel of a notebook: one with cells that can show more than text."""
    if "IPython" not in modules:
        return False
    shell = import_module("IPython").get_ipython()
    return shell is not None and shell.has_trait("kernel")


def watching(*, progress: bool | None) -> AbstractContextManager[MakeListeners | None]:
    """Give what shows a run: in a notebook its cell does, elsewhere stderr and only where `progress` is asked for."""
    in_notebook = is_notebook()
    if in_notebook:
        _import_progress_bars()
    if progress is False or (progress is None and not in_notebook):
        return nullcontext()
    return _shown() if in_notebook else live.shown()


def _import_progress_bars() -> None:
    """Import what Optuna would, without the advice to install widgets: its progress bars are not used here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import_module("tqdm.auto")


@contextmanager
def _shown() -> Iterator[MakeListeners]:
    """Give what makes the listeners of a run, and draw each a last time when its part of the run is over."""
    display = import_module("IPython.display").display
    with ExitStack() as cells:

        def make(components: RunComponents, trials: Sequence[TrialRecord]) -> Sequence[Listener]:
            cells.close()  # of the part of the run before
            head = [*live.announced(components, trials)]
            if components.nothing_left:
                display(_bundle(head), raw=True)
                return []
            cell = Cell(head, live.live_table(components, trials), display)
            cells.callback(cell.close)
            return [cell]

        yield make


@final
class Cell(Listener):
    """A cell's output: what a terminal would show, drawn anew after an event, at most so often as its interval allows.

    `display` is IPython's.
    """

    def __init__(
        self,
        head: Sequence[RenderableType],
        live: LiveTable,
        display: Callable[..., Any],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._head = head
        self._live = live
        self._clock = clock
        self._drawn = clock()
        self._handle = display(self._bundle_with(live), raw=True, display_id=True)

    def notify(self, event: Event) -> None:
        self._live.notify(event)
        self._draw()

    def waits(self, seconds: float, reason: str) -> None:
        self._live.waits(seconds, reason)
        self._draw()

    def extended(self, trials: int) -> None:
        self._live.extended(trials)

    def warned(self, text: str) -> None:
        self._live.warned(text)
        self._draw()

    def recovered(self, reports: int) -> None:
        self._live.recovered(reports)
        self._draw()

    def close(self) -> None:
        """Draw what stays: how far the study came."""
        self._handle.update(self._bundle_with(self._live.outcome()), raw=True)

    def _draw(self) -> None:
        if self._clock() - self._drawn >= _PAUSE:
            self._handle.update(self._bundle_with(self._live), raw=True)
            self._drawn = self._clock()

    def _bundle_with(self, foot: RenderableType) -> dict[str, str]:
        return _bundle([*self._head, foot])


def _bundle(parts: Sequence[RenderableType]) -> dict[str, str]:
    """Return the output as HTML and as the text that a notebook shows where it can show no HTML."""
    console = Console(file=io.StringIO(), record=True, width=_WIDTH, force_jupyter=False, highlight=False)
    console.print(Group(*parts))
    html = console.export_html(inline_styles=True, code_format=_BLOCK, clear=False)
    return {"text/html": html, "text/plain": console.export_text()}


def study_html(summary: Summary, best: Sequence[TrialRecord]) -> str:
    """Return a study as a notebook shows it: how far it is, its answer, and its best trials."""
    study = summary.study
    target = f" of {summary.target}" if summary.target else ""
    head = line(study.name, f"{study.goal}; {summary.finished}{target} trials finished")
    if summary.best is None:
        return head + line("no usable trial yet")
    unit = summary.unit
    headers = ("trial", study.metric, unit.heading, "configuration")
    rows = ((each.number, number(each.value), unit.number(each.epoch), short_config(each.config)) for each in best)
    return head + _answer(summary, summary.best) + table(headers, rows, right=headers[:3])


def _answer(summary: Summary, best: TrialRecord) -> str:
    """Return the best trial: its value, its configuration and its metrics."""
    confirmation = summary.confirmation
    if confirmation is None:
        head = line(f"best {summary.study.metric} {number(best.value)}", f"trial {best.number}")
        test = {name: number(value) for name, value in (summary.test_metrics or {}).items()}
    else:
        winner = confirmation.winner
        how = f"trial {best.number}, the mean of {len(winner.estimate.values)} trainings with fresh seeds"
        how += f"; 95 % interval {winner.estimate.claim}" if winner.estimate.is_known else ""
        head = line(f"best {summary.study.metric} {winner.estimate}", how)
        test = {name: str(estimate) for name, estimate in confirmation.test.items()}
    metrics = ((name, number(value), test.get(name, "-")) for name, value in best.metrics.items())
    columns = ("metric", "validation", "test")
    config = table(("configuration", "value"), config_lines(best.config))
    return head + beside(config, table(columns, metrics, right=columns[1:]))
