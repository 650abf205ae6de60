"""The course of the search: every trial in its order, and the best so far."""

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord, TrialState
from tuner.formatting.values import number
from tuner.study_report.data import ReportData
from tuner.study_report.document import Picture, Section, Text
from tuner.study_report.figures import (
    GREEN,
    ORANGE,
    RED,
    STATE_COLOURS,
    STATE_WORDS,
    figure,
    label,
    value_axis,
    worth_telling_apart,
)

__all__ = ["section"]


def section(material: ReportData) -> Section | None:
    """Return how the search went; None where no trial has measured anything."""
    measured = [trial for trial in material.trials if trial.value is not None]
    if not measured:
        return None
    steps = _records(material)
    return Section(
        slug="course",
        title="How the search went",
        blocks=(Text(_story(material, steps)), *_expected(material), _picture(material, measured, steps)),
    )


def _expected(material: ReportData) -> list[Text]:
    gain = material.summary.expected_gain
    if gain is None:
        return []
    ahead = f"The {gain.left} trials that are left" if gain.left > 1 else "The trial that is left"
    text = f"{ahead} can be expected to better the best value by {number(gain.mean)}, and with 90 % certainty by "
    return [
        Text(f"{text}{number(gain.low)} to {number(gain.high)}; up to {number(gain.tolerance)} would be negligible.")
    ]


def _records(material: ReportData) -> list[TrialRecord]:
    """Return the complete trials that were the best so far when their number came."""
    records: list[TrialRecord] = []
    for trial in material.of(TrialState.COMPLETE):
        best = records[-1].value if records else None
        if trial.value is not None and material.direction.is_better(trial.value, best):
            records.append(trial)
    return records


def _story(material: ReportData, steps: Sequence[TrialRecord]) -> str:
    if not steps:
        return "No trial is complete yet; each dot is a trial's best value so far."
    if steps[-1].number == 0 and material.summary.default is not None:
        return "The default configuration, trial 0, was the best from the start; no complete trial has beaten it."
    times = "once" if len(steps) == 1 else f"{len(steps)} times"
    last, since = steps[-1].number, len(material.trials) - 1 - steps[-1].number
    text = f"A complete trial was the best so far {times}, most recently trial {last}"
    if not since:
        return f"{text}, the last one: a longer search may well find something better."
    return f"{text}; the {since} after it found nothing better." if since > 1 else f"{text}."


def _picture(material: ReportData, measured: Sequence[TrialRecord], steps: Sequence[TrialRecord]) -> Picture:
    values = [trial.value for trial in measured if trial.value is not None and math.isfinite(trial.value)]
    complete = [trial.value for trial in measured if trial.state is TrialState.COMPLETE and trial.value in values]
    worst = worth_telling_apart(values, [value for value in complete if value is not None], material.direction)
    drawn = figure(
        [*_dots(material, measured, worst), *_failed(material), *_best_so_far(material, steps), *_default(material)],
        xaxis={"title": {"text": "trial"}, "range": [-1, max(10, len(material.trials))]},
        yaxis=value_axis(material.metric, values, material.direction, worst),
        yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
    )
    return Picture(
        name="course",
        caption="Each dot is a trial, at its best value. Stopped trials were trained less than complete "
        "ones, so most are worse for that alone; a triangle is one so much worse that it lies beyond the edge.",
        description=f"Scatter of {label(material.metric)} by trial number with the best value so far as a line",
        figure=drawn,
    )


def _dots(material: ReportData, measured: Sequence[TrialRecord], worst: float) -> list[Any]:
    traces = []
    for state in (TrialState.PRUNED, TrialState.COMPLETE, TrialState.RUNNING):
        trials = [trial for trial in measured if trial.state is state]
        if trials:
            traces.append(
                go.Scatter(
                    x=[trial.number for trial in trials],
                    y=[worst if _is_beyond(material, trial, worst) else trial.value for trial in trials],
                    mode="markers",
                    name=STATE_WORDS[state],
                    marker={
                        "color": STATE_COLOURS[state],
                        "size": 7,
                        "opacity": 0.85,
                        "symbol": [_symbol(material, trial, worst) for trial in trials],
                    },
                    text=[_hover(material, trial) for trial in trials],
                    hoverinfo="text",
                )
            )
    return traces


def _is_beyond(material: ReportData, trial: TrialRecord, worst: float) -> bool:
    return trial.value is not None and material.direction.is_better(worst, trial.value)


def _symbol(material: ReportData, trial: TrialRecord, worst: float) -> str:
    if not _is_beyond(material, trial, worst):
        return "circle"
    return "triangle-down" if material.direction is Direction.MAXIMIZE else "triangle-up"


def _failed(material: ReportData) -> list[Any]:
    trials = material.of(TrialState.FAIL)
    if not trials:
        return []
    return [
        go.Scatter(
            x=[trial.number for trial in trials],
            y=[0.02 if material.direction is Direction.MAXIMIZE else 0.98] * len(trials),
            yaxis="y2",
            mode="markers",
            name="failed",
            marker={"color": RED, "symbol": "x", "size": 8},
            text=[
                f"trial {each.number} failed<br>{label(each.failure.message if each.failure else '')[:200]}"
                for each in trials
            ],
            hoverinfo="text",
        )
    ]


def _best_so_far(material: ReportData, steps: Sequence[TrialRecord]) -> list[Any]:
    if not steps:
        return []
    end = max(trial.number for trial in material.trials)
    line = go.Scatter(
        x=[*(trial.number for trial in steps), end],
        y=[*(trial.value for trial in steps), steps[-1].value],
        mode="lines",
        line={"color": GREEN, "width": 2, "shape": "hv"},
        name="best so far",
        hoverinfo="skip",
    )
    return [line]


def _default(material: ReportData) -> list[Any]:
    default = material.summary.default
    if default is None:
        return []
    return [
        go.Scatter(
            x=[0, max(trial.number for trial in material.trials)],
            y=[default.value] * 2,
            mode="lines",
            line={"color": ORANGE, "width": 1.5, "dash": "dot"},
            name="default configuration",
            hoverinfo="skip",
        )
    ]


def _hover(material: ReportData, trial: TrialRecord) -> str:
    epoch = f", {material.unit.at(trial.epoch)}" if trial.epoch else ""
    return f"trial {trial.number}, {STATE_WORDS[trial.state]}<br>{label(material.metric)} {number(trial.value)}{epoch}"
