"""Several metrics at once: the trials that no other is better than in all of them."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import plotly.graph_objects as go

from tuner.analysis.queries import front
from tuner.domain.ranking import values
from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord, TrialState
from tuner.formatting.values import number, short_config
from tuner.study_report.data import ReportData
from tuner.study_report.document import Block, Gallery, Picture, Section, Table, Text
from tuner.study_report.figures import BLUE, GREY, ORANGE, RED, figure, label

__all__ = ["section"]

_LISTED = 20
_DECADES = 50


def section(material: ReportData) -> Section | None:
    """Return the Pareto front; None for a study with one metric and no constraints."""
    goal = material.study.goal
    if not goal.has_several and not goal.constraints:
        return None
    return Section(slug="trade-offs", title="The trade-offs", blocks=tuple(_blocks(material)))


def _blocks(material: ReportData) -> Iterator[Block]:
    study = material.study
    best = front(study, material.trials)
    if study.constraints:
        yield Text(_kept(material))
    if not study.goal.has_several:
        return
    wishes = ", ".join(
        f"{name} {'high' if direction is Direction.MAXIMIZE else 'low'}"
        for name, direction in zip(study.metrics, study.directions, strict=True)
    )
    yield Text(
        f"Wanted: {wishes}. Of {len(material.of(TrialState.COMPLETE))} complete trials {len(best)} are on the Pareto "
        "front: to be better than one of them in something is to be worse in something else."
    )
    if best:
        pictures = [_picture(material, best, second) for second in range(1, len(study.metrics))]
        yield pictures[0] if len(pictures) == 1 else Gallery(pictures)
        yield _table(material, best)


def _kept(material: ReportData) -> str:
    study = material.study
    complete = material.of(TrialState.COMPLETE)
    broken = [trial for trial in complete if study.goal.violated(trial.metrics)]
    listed = ", ".join(map(str, study.constraints))
    return f"{len(complete) - len(broken)} of {len(complete)} complete trials meet the constraints: {listed}."


def _picture(material: ReportData, best: Sequence[TrialRecord], second: int) -> Picture:
    study = material.study
    first_name, second_name = study.metrics[0], study.metrics[second]
    complete = material.of(TrialState.COMPLETE)
    numbers = {trial.number for trial in best}
    broken = [trial for trial in complete if study.goal.violated(trial.metrics)]
    others = [trial for trial in complete if trial.number not in numbers and trial not in broken]
    traces = [
        *_dots(material, others, second, "complete", {"color": BLUE, "size": 6, "opacity": 0.7}),
        *_dots(material, broken, second, "breaks a constraint", {"color": RED, "size": 7, "symbol": "x"}),
        *_dots(material, best, second, "Pareto front", {"color": ORANGE, "size": 9}),
    ]
    drawn = figure(traces, xaxis=_axis(second_name, complete), yaxis={"title": {"text": label(first_name)}})
    return Picture(
        name=f"trade-off-{second_name}",
        caption=f"{first_name} against {second_name}",
        description=f"Complete trials by {label(second_name)} and {label(first_name)}, the Pareto front marked",
        figure=drawn,
    )


def _axis(name: str, trials: Sequence[TrialRecord]) -> dict[str, Any]:
    found = [value for trial in trials if (value := trial.metrics.get(name)) is not None and math.isfinite(value)]
    is_log = bool(found) and min(found) > 0 and max(found) / min(found) > _DECADES
    return {"title": {"text": label(name)}, **({"type": "log", "tickformat": "~s", "nticks": 6} if is_log else {})}


def _dots(
    material: ReportData, trials: Sequence[TrialRecord], second: int, name: str, marker: dict[str, Any]
) -> list[Any]:
    if not trials:
        return []
    goal = material.study.goal
    ordered = sorted(trials, key=lambda trial: values(trial, goal)[second] or 0.0)
    is_front = name == "Pareto front"
    return [
        go.Scatter(
            x=[values(trial, goal)[second] for trial in ordered],
            y=[trial.value for trial in ordered],
            # With more than two metrics a front is no line in the plane of two of them.
            mode="lines+markers" if is_front and len(goal.metrics) == 2 else "markers",  # noqa: PLR2004
            line={"color": GREY, "width": 1.5, "dash": "dot"},
            name=name,
            marker=marker,
            text=[_hover(material, trial) for trial in ordered],
            hoverinfo="text",
        )
    ]


def _hover(material: ReportData, trial: TrialRecord) -> str:
    goal = material.study.goal
    pairs = zip(goal.metrics, values(trial, goal), strict=True)
    return "<br>".join([f"trial {trial.number}", *(f"{label(name)} {number(value)}" for name, value in pairs)])


def _table(material: ReportData, best: Sequence[TrialRecord]) -> Table:
    goal = material.study.goal
    headers = ("trial", *goal.metrics, "configuration")
    rows = [
        (str(trial.number), *(number(value) for value in values(trial, goal)), short_config(trial.config))
        for trial in best[:_LISTED]
    ]
    more = f"the first {_LISTED} of {len(best)}" if len(best) > _LISTED else ""
    return Table(headers=headers, rows=rows, right=headers[:-1], caption=more)
