"""The answer: what was found, how sure it is, and the configuration to use."""

from collections.abc import Iterator, Mapping

from tuner.analysis.confirmation import Confirmation
from tuner.analysis.queries import failure_reasons, front
from tuner.domain.trial import TrialRecord, TrialState
from tuner.formatting.values import amount, config_lines, number, safe
from tuner.study_report.data import ReportData
from tuner.study_report.document import Block, Fact, Facts, Listing, Section, Table, Tables, Text
from tuner.study_report.sections.confirmation import between

__all__ = ["section"]


def section(material: ReportData) -> Section:
    """Return the best trial, or why there is none."""
    best = material.summary.best
    blocks = _found(material, best) if best is not None else _nothing(material)
    return Section(slug="answer", title="The answer", blocks=(*_state_of_affairs(material), *blocks))


def _state_of_affairs(material: ReportData) -> Iterator[Block]:
    summary = material.summary
    running = summary.counts[TrialState.RUNNING] + summary.counts[TrialState.WAITING]
    if summary.target is not None and not summary.is_complete:
        yield Text(
            f"This study is not at its end: {summary.finished} of {summary.target} trials are finished"
            + (f", {running} are under way" if running else "")
            + ". What follows may change."
        )


def _found(material: ReportData, best: TrialRecord) -> Iterator[Block]:
    confirmation = material.summary.confirmation
    if confirmation is not None:
        yield Facts([*_confirmed(material, confirmation)], leads=True)
    else:
        yield Facts([*_searched(material, best)], leads=True)
        yield Text(
            "The best of many noisy values is a lucky one: expect a new training with this configuration to do "
            "a little worse.",
            faint=True,
        )
        if material.spec:
            yield Listing(text=material.command("confirm"))
    yield from _constraints(material)
    yield Tables([_configuration(best.config), _metrics(material, best)])
    if material.summary.test_failure:
        yield Text(f"The test failed: {safe(material.summary.test_failure)}")


def _confirmed(material: ReportData, confirmation: Confirmation) -> Iterator[Fact]:
    winner, metric = confirmation.winner, material.metric
    trainings = f"mean of {len(winner.estimate.values)} trainings of trial {winner.number}'s configuration"
    yield Fact(
        label=f"{metric} to expect", value=number(winner.estimate.mean), note=f"{between(winner.estimate)}; {trainings}"
    )
    if confirmation.default is winner:
        yield Fact(
            label="gain by tuning", value="none", note="in the mean nothing is better than the default configuration"
        )
    elif confirmation.gain is not None and confirmation.default is not None:
        default = number(confirmation.default.estimate.mean)
        doubt = "" if confirmation.gain.low > 0 else "; it may be no better"
        note = f"{between(confirmation.gain)}, better than the default configuration's {default}{doubt}"
        yield Fact(label="gain by tuning", value=number(confirmation.gain.mean), note=note)
    if metric in confirmation.test:
        test = confirmation.test[metric]
        yield Fact(label="on the test split", value=number(test.mean), note=f"{between(test)}; {_fairness(material)}")
    if confirmation.test_gain is not None:
        note = f"{between(confirmation.test_gain)}, better than the default configuration there"
        yield Fact(label="gain on the test split", value=number(confirmation.test_gain.mean), note=note)


def _fairness(material: ReportData) -> str:
    """Return how far the test split is data that nothing was chosen by."""
    count = len(material.summary.tested)
    return f"it has measured {count} winners by now" if count > 1 else "nothing was chosen by it"


def _searched(material: ReportData, best: TrialRecord) -> Iterator[Fact]:
    summary = material.summary
    epoch = f", {material.unit.at(best.epoch)}" if best.epoch else ""
    yield Fact(label=f"best {material.metric}", value=number(best.value), note=f"trial {best.number}{epoch}")
    yield from _gain(material, best)
    for name in material.study.metrics[1:]:
        yield Fact(label=name, value=number(best.metrics.get(name)), note="of the same trial")
    if summary.test_metrics and material.metric in summary.test_metrics:
        value = number(summary.test_metrics[material.metric])
        yield Fact(
            label="on the test split",
            value=value,
            note=_fairness(material),
        )


def _constraints(material: ReportData) -> Iterator[Block]:
    study = material.study
    if study.constraints:
        yield Text(
            f"It is the best of those that meet the constraints: {safe(', '.join(map(str, study.constraints)))}."
        )
    if study.goal.has_several:
        count = len(front(study, material.trials))
        yield Text(
            f"It has the best {material.metric} of the {count} trials on the Pareto front; see the trade-offs below."
        )


def _nothing(material: ReportData) -> Iterator[Block]:
    if not material.trials:
        yield Text("No trial was run yet.")
        return
    yield Text(_why_none(material))
    reasons = failure_reasons(material.trials)
    if reasons:
        message, count = reasons[0]
        yield Text(f"{count} failed with: {safe(message)}")
    if material.spec:
        yield Listing(text=material.command("resume"))


def _why_none(material: ReportData) -> str:
    miss = material.summary.nearest_miss
    if miss is None:
        return f"None of the {amount(len(material.trials), 'trial')} is complete, so there is no best one yet."
    broken = ", ".join(map(str, material.study.goal.violated(miss.metrics)))
    return f"No trial meets the constraints, so there is no best one yet; trial {miss.number} comes nearest: {broken}."


def _gain(material: ReportData, best: TrialRecord) -> Iterator[Fact]:
    summary = material.summary
    if summary.gain is None or summary.default is None:
        return
    if best.number == 0:
        yield Fact(label="gain by tuning", value="none", note="no trial beat the default configuration")
        return
    default = number(summary.default.value)
    if summary.gain <= 0:  # the first metric of several, or a default that breaks a constraint
        yield Fact(label="gain by tuning", value="none", note=f"the default configuration reached {default}")
        return
    note = f"better than the default configuration's {default}"
    yield Fact(label="gain by tuning", value=number(summary.gain), note=note)


def _configuration(config: Mapping[str, object]) -> Table:
    lines = [(name.replace("  ", "\N{NO-BREAK SPACE}" * 4), value) for name, value in config_lines(config)]
    return Table(headers=("configuration", "value"), rows=lines, right=("value",))


def _metrics(material: ReportData, best: TrialRecord) -> Table:
    confirmation = material.summary.confirmation
    found = {name: number(value) for name, value in (best.metrics or {material.metric: best.value or 0.0}).items()}
    test = {name: number(value) for name, value in (material.summary.test_metrics or {}).items()}
    if confirmation is not None:
        validation, tested = confirmation.shown(material.metric)
        found, test = {**found, **validation}, {**test, **tested}
    headers = ("metric", "validation", "test") if test else ("metric", "validation")
    rows = [(safe(name), value, *([test.get(name, "-")] if test else [])) for name, value in found.items()]
    return Table(headers=headers, rows=rows, right=headers[1:])
