"""The order of a report."""

from collections.abc import Callable

from tuner.study_report.data import ReportData
from tuner.study_report.document import Document, Section
from tuner.study_report.sections import (
    best_trial,
    confirmation,
    cost,
    curves,
    failures,
    model,
    optimization_history,
    parallel_coordinates,
    parameters,
    reproducibility,
    time_trade_off,
    trade_offs,
    trials,
)

_SECTIONS: tuple[Callable[[ReportData], Section | None], ...] = (
    best_trial.section,
    confirmation.section,
    model.section,
    optimization_history.section,
    curves.section,
    parameters.section,
    parallel_coordinates.section,
    trade_offs.section,
    time_trade_off.section,
    trials.section,
    failures.section,
    cost.section,
    reproducibility.section,
)


def compose(material: ReportData) -> Document:
    """Return the report of a study."""
    sections = [section for make in _SECTIONS if (section := make(material)) is not None]
    return Document(
        title=material.study.name, subtitle=_subtitle(material), sections=sections, written=_written(material)
    )


def _subtitle(material: ReportData) -> str:
    summary = material.summary
    target = f" of {summary.target}" if summary.target and not summary.is_complete else ""
    began = min((trial.started for trial in material.trials if trial.started), default=None)
    when = f", begun {began:%Y-%m-%d %H:%M} UTC" if began else ""
    return f"{material.study.goal}: {summary.finished}{target} trials finished{when}"


def _written(material: ReportData) -> str:
    return f"Written {material.written:%Y-%m-%d %H:%M} UTC by tuner"
