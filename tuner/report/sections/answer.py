"""The answer: what was found, how sure it is, and the configuration to use."""

from collections.abc import Iterator, Mapping

from tuner.domain.trial import TrialRecord, TrialState
from tuner.queries import failure_reasons
from tuner.report.document import Block, Fact, Facts, Listing, Section, Table, Tables, Text
from tuner.report.material import Material
from tuner.words import config_lines, number, safe

__all__ = ["section"]


def section(material: Material) -> Section:
    """Return the best trial, or why there is none."""
    best = material.summary.best
    blocks = _found(material, best) if best is not None else _nothing(material)
    return Section(slug="answer", title="The answer", blocks=(*_state_of_affairs(material), *blocks))


def _state_of_affairs(material: Material) -> Iterator[Block]:
    summary = material.summary
    running = summary.counts[TrialState.RUNNING] + summary.counts[TrialState.WAITING]
    if summary.target is not None and not summary.is_complete:
        yield Text(
            f"This study is not at its end: {summary.finished} of {summary.target} trials are finished"
            + (f", {running} are under way" if running else "")
            + ". What follows may change."
        )


def _found(material: Material, best: TrialRecord) -> Iterator[Block]:
    summary = material.summary
    facts = [
        Fact(
            label=f"best {material.metric}",
            value=number(best.value),
            note=f"trial {best.number}" + (f", epoch {best.epoch}" if best.epoch else ""),
        )
    ]
    facts += [*_gain(material, best)]
    if summary.test_metrics and material.metric in summary.test_metrics:
        value = number(summary.test_metrics[material.metric])
        facts.append(Fact(label="on the test split", value=value, note="measured once, at the end"))
    yield Facts(facts, leads=True)
    yield Text(
        "The best of many noisy values is a lucky one: expect a new training with this configuration to do a little "
        "worse.",
        faint=True,
    )
    yield Tables([_configuration(best.config), _metrics(material, best)])
    if summary.test_failure:
        yield Text(f"The test failed: {safe(summary.test_failure)}")
    yield Listing(text=material.command(f"best {material.quoted_name} --top 5"))


def _nothing(material: Material) -> Iterator[Block]:
    if not material.trials:
        yield Text("No trial was run yet.")
        return
    yield Text(f"None of the {len(material.trials)} trials is complete, so there is no best one yet.")
    reasons = failure_reasons(material.trials)
    if reasons:
        message, count = reasons[0]
        yield Text(f"{count} failed with: {safe(message)}")
    if material.spec:
        yield Listing(text=material.command(f"resume {material.quoted_name}"))


def _gain(material: Material, best: TrialRecord) -> Iterator[Fact]:
    summary = material.summary
    if summary.gain is None or summary.default is None:
        return
    if best.number == 0:
        yield Fact(label="gain by tuning", value="none", note="no trial beat the default configuration")
        return
    note = f"better than the default configuration's {number(summary.default.value)}"
    yield Fact(label="gain by tuning", value=number(summary.gain), note=note)


def _configuration(config: Mapping[str, object]) -> Table:
    lines = [(name.replace("  ", "\N{NO-BREAK SPACE}" * 4), value) for name, value in config_lines(config)]
    return Table(headers=("configuration", "value"), rows=lines, right=("value",))


def _metrics(material: Material, best: TrialRecord) -> Table:
    test = material.summary.test_metrics or {}
    headers = ("metric", "validation", "test") if test else ("metric", "validation")
    rows = [
        (safe(name), number(value), *([number(test.get(name))] if test else []))
        for name, value in (best.metrics or {material.metric: best.value or 0.0}).items()
    ]
    return Table(headers=headers, rows=rows, right=headers[1:])
