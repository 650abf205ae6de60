"""What a study hands out as its model, in sentences."""

from collections.abc import Iterator

from tuner.analysis.queries import Summary
from tuner.analysis.study_answer import ModelAnswer, StudyAnswer, answer_failure
from tuner.formatting.values import amount, number


def model_lines(summary: Summary) -> Iterator[str]:
    """Yield what the study's model is, what it measures and what it costs; nothing where none was settled."""
    if failure := answer_failure(summary.study):
        yield f"no model was made of it: {failure}"
    answer = summary.answer
    if answer is None:
        return
    if answer.ensemble is None:
        yield f"model: one training, {_measured(answer, answer.single)}"
    else:
        yield f"model: the average of {_members(answer.ensemble)}, {_measured(answer, answer.ensemble)}"
        if answer.ensemble.all_rows:
            after = "" if answer.ensemble.test is None else ", the test value from after"
            yield f"trained once more, on validation rows too: their value is from before{after}"
        yield f"one training alone: {_measured(answer, answer.single)}"
    yield from _calibration(answer.used)


def _members(model: ModelAnswer) -> str:
    return amount(len(model.members), "training")


def _measured(answer: StudyAnswer, model: ModelAnswer) -> str:
    test = "" if model.test is None else f", test {model.test.estimate}"
    cost = f"{model.weights:,} weights, {model.latency_ms:.2g} ms a row"
    return f"{answer.metric} {model.validation.estimate}{test}; {cost}"


def _calibration(model: ModelAnswer) -> Iterator[str]:
    if not model.calibration:
        return
    where, split = model.fairest
    threshold = model.calibration["threshold"]
    second = "" if threshold is None else f"; the second class is the answer from {threshold:.3g} on"
    if split.raw_log_loss is not None:
        yield (
            f"calibrated: log loss on {where} rows {number(split.raw_log_loss)} before, "
            f"{number(split.metrics['log_loss'])} after{second}"
        )
