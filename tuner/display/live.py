"""What a running study shows: a live table on a terminal, plain lines elsewhere."""

import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, final

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tuner.analysis.progress import ProgressTracker, Target
from tuner.domain import ranking
from tuner.domain.event import Event, EventKind, Listener
from tuner.domain.goal import Goal
from tuner.domain.study_record import is_companion
from tuner.domain.trial import TrialRecord, TrialState
from tuner.formatting.redaction import redacted
from tuner.formatting.terminal import grid, messages
from tuner.formatting.values import amount, duration, number, safe
from tuner.running.components import RunComponents
from tuner.running.tracked_listeners import MakeListeners

_LINES = 50
"""About how many plain lines a study prints, beside those that matter."""

_NEWS = 3
"""How many warnings stay below the table."""

_COLUMNS = 40
"""How many columns of a table are shown."""

_ROWS = 12
"""How many running trials are shown on a terminal, the foremost first."""


def waiting(seconds: float, reason: str) -> str:
    """Return the message about an outage of the storage."""
    return f"waiting for the storage, {seconds:.0f} s: {reason}"


def recovery(reports: int) -> str:
    """Return the message about results that an earlier run had kept in a file."""
    return f"recovered: {amount(reports, 'report')} that the storage could not take before"


@final
class LiveTable(Listener):
    """The trials that are running and the study as a whole, drawn a few times a second."""

    def __init__(self, tally: ProgressTracker) -> None:
        self._tally = tally
        self._news: deque[str] = deque(maxlen=_NEWS)
        self._trouble = ""

    def notify(self, event: Event) -> None:
        self._tally.update(event)

    def waits(self, seconds: float, reason: str) -> None:
        self._trouble = waiting(seconds, reason) if reason else ""

    def recovered(self, reports: int) -> None:
        self._news.append(recovery(reports))

    def extended(self, trials: int) -> None:
        self._tally.extend(trials)

    def warned(self, text: str) -> None:
        self._news.append(text)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Group(self._trials(), self.outcome())

    def outcome(self) -> RenderableType:
        """Return the study as a whole, without the trials that are running."""
        messages = [Text(safe(line), style="yellow") for line in (*self._news, self._trouble) if line]
        return Group(self._study(), *messages)

    def _trials(self) -> Table:
        tally, target = self._tally, self._tally.target
        metric = target.goal.metric
        unit = target.unit
        table = grid("trial", unit.heading, "", metric, right=("trial", unit.heading, metric))
        foremost = sorted(tally.running.values(), key=lambda each: (-each.last_epoch, each.number))
        for trial in foremost[:_ROWS]:
            latest = trial.curve.get(trial.last_epoch)
            bar = ProgressBar(total=target.max_epochs, completed=trial.last_epoch, width=24)
            reached = f"{unit.number(trial.last_epoch)}/{unit.number(target.max_epochs)}"
            table.add_row(str(trial.number), reached, bar, number(latest))
        for _ in range(min(_ROWS, target.parallel) - len(foremost)):
            table.add_row("", "", ProgressBar(total=1, completed=0, width=24), "")
        if len(foremost) > _ROWS:
            table.add_row("", "", Text(f"and {len(foremost) - _ROWS} more", style="dim"), "")
        return table

    def _study(self) -> Text:
        tally = self._tally
        best = _best(tally) if tally.best else _none_best(tally)
        times = duration(tally.elapsed) + (f", about {duration(tally.left)} left" if tally.left else "")
        return Text.assemble(
            (f"{tally.finished}/{tally.target.trials} trials", "bold"),
            f"  {tally.counts}  ",
            (best, "green" if tally.best else "dim"),
            (_together(tally), "dim"),
            (_expected(tally), "dim"),
            (f"  {times}", "dim"),
        )


def _expected(tally: ProgressTracker) -> str:
    """Return by how much the trials that are left are expected to better the best value."""
    gain = tally.expected_gain
    return "" if gain is None else f"  to gain: {number(gain.mean)} (90 %: {number(gain.low)} to {number(gain.high)})"


def _together(tally: ProgressTracker) -> str:
    """Return how many trials train as one, and why not more."""
    if not tally.together:
        return ""
    if tally.together == 1:
        return f"  one by one: {tally.apart}"
    return f"  {tally.together} together" + (f": {tally.target.bound}" if tally.target.bound else "")


def _none_best(tally: ProgressTracker) -> str:
    return "no trial complete yet" if tally.target.winner else ""


@final
class PlainLines(Listener):
    """A line for every new best, every failure and, of the rest, as many as make sense."""

    def __init__(self, tally: ProgressTracker, console: Console) -> None:
        self._tally = tally
        self._console = console
        self._every = max(1, tally.target.trials // _LINES)
        self._told = 0.0

    def notify(self, event: Event) -> None:
        before = self._tally.best
        self._tally.update(event)
        trial = event.trial
        if event.kind is EventKind.LOST:
            at = self._tally.target.unit.at(trial.last_epoch)
            self._console.print(f"trial {trial.number} was cut off after {at} and continues from there")
        if event.kind is not EventKind.FINISHED:
            return
        is_news = trial in self._tally.front
        if is_news or trial.failure or self._tally.finished % self._every == 0:
            self._console.print(Text(safe(self._line(trial, is_new_best=self._tally.best is not before))))

    def waits(self, seconds: float, reason: str) -> None:
        if not reason:
            self._told = 0.0
            self._console.print("the storage is back")
        elif not self._told or seconds >= 2 * self._told:
            self._told = max(1.0, seconds)
            self._console.print(Text(safe(waiting(seconds, reason))))

    def recovered(self, reports: int) -> None:
        self._console.print(recovery(reports))

    def extended(self, trials: int) -> None:
        self._tally.extend(trials)

    def warned(self, text: str) -> None:
        self._console.print(Text(safe(text)))

    def _line(self, trial: TrialRecord, *, is_new_best: bool) -> str:
        target = self._tally.target
        head = f"[{self._tally.finished}/{target.trials}] trial {trial.number}"
        if (repeated := target.repeated_by(trial)) is not None:
            head = f"[{self._tally.finished}/{target.trials}] trial {repeated} again, as {trial.number},"
        if trial.failure is not None:
            return f"{head} failed: {trial.failure.summary}"
        word = "stopped" if trial.state is TrialState.PRUNED else "complete"
        line = f"{head} {word} at {target.unit.at(trial.last_epoch)}, {_measured(trial, target.goal)}"
        if is_new_best:
            return f"{line}, the best so far"
        if trial in self._tally.front:
            return f"{line}, on the Pareto front"
        return f"{line}; {_best(self._tally)}" if self._tally.best else line


def _measured(trial: TrialRecord, goal: Goal) -> str:
    """Return the trial's values, and the constraints it breaks."""
    pairs = zip(goal.metrics, ranking.values(trial, goal), strict=True)
    values = [f"{metric} {number(value)}" for metric, value in pairs]
    return ", ".join([*values, *(f"breaks {each}" for each in goal.violated(trial.metrics))])


def _best(tally: ProgressTracker) -> str:
    best = tally.front[0]
    among = f", a front of {len(tally.front)}" if tally.target.goal.has_several else ""
    return f"best {number(best.value)} (trial {best.number}{among})"


@contextmanager
def shown() -> Iterator[MakeListeners]:
    """Give what makes the listeners of a run, and end the drawing when the run is over."""
    console = messages()
    with ExitStack() as drawings:

        def make(components: RunComponents, trials: Sequence[TrialRecord]) -> Sequence[Listener]:
            drawings.close()  # of the part of the run before
            for line in announced(components, trials):
                console.print(line, soft_wrap=bool(components.nothing_left))  # a command in it is copied
            if components.nothing_left:
                return []
            return [drawings.enter_context(drawn(_tally(components, trials), console))]

        yield make


@contextmanager
def drawn(tally: ProgressTracker, console: Console, *, per_second: float = 4) -> Iterator[Listener]:
    """Give what shows a study: a live table on a terminal, which is gone at the end, and plain lines elsewhere."""
    if not console.is_terminal:
        yield PlainLines(tally, console)
        return
    table: Any = LiveTable(tally)
    with Live(table, console=console, refresh_per_second=per_second, transient=True):
        yield table


def announced(components: RunComponents, trials: Sequence[TrialRecord]) -> Iterator[RenderableType]:
    """Yield what is printed before a run begins, or instead of it."""
    if components.nothing_left:
        yield Text(safe(components.nothing_left), style="green")
        return
    yield from data_lines(components)
    yield from (Text(f"note: {safe(redacted(note))}", style="yellow") for note in components.notes)
    yield Text(_opening(components, trials), style="dim")


def live_table(components: RunComponents, trials: Sequence[TrialRecord]) -> LiveTable:
    """Return the table of a run that begins with these trials."""
    return LiveTable(_tally(components, trials))


def _tally(components: RunComponents, trials: Sequence[TrialRecord]) -> ProgressTracker:
    return ProgressTracker(_target(components), trials, time.monotonic)


def data_lines(components: RunComponents) -> Iterator[RenderableType]:
    """Yield the columns and target of a person's own data, and the search space for it."""
    data, spec = components.data, components.spec
    if data is None:
        return
    yield Text(safe(f"data: {data.path}, {data.summary}"))
    if data.columns:
        columns = grid("column", "type", "what it has")
        for column in data.columns[:_COLUMNS]:
            columns.add_row(column.name, column.type, column.about)
        yield columns
    if len(data.columns) > _COLUMNS:
        yield Text(f"... and {len(data.columns) - _COLUMNS} more columns", style="dim")
    space = spec.search_space if isinstance(spec.search_space, str) else "the study's own space"
    goal = ", ".join(spec.metrics) or f"{spec.metric}, to {components.goal.direction.value}"
    yield Text(safe(f"searched: {space}; by: {goal}"))
    yield Text("")


def _target(components: RunComponents) -> Target:
    spec = components.spec
    return Target(
        goal=components.goal,
        trials=spec.budget.trials,
        max_epochs=spec.budget.fidelity.most,
        unit=spec.budget.fidelity.unit,
        parallel=components.parallel,
        bound=components.cohorts.bound(components.space.default).reason,
        winner=not is_companion(spec.name),
        repeats=components.repeats,
    )


def _opening(components: RunComponents, trials: Sequence[TrialRecord]) -> str:
    spec, fidelity = components.spec, components.spec.budget.fidelity
    unfinished = sum(not trial.state.is_finished for trial in trials)
    if is_companion(spec.name):
        trainings = amount(spec.budget.trials - len(trials) + unfinished, "training")
        return f"the search is over; {trainings} with fresh seeds to confirm what it found; {at_a_time(components)}"
    begun = (
        f"resuming {spec.name}: {amount(len(trials) - unfinished, 'trial')} finished, "
        f"{unfinished - len(components.lost)} continue where they were"
        if trials
        else f"study {spec.name}: {amount(len(components.space), 'parameter')}, "
        f"{amount(spec.budget.trials, 'trial')} of up to {fidelity.unit.amount(fidelity.most)}"
    )
    begun += _carried(components, trials)
    return f"{begun}; {at_a_time(components)} on {components.worker_spec.device}, starting {spec.executor} ..."


def _carried(components: RunComponents, trials: Sequence[TrialRecord]) -> str:
    counts = Counter(each.study for each in components.carried)
    if trials or not counts:
        return ""
    return "; the best of earlier studies first: " + ", ".join(f"{count} of {name}" for name, count in counts.items())


def at_a_time(components: RunComponents) -> str:
    """Return how many trials train at a time and together, and why not more."""
    bound = components.cohorts.bound(components.space.default)
    if bound.members > 1:
        cohorts = amount(components.parallel, "cohort")
        return f"{cohorts} at a time, of up to {bound.members} trials: {bound.reason}"
    batches = not components.cohorts.is_interleaved and components.spec.resources.cohort != 1
    return f"{components.parallel} at a time" + (f", each by itself: {bound.reason}" if batches else "")
