"""How sure the answer is: the best configurations, trained again with fresh seeds."""

from collections.abc import Iterator, Sequence
from typing import Any

import plotly.graph_objects as go

from tuner.analysis.candidate import Candidate
from tuner.analysis.confirmation import Confirmation
from tuner.analysis.estimate import LEVEL, Estimate
from tuner.formatting.values import number, short_config
from tuner.study_report.data import ReportData
from tuner.study_report.document import Block, Picture, Section, Table, Text
from tuner.study_report.figures import BLUE, GREEN, ORANGE, figure, label

__all__ = ["between", "section"]

_ASIDE = 0.22
_NOTHING = 5e-5


def section(material: ReportData) -> Section | None:
    """Return what training again has shown; None where that was not done."""
    confirmation = material.summary.confirmation
    if confirmation is None:
        return None
    return Section(slug="confirmation", title="How sure that is", blocks=tuple(_blocks(material, confirmation)))


def between(estimate: Estimate) -> str:
    """Return an estimate's interval in words."""
    if not estimate.is_known:
        return "one training alone has no interval"
    return f"{LEVEL:.0%} interval {number(estimate.low)} to {number(estimate.high)} {estimate.claim}"


def _blocks(material: ReportData, confirmation: Confirmation) -> Iterator[Block]:
    count = max(len(each.estimate.values) for each in confirmation.candidates)
    yield Text(
        f"The {len(confirmation.candidates)} best configurations, the default one among them, were trained again to "
        f"the end, up to {count} times each, with seeds that nothing was chosen by. {_optimism(confirmation)} "
        f"{_claim(confirmation.winner.estimate)}"
    )
    yield _picture(material, confirmation)
    yield _table(material, confirmation)


def _claim(estimate: Estimate) -> str:
    """Return what the intervals are for, and what they leave out."""
    if not estimate.rows:
        return (
            "The intervals are for another seed on the same validation rows. What other rows would change is not "
            "known: the objective keeps no values by row."
        )
    seeds = f"; another seed alone changes it by {number(estimate.seed_margin)}" if estimate.is_known else ""
    return (
        f"The intervals are for new rows of data like the {estimate.rows} that were measured{seeds}. These rows took "
        "part in choosing, so the mean is on the good side; the test split, where there is one, is fair."
    )


def _optimism(confirmation: Confirmation) -> str:
    optimism_bias, shown = confirmation.optimism_bias, confirmation.winner.search_value
    if optimism_bias is None or shown is None:
        return ""
    shown_as = f"The search had shown the winner at {number(shown)}"
    if abs(optimism_bias) < _NOTHING:
        return f"{shown_as}, which is its mean."
    how = "better: the best of many noisy values flatters" if optimism_bias > 0 else "worse"
    return f"{shown_as}; against its mean that is {number(abs(optimism_bias))} {how}."


def _picture(material: ReportData, confirmation: Confirmation) -> Picture:
    candidates = [*reversed(confirmation.candidates)]  # the first is drawn at the top
    places = [*range(len(candidates))]
    height = 130 + 46 * len(places)
    drawn = figure(
        [*_traces(candidates)],
        xaxis={"title": {"text": label(material.metric)}, "showgrid": True},
        yaxis={
            "tickvals": places,
            "ticktext": [_named(each, confirmation) for each in candidates],
            "showgrid": False,
            "range": [-0.5, len(places) - 0.3],
        },
        height=height,
    )
    return Picture(
        name="confirmation",
        caption="All intervals hold at once. Where two overlap, either configuration may be the better one.",
        description=f"Mean {label(material.metric)} of each configuration that was trained again, with its interval",
        figure=drawn,
        height=height,
    )


def _traces(candidates: Sequence[Candidate]) -> Iterator[Any]:
    placed = [*enumerate(candidates)]
    single = [(value, place + _ASIDE) for place, each in placed for value in each.estimate.values]
    yield _marks(single, "one training", {"color": BLUE, "size": 6, "opacity": 0.75})
    shown = [(each.search_value, place) for place, each in placed if each.search_value is not None]
    yield _marks(shown, "what the search had shown", {"color": ORANGE, "size": 9, "symbol": "diamond-open"})
    known = [each.estimate if each.estimate.is_known else None for each in candidates]
    yield go.Scatter(
        x=[each.estimate.mean for each in candidates],
        y=[place for place, _ in placed],
        mode="markers",
        name=f"mean and its {LEVEL:.0%} interval",
        marker={"color": GREEN, "size": 10},
        error_x={
            "type": "data",
            "array": [each.high - each.mean if each else 0.0 for each in known],
            "arrayminus": [each.mean - each.low if each else 0.0 for each in known],
            "color": GREEN,
            "thickness": 2.5,
            "width": 7,
        },
        hovertemplate="%{x:.4g}<extra></extra>",
    )


def _marks(points: Sequence[tuple[float | None, float]], name: str, marker: dict[str, Any]) -> Any:
    return go.Scatter(
        x=[value for value, _ in points],
        y=[place for _, place in points],
        mode="markers",
        name=name,
        marker=marker,
        hovertemplate="%{x:.4g}<extra></extra>",
    )


def _named(candidate: Candidate, confirmation: Confirmation) -> str:
    return f"trial {candidate.number}" + (", default" if candidate is confirmation.default else "")


def _table(material: ReportData, confirmation: Confirmation) -> Table:
    headers = ("trial", f"mean {material.metric}", "interval", "the search had shown", "trainings", "configuration")
    rows = [
        (
            _named(each, confirmation),
            number(each.estimate.mean),
            _interval(each.estimate),
            number(each.search_value),
            f"{len(each.estimate.values)}" + (f", {each.failed} failed" if each.failed else ""),
            short_config(each.config),
        )
        for each in confirmation.candidates
    ]
    return Table(headers=headers, rows=rows, right=headers[1:5])


def _interval(estimate: Estimate) -> str:
    return f"{number(estimate.low)} to {number(estimate.high)}" if estimate.is_known else "-"
