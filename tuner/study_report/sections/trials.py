"""The best trials, side by side."""

from tuner.analysis.queries import top
from tuner.formatting.values import duration, number, short_config
from tuner.study_report.data import ReportData
from tuner.study_report.document import Section, Table

__all__ = ["section"]

_LISTED = 10


def section(material: ReportData) -> Section | None:
    """Return the best trials; None where there are not two."""
    best = top(material.study, material.trials, _LISTED, material.repetitions)
    if len(best) < 2:  # noqa: PLR2004 - one is the answer
        return None
    headers = ("trial", material.metric, material.unit.heading, "time", "configuration")
    rows = [
        (
            str(trial.number),
            number(trial.value),
            material.unit.number(trial.epoch) if trial.epoch else "-",
            duration(trial.seconds),
            short_config(trial.config),
        )
        for trial in best
    ]
    return Section(
        slug="trials",
        title=f"The {len(best)} best complete trials",
        blocks=(Table(headers=headers, rows=rows, right=headers[:4]),),
    )
