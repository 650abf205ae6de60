"""How figures look: one palette that is read on light and dark ground, and the axes they share.

Colours of text, grids and ground are left out; the page sets them, so that they follow its theme.
"""

import html
import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from tuner.domain.study import Direction
from tuner.domain.trial import TrialState
from tuner.formatting.values import safe

# Okabe and Ito's, which colour-blind people can distinguish, in tones that are legible on white and on black.
BLUE, ORANGE, GREEN, RED, PURPLE = "#3a86c8", "#e0892a", "#1f9e77", "#d1495b", "#9a6fb0"
GREY, FAINT = "#8b93a1", "rgba(139,147,161,0.35)"

STATE_COLOURS = {
    TrialState.COMPLETE: BLUE,
    TrialState.PRUNED: GREY,
    TrialState.RUNNING: GREEN,
    TrialState.FAIL: RED,
    TrialState.WAITING: FAINT,
}
STATE_WORDS = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "stopped early",
    TrialState.RUNNING: "running",
    TrialState.FAIL: "failed",
    TrialState.WAITING: "waiting",
}

_LOWEST = 0.1
_PADDING = 0.06
_DECADES = 1_000
_CLOSE_UP = 3.0


def figure(traces: Sequence[Any], **layout: Any) -> go.Figure:
    """Return a figure of these traces in the report's look."""
    base = {
        "template": None,
        "margin": {"l": 62, "r": 18, "t": 34, "b": 48},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "closest",
        "font": {"family": "system-ui, sans-serif", "size": 13},
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
        "showlegend": len([trace for trace in traces if trace.showlegend is not False]) > 1,
    }
    drawn = go.Figure(list(traces), layout=base)
    drawn.update_xaxes(zeroline=False, showline=True, ticks="outside", ticklen=4, showgrid=False, automargin=True)
    drawn.update_yaxes(zeroline=False, showline=False, showgrid=True, automargin=True)
    drawn.update_layout(**layout)
    return drawn


def label(text: object) -> str:
    """Return text for a figure, where plotly would take some of it for markup."""
    return html.escape(safe(text), quote=False)


def worth_telling_apart(values: Sequence[float], complete: Sequence[float], direction: Direction) -> float:
    """Return the worst of `values` that is worth an axis' room.

    Three times as far from the best as most complete trials are, so that these can be distinguished, and no less than
    the best quarter of all.
    """
    merits = sorted((direction.sign * value for value in values), reverse=True)
    quarter = merits[(len(merits) - 1) // 4]
    good = sorted(direction.sign * value for value in complete)
    close_up = good[-1] - _CLOSE_UP * (good[-1] - good[int(len(good) * _LOWEST)]) if good else merits[-1]
    return direction.sign * max(merits[-1], min(quarter, close_up))


def value_axis(title: str, values: Sequence[float], direction: Direction, worst: float | None = None) -> dict[str, Any]:
    """Return the axis of a metric from the best value to `worst`, without one to all but the worst tenth.

    It is logarithmic where values that are better when small are many times apart. What lies beyond is seen after a
    double click.
    """
    axis: dict[str, Any] = {"title": {"text": label(title)}}
    finite = sorted(value for value in values if math.isfinite(value))
    if not finite:
        return axis
    low, high = _shown(finite, direction)
    if worst is not None:
        low, high = (worst, high) if direction is Direction.MAXIMIZE else (low, worst)
    is_log = direction is Direction.MINIMIZE and low > 0 and high / low > _DECADES
    ends = (math.log10(low), math.log10(high)) if is_log else (low, high)
    padding = _PADDING * (ends[1] - ends[0]) or abs(ends[1]) * _PADDING or 1.0
    return axis | {"type": "log" if is_log else "linear", "range": [ends[0] - padding, ends[1] + padding]}


def _shown(ordered: Sequence[float], direction: Direction) -> tuple[float, float]:
    """Return the range of all but the worst values, which may lie anywhere; of few values all."""
    cut = int(len(ordered) * _LOWEST)
    if direction is Direction.MAXIMIZE:
        return ordered[cut], ordered[-1]
    return ordered[0], ordered[-1 - cut]
