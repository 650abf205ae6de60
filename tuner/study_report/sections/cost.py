"""What the study cost, and what stopping saved."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import plotly.graph_objects as go

from tuner.analysis.queries import busy_seconds
from tuner.domain.trial import TrialRecord, TrialState
from tuner.formatting.values import amount, duration
from tuner.study_report.data import ReportData
from tuner.study_report.document import Block, Fact, Facts, Picture, Section, Table, Text
from tuner.study_report.figures import STATE_COLOURS, STATE_WORDS, figure

__all__ = ["section"]

_ENDED = (TrialState.PRUNED, TrialState.COMPLETE)


def section(material: ReportData) -> Section | None:
    """Return time and compute; None where nothing was trained."""
    if not material.summary.epochs and not material.summary.finished:
        return None
    return Section(slug="spent", title="What it cost, and what stopping saved", blocks=tuple(_blocks(material)))


def _blocks(material: ReportData) -> Iterator[Block]:
    spending = _Spending(material)
    yield Facts([*_facts(spending)])
    yield Text(
        "Trials that run at the same time each count their own time, so the trials' times can add up to more than "
        "passed on the clock.",
        faint=True,
    )
    yield _table(material)
    if spending.epochs and material.max_epochs > 1:
        yield _picture(material)


@final
@dataclass(frozen=True, slots=True)
class _Spending:
    """A study's time and epochs, and what it would have taken to train every trial to the end."""

    material: ReportData

    @property
    def wall(self) -> float:
        """Seconds in which at least one trial ran: pauses between runs do not count."""
        return busy_seconds(self.material.trials)

    @property
    def epochs(self) -> int:
        return self.material.summary.epochs

    @property
    def ended(self) -> list[TrialRecord]:
        """The trials that were stopped or came to their end."""
        return [trial for trial in self.material.trials if trial.state in _ENDED and trial.curve]

    @property
    def in_full(self) -> int:
        """Epochs that those trials would have taken without stopping.

        Where no trial came to the budget's last epoch the objective itself ends sooner, and nothing more was saved.
        """
        return len(self.ended) * max((trial.last_epoch for trial in self.ended), default=0)

    @property
    def spared(self) -> int:
        return max(0, self.in_full - sum(trial.last_epoch for trial in self.ended))


def _facts(spending: _Spending) -> Iterator[Fact]:
    yield Fact(label="time", value=duration(spending.wall), note="in which trials ran")
    if not spending.epochs:
        return
    trials, unit = len([trial for trial in spending.material.trials if trial.curve]), spending.material.unit.value
    yield Fact(label=f"{unit} trained", value=f"{spending.epochs:,}", note=f"over {amount(trials, 'trial')}")
    if (batching := spending.material.summary.batching).epochs:
        yield Fact(label="trained together", value=f"{batching.share:.0%}", note=str(batching))
    if spending.spared:
        share = spending.spared / spending.in_full
        yield Fact(
            label="saved by stopping",
            value=f"{share:.0%}",
            note=f"{spending.spared:,} of the {spending.in_full:,} {unit} that no stopping would have taken",
        )
        spent = spending.in_full - spending.spared
        yield Fact(
            label="time saved, about",
            value=duration(spending.wall * spending.spared / max(1, spent)),
            note=f"had all {unit} taken as long as those trained",
        )


def _table(material: ReportData) -> Table:
    rows = []
    for state, word in STATE_WORDS.items():
        trials = material.of(state)
        if trials:
            seconds = sum(trial.seconds or 0.0 for trial in trials)
            epochs = sum(trial.last_epoch for trial in trials)
            rows.append((word, str(len(trials)), f"{epochs:,}", duration(seconds) if seconds else "-"))
    if material.repetitions:
        seconds = sum(trial.seconds or 0.0 for trial in material.repetitions)
        epochs = sum(trial.last_epoch for trial in material.repetitions)
        rows.append(("trained again to confirm", str(len(material.repetitions)), f"{epochs:,}", duration(seconds)))
    headers = ("trials", "count", material.unit.value, "trials' time")
    return Table(headers=headers, rows=rows, right=headers[1:])


def _picture(material: ReportData) -> Picture:
    traces = []
    for state in (TrialState.PRUNED, TrialState.COMPLETE, TrialState.RUNNING, TrialState.FAIL):
        reached = Counter(trial.last_epoch for trial in material.of(state) if trial.curve)
        if reached:
            traces.append(
                go.Bar(
                    x=[str(epoch) for epoch in sorted(reached)],
                    y=[reached[epoch] for epoch in sorted(reached)],
                    name=STATE_WORDS[state],
                    marker={"color": STATE_COLOURS[state]},
                    hovertemplate=f"%{{y}} trials to {material.unit.heading} %{{x}}<extra></extra>",
                )
            )
    epochs = sorted({trial.last_epoch for trial in material.trials if trial.curve})
    drawn = figure(
        traces,
        barmode="stack",
        xaxis={
            "title": {"text": f"trained to {material.unit.heading}"},
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [str(epoch) for epoch in epochs],
        },
        yaxis={"title": {"text": "trials"}},
        height=300,
    )
    return Picture(
        name="spent",
        caption="How far trials were trained. Most of a search's worth is in stopping the poor ones soon.",
        description="Number of trials by how far they were trained",
        figure=drawn,
        height=300,
    )
