"""The model that the study hands out: one training or an ensemble, what it measures and costs, and its calibration."""

from collections.abc import Iterator

from tuner.analysis.study_answer import ModelAnswer, SplitAnswer, StudyAnswer, answer_failure
from tuner.domain.study_record import is_companion
from tuner.formatting.values import amount, number, safe
from tuner.study_report.data import ReportData
from tuner.study_report.document import Block, Section, Table, Text

__all__ = ["section"]


def section(material: ReportData) -> Section | None:
    """Return what the study's model is; None where none was settled."""
    answer, failure = material.summary.answer, answer_failure(material.study)
    if answer is None and not failure:
        return None
    blocks = [Text(f"No model was made: {safe(failure)}")] if answer is None else [*_blocks(answer)]
    return Section(slug="model", title="The model", blocks=tuple(blocks))


def _blocks(answer: StudyAnswer) -> Iterator[Block]:
    yield Text(_what(answer))
    yield _models(answer)
    if answer.is_ensemble:
        yield _members(answer.used)
    yield from _calibration(answer.used)


def _what(answer: StudyAnswer) -> str:
    fair = "Intervals (95 %) are for new rows of data like these; nothing was chosen by the test rows."
    if answer.ensemble is None:
        return f"`tuner export` writes one training: {safe(answer.why_single or 'no average is better')}. {fair}"
    ensemble, single = answer.score(answer.ensemble), answer.score(answer.single)
    what = f"the average of {amount(len(answer.ensemble.members), 'training')}"
    judged = (
        f"{answer.judged_by} on validation rows is {number(ensemble)}, and that of the single model {number(single)}"
    )
    again = ""
    if answer.ensemble.all_rows:
        tested = "" if answer.ensemble.test is None else ", and so measured on the test rows"
        again = (
            f" Its members were trained once more, on the validation rows too{tested}; what the validation rows "
            "measure is from before."
        )
    return f"`tuner export` writes {what}, and the single model beside it: its {judged}.{again} {fair}"


def _models(answer: StudyAnswer) -> Table:
    both = [("the average", answer.ensemble), ("one training", answer.single)]
    rows = [
        (
            name,
            str(each.validation.estimate),
            "-" if each.test is None else str(each.test.estimate),
            f"{each.weights:,}",
            f"{each.latency_ms:.2g}",
        )
        for name, each in both
        if each is not None
    ]
    headers = ("model", f"{safe(answer.metric)}, validation", "test", "weights", "ms a row")
    return Table(headers=headers, rows=rows, right=headers[1:])


def _members(model: ModelAnswer) -> Table:
    total = sum(each.count for each in model.members)
    rows = [
        (
            f"repetition {each.number}" if is_companion(each.study) else f"trial {each.number}",
            f"{each.epoch}",
            f"{each.count / total:.0%}",
        )
        for each in model.members
    ]
    return Table(headers=("training", "best epoch", "counts"), rows=rows, right=("best epoch", "counts"))


def _calibration(model: ModelAnswer) -> Iterator[Block]:
    if not model.calibration:
        return
    where, split = model.fairest
    threshold = model.calibration["threshold"]
    second = "" if threshold is None else f" It answers with the second class from a probability of {threshold:.3g} on."
    before, after = number(split.raw_log_loss), number(split.metrics["log_loss"])
    yield Text(
        f"Its probabilities are calibrated on validation rows, with the temperature "
        f"{model.calibration['temperature']:.3g}: the log loss on {where} rows was {before} before, and is {after}."
        f"{second} Where the answer has the probability below, it is as often right as the last column says."
    )
    yield _reliability(split, where)


def _reliability(split: SplitAnswer, where: str) -> Table:
    headers = (f"{where} rows", "probability of the answer", "right")
    rows = [(f"{each.rows}", f"{each.probability:.3f}", f"{each.share:.3f}") for each in split.reliability]
    return Table(headers=headers, rows=rows, right=headers)
