"""Which parameters matter, and how."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import plotly.graph_objects as go

from tuner.analysis.importance import Band, ParameterImportance
from tuner.analysis.importance.encoding import Axis
from tuner.domain.trial import TrialRecord, TrialState
from tuner.formatting.values import amount, number
from tuner.study_report.data import ReportData
from tuner.study_report.document import Block, Gallery, Picture, Section, Table, Text
from tuner.study_report.figures import BLUE, GREEN, GREY, STATE_WORDS, figure, label

__all__ = ["section"]

_SHOWN = 6
_TOP, _BOTTOM = 1.04, -0.04
_SPREAD = 0.5
_GOLDEN = 0.618033988749895


def section(material: ReportData) -> Section | None:
    """Return what matters; None where no trial was run."""
    if not material.trials:
        return None
    return Section(slug="parameters", title="Which parameters matter, and how", blocks=tuple(_blocks(material)))


def _blocks(material: ReportData) -> Iterator[Block]:
    importance = material.importance
    if importance.why_not:
        yield Text(f"Nothing can be said yet: {importance.why_not}.")
        return
    yield Text(
        f"Learned from the {material.metric} of {amount(importance.trials, 'trial')}, stopped ones included: any two "
        f"are compared as far as both were trained. The parameters explain {importance.explained:.0%} of how "
        "unseen trials differ; the rest is chance, or more than so many trials can show."
    )
    if importance.clear:
        yield _table(material, importance.clear)
        axes = {axis.path: axis for axis in material.axes}
        yield Gallery([_picture(material, parameter, axes[parameter.path]) for parameter in importance.clear[:_SHOWN]])
    unclear = [parameter.path for parameter in importance.parameters if not parameter.is_clear]
    if unclear:
        yield Text(f"No more than chance: {', '.join(unclear)}.", faint=True)


def _table(material: ReportData, parameters: Sequence[ParameterImportance]) -> Table:
    mean = f"mean {material.metric}"
    return Table(
        headers=("parameter", "importance", "how", "best", "beats", mean, "worst", "beats"),
        rows=[
            (
                each.path,
                f"{each.share:.0%}",
                each.shape.value,
                *_band(each.best),
                number(each.best.mean if each.best else None),
                *_band(each.worst),
            )
            for each in parameters
        ],
        right=("importance", "beats", mean),
        caption="beats: the share of the other trials that one with such a value is expected to be better than, the "
        f"other parameters being anything; {mean}: of the complete trials with the best values",
    )


def _band(band: Band | None) -> tuple[str, str]:
    return (str(band), f"{band.standing:.0%}") if band else ("-", "-")


def _picture(material: ReportData, parameter: ParameterImportance, axis: Axis) -> Picture:
    expected = _expected(parameter, axis)
    drawn = figure(
        [*_dots(material, axis), expected],
        xaxis=_axis(axis),
        yaxis={"range": [_BOTTOM, _TOP], "tickformat": ".0%", "title": {"text": "beats"}},
        showlegend=False,
        height=260,
        margin={"l": 56, "r": 12, "t": 12, "b": 44},
    )
    return Picture(
        name=f"parameter-{parameter.path}",
        caption=f"{parameter.path}: {parameter.shape.value}",
        description=f"How trials stand by {parameter.path}; the line is what is expected",
        figure=drawn,
        height=260,
        width=480,
    )


def _dots(material: ReportData, axis: Axis) -> Iterator[Any]:
    for state, colour in ((TrialState.PRUNED, GREY), (TrialState.RUNNING, GREY), (TrialState.COMPLETE, BLUE)):
        points = [*_points(material, axis, state)]
        if points:
            yield go.Scatter(
                x=[x for x, _, _ in points],
                y=[y for _, y, _ in points],
                text=[text for _, _, text in points],
                mode="markers",
                marker={"color": colour, "size": 5, "opacity": 0.7},
                hoverinfo="text",
            )


def _points(material: ReportData, axis: Axis, state: TrialState) -> Iterator[tuple[Any, float, str]]:
    for trial in material.drawn:
        values, standing = material.values[trial.number], material.importance.standings[trial.number]
        if trial.state is not state or axis.path not in values:
            continue
        value = values[axis.path]
        place = _place(axis, trial, value)
        yield (
            place,
            standing,
            f"trial {trial.number}, {STATE_WORDS[state]}<br>{label(axis.path)} {label(_written(value))}",
        )


def _place(axis: Axis, trial: TrialRecord, value: Any) -> Any:
    """Return where a value lies; those of an option beside each other, so that none hides another."""
    if not axis.options:
        return value
    return axis.code(value) + _SPREAD * ((trial.number * _GOLDEN) % 1.0 - 0.5)


def _written(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _expected(parameter: ParameterImportance, axis: Axis) -> Any:
    """Return the line of what is expected: a step for each part of the range."""
    xs: list[Any] = []
    ys: list[float | None] = []
    for band in parameter.bands:
        if axis.options:
            middle = axis.code(band.option)
            xs += [middle - 0.4, middle + 0.4, None]
        else:
            xs += [band.low, band.high, None]
        ys += [band.standing, band.standing, None]
    points = all(band.low == band.high for band in parameter.bands) and not axis.options
    mode = "markers" if points else "lines"
    marker = {"color": GREEN, "size": 22, "symbol": "line-ew", "line": {"width": 3, "color": GREEN}}
    return go.Scatter(x=xs, y=ys, mode=mode, line={"color": GREEN, "width": 3}, marker=marker, hoverinfo="skip")


def _range(axis: Axis) -> dict[str, Any]:
    low, high = float(axis.parameter.at(0.0)), float(axis.parameter.at(1.0))  # type: ignore[arg-type]  # of a range
    if not getattr(axis.parameter, "log", False) or low <= 0:
        return {"nticks": 6}
    decades = math.log10(high / low)
    return {"type": "log", "tickformat": "~g", **({"dtick": math.ceil(decades / 4)} if decades > 1 else {"nticks": 4})}


def _axis(axis: Axis) -> dict[str, Any]:
    if not axis.options:
        return _range(axis)
    places = [*range(len(axis.options))]
    return {
        "tickvals": places,
        "ticktext": [label(option) for option in axis.options],
        "range": [-0.6, places[-1] + 0.6],
    }
