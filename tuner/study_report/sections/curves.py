"""Learning curves, and where trials were stopped."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import plotly.graph_objects as go

from tuner.domain.trial import TrialRecord, TrialState
from tuner.formatting.values import number
from tuner.study_report.data import ReportData
from tuner.study_report.document import Picture, Section, Text
from tuner.study_report.figures import BLUE, FAINT, GREEN, GREY, ORANGE, figure, label, value_axis

__all__ = ["section"]

_POINTS = 12_000
"""More than a page shows fluently."""
_LONGEST = 100
_LOG_FROM = 20
_TICKS = (1, 2, 3, 5, 10, 20, 30, 50)


def section(material: ReportData) -> Section | None:
    """Return the learning curves; None where no trial was trained for more than an epoch."""
    learned = [trial for trial in material.trials if trial.curve]
    if max((trial.last_epoch for trial in learned), default=0) <= 1:
        return None
    shown = _thinned(material, learned)
    left_out = len(learned) - len(shown)
    note = (
        f" To stay readable, {len(shown)} of {len(learned)} curves are drawn, evenly from the best to the worst."
        if left_out
        else ""
    )
    return Section(
        slug="curves",
        title="How the trials learned",
        blocks=(Text(_stops(material) + note), _picture(material, shown)),
    )


def _stops(material: ReportData) -> str:
    stopped = Counter(trial.last_epoch for trial in material.of(TrialState.PRUNED))
    if not stopped:
        return "No trial was stopped early."
    most = sorted(sorted(stopped, key=lambda epoch: -stopped[epoch])[:4])
    listed = [f"{stopped[epoch]} at {material.unit.at(epoch)}" for epoch in most]
    total, elsewhere = sum(stopped.values()), sum(stopped.values()) - sum(stopped[epoch] for epoch in most)
    rest = f", {elsewhere} elsewhere" if elsewhere else ""
    return f"{total} trials were stopped early: {', '.join(listed)}{rest}."


def _thinned(material: ReportData, trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return so many trials that the page stays fluent: all complete ones where they fit, others evenly by standing."""
    sizes = {trial.number: min(len(trial.curve), _LONGEST) for trial in trials}
    if sum(sizes.values()) <= _POINTS:
        return list(trials)
    order = sorted(trials, key=lambda trial: -material.importance.standings.get(trial.number, -1.0))
    every = -(-sum(sizes.values()) // _POINTS)
    return order[::every]


def _picture(material: ReportData, shown: Sequence[TrialRecord]) -> Picture:
    best, default = material.summary.best, material.summary.default
    apart = {trial.number for trial in (best, default) if trial is not None}
    rest = [trial for trial in shown if trial.number not in apart]
    complete = [trial for trial in rest if trial.state is TrialState.COMPLETE]
    others = [trial for trial in rest if trial.state is not TrialState.COMPLETE]
    traces = [
        *_curves(others, "stopped, failed or running", FAINT, 1.0),
        *_curves(complete, "complete", BLUE, 1.0, opacity=0.5),
        *_ends(material, [trial for trial in others if trial.state is TrialState.PRUNED], "stopped here", GREY),
        *_ends(material, complete, "ended here", BLUE),
    ]
    if default is not None and default is not best:
        traces += _curves([default], "default configuration", ORANGE, 2.0, dash="dot")
    if best is not None:
        traces += _curves([best], f"best, trial {best.number}", GREEN, 2.5)
    values = [value for trial in shown for value in trial.curve.values()]
    drawn = figure(
        traces, xaxis=_epochs(material), yaxis=value_axis(material.metric, values, material.direction), height=440
    )
    return Picture(
        name="curves",
        caption="A line is a trial, from report to report; a dot is where it ended. "
        "A click on a word of the legend hides its lines.",
        description=f"Learning curves of {len(shown)} trials: {label(material.metric)} by {material.unit.heading}",
        figure=drawn,
        height=440,
    )


def _epochs(material: ReportData) -> dict[str, Any]:
    axis: dict[str, Any] = {"title": {"text": material.unit.heading}}
    longest = max(trial.last_epoch for trial in material.trials)
    first = min(min(trial.curve) for trial in material.trials if trial.curve)
    if longest < _LOG_FROM or first < 1:
        return axis
    # Rungs lie multiples apart, so most of what happens happens early.
    ticks = [tick * scale for scale in (1, 100, 10_000, 1_000_000) for tick in _TICKS if tick * scale <= longest]
    return axis | {"type": "log", "tickvals": ticks, "ticktext": [str(tick) for tick in ticks]}


def _curves(
    trials: Sequence[TrialRecord], name: str, colour: str, width: float, *, dash: str = "solid", opacity: float = 1.0
) -> list[Any]:
    """Return one trace for all of them, with gaps between."""
    if not trials:
        return []
    xs: list[int | None] = []
    ys: list[float | None] = []
    for trial in trials:
        points = _points(trial)
        xs += [*(epoch for epoch, _ in points), None]
        ys += [*(value for _, value in points), None]
    line = {"color": colour, "width": width, "dash": dash}
    return [go.Scatter(x=xs, y=ys, mode="lines", name=name, line=line, opacity=opacity, hoverinfo="skip")]


def _points(trial: TrialRecord) -> list[tuple[int, float]]:
    """Return the curve's points, of a very long one every so manieth, its best and its last."""
    every = -(-len(trial.curve) // _LONGEST)
    kept = {trial.epoch, trial.last_epoch}
    return [point for place, point in enumerate(trial.curve.items()) if place % every == 0 or point[0] in kept]


def _ends(material: ReportData, trials: Iterable[TrialRecord], name: str, colour: str) -> list[Any]:
    ended = [(trial, trial.last_epoch) for trial in trials]
    if not ended:
        return []
    return [
        go.Scatter(
            x=[epoch for _, epoch in ended],
            y=[trial.curve[epoch] for trial, epoch in ended],
            mode="markers",
            name=name,
            marker={"color": colour, "size": 5},
            text=[
                f"trial {trial.number}, {material.unit.at(epoch)}<br>"
                f"{label(material.metric)} {number(trial.curve[epoch])}"
                for trial, epoch in ended
            ],
            hoverinfo="text",
        )
    ]
