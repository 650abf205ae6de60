"""All parameters at once: parallel coordinates."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from tuner.analysis.importance.encoding import Axis
from tuner.domain.choice import Choice
from tuner.study_report.data import ReportData
from tuner.study_report.document import Picture, Section, Text
from tuner.study_report.figures import BLUE, FAINT, GREEN, ORANGE, figure, label

__all__ = ["section"]

_MOST_AXES = 8
_AXIS_WIDTH = 84
_ABSENT = -0.16
_SPREAD = 0.04
_GOLDEN = 0.618033988749895
_GROUPS = (
    ("best tenth", 0.1, ORANGE, 1.6),
    ("rest of the best third", 1 / 3, BLUE, 1.0),
    ("the others", 1.0, FAINT, 1.0),
)


def section(material: ReportData) -> Section | None:
    """Return the parallel coordinates; None where there are too few trials or parameters to compare."""
    axes = _chosen(material)
    if len(axes) < 2 or len(material.drawn) < 3:  # noqa: PLR2004 - nothing to see
        return None
    return Section(
        slug="together",
        title="All parameters together",
        blocks=(
            Text(
                "What do the good trials have in common? Follow the orange lines; a click on the legend hides a group."
            ),
            _picture(material, axes),
        ),
    )


def _picture(material: ReportData, axes: Sequence[Axis]) -> Picture:
    has_absent = any(axis.path not in material.values[trial.number] for trial in material.drawn for axis in axes)
    drawn = figure(
        [*_lines(material, axes)],
        xaxis={
            "tickvals": [*range(len(axes) + 1)],
            "ticktext": [_wrapped(axis.path) for axis in axes] + ["beats"],
            "side": "bottom",
            "showline": False,
            "ticks": "",
            "range": [-0.35, len(axes) + 0.35],
        },
        yaxis={"visible": False, "range": [_ABSENT - 0.06 if has_absent else -0.07, 1.07]},
        shapes=[_pole(place) for place in range(len(axes) + 1)],
        annotations=[*_marks(axes, has_absent=has_absent)],
        height=470,
    )
    return Picture(
        name="together",
        caption="A line is a trial; on the right is the share of the other trials that it beats. "
        + ("At the bottom pass those that do not have a parameter." if has_absent else ""),
        description="Parallel coordinates of the parameters that matter most",
        figure=drawn,
        height=470,
        least_width=_AXIS_WIDTH * (len(axes) + 1),
    )


def _chosen(material: ReportData) -> list[Axis]:
    """Return the axes that matter most, in the order of the space."""
    order = [parameter.path for parameter in material.importance.parameters] or [axis.path for axis in material.axes]
    wanted = set(order[:_MOST_AXES])
    return [axis for axis in material.axes if axis.path in wanted]


def _lines(material: ReportData, axes: Sequence[Axis]) -> Iterator[Any]:
    ranked = [trial.number for trial in material.drawn]
    begin, groups = 0, []
    for name, share, colour, width in _GROUPS:
        end = max(begin + 1, math.ceil(share * len(ranked)))
        groups.append((name, ranked[begin:end], colour, width))
        begin = end
    # The best are drawn last, on top.
    for name, numbers, colour, width in reversed(groups):
        if numbers:
            yield _group(material, axes, numbers, name=name, colour=colour, width=width)
    best = material.summary.best
    if best is not None and best.number in material.importance.standings:
        yield _group(material, axes, [best.number], name=f"best, trial {best.number}", colour=GREEN, width=3.0)


def _group(
    material: ReportData, axes: Sequence[Axis], numbers: Sequence[int], *, name: str, colour: str, width: float
) -> Any:
    xs: list[int | None] = []
    ys: list[float | None] = []
    for number in numbers:
        values, aside = material.values[number], _SPREAD * ((number * _GOLDEN) % 1.0 - 0.5)
        xs += [*range(len(axes) + 1), None]
        ys += [*(_height(axis, values, aside) for axis in axes), material.importance.standings[number], None]
    return go.Scatter(x=xs, y=ys, mode="lines", line={"color": colour, "width": width}, name=name, hoverinfo="skip")


def _height(axis: Axis, values: Mapping[str, Any], aside: float = 0.0) -> float:
    """Return where a trial's line passes; `aside` of an option, so that many lines look like many."""
    code = axis.code(values[axis.path]) if axis.path in values else math.nan
    if math.isnan(code):
        return _ABSENT + aside
    return code / max(1, len(axis.options) - 1) + aside if axis.options else code


def _marks(axes: Sequence[Axis], *, has_absent: bool) -> Iterator[dict[str, Any]]:
    for place, axis in enumerate(axes):
        for height, text in _ends(axis):
            yield _mark(place, height, text)
    for height, text in ((0.0, "0 %"), (1.0, "100 %")):
        yield _mark(len(axes), height, text)
    if has_absent:
        yield {**_mark(0, _ABSENT, "not there"), "xanchor": "left", "yshift": -9}


def _ends(axis: Axis) -> list[tuple[float, str]]:
    parameter = axis.parameter
    if isinstance(parameter, Choice):
        return [(_height(axis, {axis.path: option}), str(option)) for option in parameter.options]
    return [(0.0, f"{parameter.at(0.0):.3g}"), (1.0, f"{parameter.at(1.0):.3g}")]


def _mark(place: int, height: float, text: str) -> dict[str, Any]:
    return {
        "x": place,
        "y": height,
        "text": label(text),
        "showarrow": False,
        "xanchor": "left",
        "xshift": 4,
        "yshift": 8,
        "font": {"size": 11},
    }


def _pole(place: int) -> dict[str, Any]:
    return {"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "line": {"color": "#8b93a1", "width": 1}}


def _wrapped(path: str) -> str:
    """Return a path on lines of its own parts, so that neighbours do not run into each other."""
    return "<br>".join(label(part) for part in path.split("."))
