"""What people and programs read: tables, configurations, JSON and errors."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from tuner.domain.errors import ConfigurationError, TunerError
from tuner.domain.trial import TrialRecord, TrialState

STYLES = {
    TrialState.COMPLETE: "green",
    TrialState.PRUNED: "yellow",
    TrialState.FAIL: "red",
    TrialState.RUNNING: "cyan",
    TrialState.WAITING: "dim",
}

_WIDE = 500  # what goes into a file or a pipe is neither wrapped nor cut


def answers() -> Console:
    """Return the console for answers: stdout, as wide as needed when that is no terminal."""
    return Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False, soft_wrap=not sys.stdout.isatty())


def messages() -> Console:
    """Return the console for everything else: stderr."""
    return Console(stderr=True, width=None if sys.stderr.isatty() else _WIDE, highlight=False)


def print_json(value: Any) -> None:
    """Print `value` as JSON."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def show_error(error: TunerError) -> None:
    """Print what went wrong and what to do next."""
    console = messages()
    problems = error.problems if isinstance(error, ConfigurationError) else (error.message,)
    if len(problems) == 1:
        console.print(Text.assemble(("error: ", "bold red"), safe(problems[0])))
    else:
        console.print(Text(f"error: {len(problems)} mistakes", style="bold red"))
        for problem in problems:
            console.print(Text(f"  - {safe(problem)}"))
    for line in error.hint.splitlines():
        console.print(Text(f"  {safe(line)}", style="dim"))


def safe(text: object) -> str:
    """Return the text without the control characters that could steer a terminal; line ends stay."""
    return "".join(letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1] for letter in str(text))


def number(value: float | None) -> str:
    """Return a metric's value as people read it; a dash for none.

    >>> number(0.98765), number(1234567.0), number(None)
    ('0.9877', '1.235e+06', '-')
    """
    if value is None:
        return "-"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.4g}"  # noqa: PLR2004


def duration(seconds: float | None) -> str:
    """Return a duration as people say it.

    >>> duration(4.25), duration(75), duration(3700), duration(None)
    ('4.2 s', '1 m 15 s', '1 h 01 m', '-')
    """
    if seconds is None:
        return "-"
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m" if hours else f"{minutes} m {rest:02d} s"


@final
class Grid(Table):
    """A table whose cells are plain text: what looks like markup, or would steer the terminal, is shown as it is."""

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        super().add_row(*(Text(safe(cell)) if isinstance(cell, str) else cell for cell in cells), **options)


def grid(*headers: str, right: Sequence[str] = ()) -> Grid:
    """Return an empty table with these columns; those in `right` are aligned to the right."""
    table = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for header in headers:
        table.add_column(Text(safe(header)), justify="right" if header in right else "left", no_wrap=True)
    return table


def state_text(state: TrialState) -> Text:
    """Return a state's name in its colour."""
    return Text(state.value, style=STYLES[state])


def config_lines(config: Mapping[str, Any], indent: str = "") -> Iterator[tuple[str, str]]:
    """Yield (parameter, value) for each line of a configuration, a branch's parameters indented under it."""
    for key, value in config.items():
        if not isinstance(value, Mapping):
            yield f"{indent}{key}", _shown(value)
            continue
        yield f"{indent}{key}", safe(value.get("name", ""))
        inside = {name: each for name, each in value.items() if name != "name"}
        yield from config_lines(inside, f"{indent}  ")


def short_config(config: Mapping[str, Any]) -> str:
    """Return a configuration on one line, such as `mlp(width=64, depth=2) adamw(lr=0.001) batch_size=64`."""
    return " ".join(_short(key, value) for key, value in config.items())


def _short(key: str, value: Any) -> str:
    if not isinstance(value, Mapping):
        return f"{key}={_shown(value)}"
    inside = ", ".join(f"{name}={_shown(each)}" for name, each in value.items() if name != "name")
    return f"{value.get('name')}({inside})" if inside else str(value.get("name"))


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return _short("", value)
    return f"{value:.4g}" if isinstance(value, float) else safe(value)


def schedule_table(trial: TrialRecord) -> Table:
    """Return the configurations a trial had, one after the other, and where each came from."""
    table = grid("from epoch", "of trial", "configuration", right=("from epoch", "of trial"))
    for stage in trial.schedule:
        source = "-" if stage.source is None else str(stage.source)
        table.add_row(str(stage.epoch + 1), source, Text(safe(short_config(stage.config))))
    return table


def _sources(trial: TrialRecord) -> str:
    return ", ".join(f"{stage.source} at {stage.epoch}" for stage in trial.schedule if stage.source is not None) or "-"


def trial_table(trials: Sequence[TrialRecord], metric: str) -> Table:
    """Return the trials as a table, one row each."""
    headers = ["trial", "state", metric, "epoch", "time", "configuration"]
    exploited = any(trial.schedule for trial in trials)
    if exploited:
        headers.insert(-1, "went on from")
    table = grid(*headers, right=("trial", metric, "epoch", "time"))
    for trial in trials:
        what = safe(trial.failure.message) if trial.failure else short_config(trial.config)
        table.add_row(
            str(trial.number),
            state_text(trial.state),
            number(trial.value),
            str(trial.epoch or "-"),
            duration(trial.seconds),
            *([_sources(trial)] if exploited else []),
            Text(safe(what), style="red" if trial.failure else ""),
        )
    return table
