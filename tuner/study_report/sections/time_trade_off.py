"""What a good value costs in time."""

from collections.abc import Iterator, Sequence
from typing import Any

import plotly.graph_objects as go

from tuner.domain.trial import TrialRecord, TrialState
from tuner.formatting.values import duration, number
from tuner.study_report.data import ReportData
from tuner.study_report.document import Block, Picture, Section, Table, Text
from tuner.study_report.figures import BLUE, GREY, ORANGE, STATE_WORDS, figure, label, value_axis

__all__ = ["section"]

_FEWEST = 3
_LISTED = 8
_FAR_APART = 30


def section(material: ReportData) -> Section | None:
    """Return the values against the time that trials took; None where there are too few."""
    timed = [
        trial
        for trial in material.trials
        if trial.value is not None and trial.seconds is not None and trial.state is not TrialState.FAIL
    ]
    if len(timed) < _FEWEST:
        return None
    front = _front(material, timed)
    blocks: list[Block] = [Text(_story(material, front)), _picture(material, timed, front)]
    if len(front) > 1:
        blocks.append(_table(material, front))
    return Section(slug="sooner", title="Better, or sooner", blocks=blocks)


def _front(material: ReportData, trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the trials that no other beats in both value and time, the quickest first."""
    front: list[TrialRecord] = []
    for trial in sorted(trials, key=lambda each: (each.seconds or 0.0, -material.direction.sign * (each.value or 0.0))):
        if trial.value is not None and material.direction.is_better(trial.value, front[-1].value if front else None):
            front.append(trial)
    return front


def _story(material: ReportData, front: Sequence[TrialRecord]) -> str:
    last = front[-1]
    if len(front) == 1:
        return f"Trial {last.number} was both the best and the quickest."
    before = front[-2]
    gained = number(abs((last.value or 0.0) - (before.value or 0.0)))
    return (
        "No trial was both better and quicker than one on the line. The last step, from trial "
        f"{before.number} to trial {last.number}, took {duration(last.seconds)} instead of {duration(before.seconds)} "
        f"and gained {gained} of {material.metric}."
    )


def _picture(material: ReportData, trials: Sequence[TrialRecord], front: Sequence[TrialRecord]) -> Picture:
    values = [trial.value for trial in trials if trial.value is not None]
    line = go.Scatter(
        x=[trial.seconds for trial in front],
        y=[trial.value for trial in front],
        mode="lines+markers",
        name="Pareto front",
        line={"color": ORANGE, "width": 2, "shape": "hv"},
        marker={"color": ORANGE, "size": 7},
        hoverinfo="skip",
    )
    drawn = figure(
        [*_dots(material, trials), line],
        xaxis=_seconds(trials),
        yaxis=value_axis(material.metric, values, material.direction),
    )
    return Picture(
        name="sooner",
        caption="Trials that were trained together, in a cohort, share its time.",
        description=f"Scatter of {label(material.metric)} by training time with the Pareto front",
        figure=drawn,
    )


def _dots(material: ReportData, trials: Sequence[TrialRecord]) -> Iterator[Any]:
    for state, colour in ((TrialState.PRUNED, GREY), (TrialState.COMPLETE, BLUE)):
        there = [trial for trial in trials if trial.state is state]
        if there:
            yield go.Scatter(
                x=[trial.seconds for trial in there],
                y=[trial.value for trial in there],
                mode="markers",
                name=STATE_WORDS[state],
                marker={"color": colour, "size": 6, "opacity": 0.8},
                text=[_hover(material, trial) for trial in there],
                hoverinfo="text",
            )


def _seconds(trials: Sequence[TrialRecord]) -> dict[str, Any]:
    seconds = [trial.seconds or 0.0 for trial in trials]
    is_log = min(seconds) > 0 and max(seconds) / min(seconds) > _FAR_APART
    kind = {"type": "log", "tickformat": "~g", "dtick": 1} if is_log else {"rangemode": "tozero"}
    return {"title": {"text": "seconds from a trial's start to its end"}, **kind}


def _table(material: ReportData, front: Sequence[TrialRecord]) -> Table:
    headers = ("trial", material.metric, "time", material.unit.value)
    rows = [
        (
            str(trial.number),
            number(trial.value),
            duration(trial.seconds),
            material.unit.number(trial.last_epoch) if trial.last_epoch else "-",
        )
        for trial in reversed(front[-_LISTED:])
    ]
    return Table(headers=headers, rows=rows, right=headers)


def _hover(material: ReportData, trial: TrialRecord) -> str:
    return f"trial {trial.number}<br>{label(material.metric)} {number(trial.value)} in {duration(trial.seconds)}"
