"""What a study hands out: one trained model or the average of several, calibrated and measured on its splits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from tuner.domain.final_model import FinalModel, SplitScores
from tuner.domain.row_values import MOST_ROWS, RowValues
from tuner.objectives._tasks import Task
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.training.calibration import (
    DECIDED,
    UNCALIBRATED,
    Calibration,
    fitted,
    measured,
    reliability,
)
from tuner.objectives.training.data import Data, Examples
from tuner.objectives.training.ensemble_model import EnsembleModel, averaged
from tuner.objectives.training.ensemble_selection import picked
from tuner.objectives.training.metrics import DIRECTIONS, LOSS, log_loss, regression
from tuner.objectives.training.predictor import TrainedModel
from tuner.objectives.training.row_values import by_group, by_row

_TIMED = 3
"""How often latency is measured: what else the machine does only adds to it."""


@final
@dataclass(frozen=True, slots=True)
class TrainedMember:
    """A trained model, and the splits as it reads them."""

    model: TrainedModel
    data: Data

    def answers_to(self, examples: Examples) -> Array:
        """Return its answers to one part of a split, not calibrated."""
        return self.model.answers_to(examples.features.cpu())


def ensemble_counts(members: Sequence[TrainedMember], lead: int, metric: str) -> tuple[int, ...]:
    """Return how often each model is in the average that answers validation rows best; the first `lead` always are.

    A classifier's answers are judged by log loss whichever the `metric` is, for which few rows choose by chance less,
    and values by it, or by its square where that says the same.
    """
    first = members[0].data
    targets = first.validation.measured
    rows = np.linspace(0, len(targets) - 1, min(len(targets), MOST_ROWS)).astype(int)
    predictions = np.stack([each.answers_to(each.data.validation)[rows] for each in members])
    judged, score = targets[rows], _score(first.task, metric)
    smoothed = Calibration(smoothing=first.smoothing).calibrated

    def loss(answers: Array) -> float:
        return log_loss(judged, smoothed(answers)) if score == "log_loss" else regression(judged, answers)[score]

    return picked(predictions, lead, loss)


def final_model(
    members: Sequence[TrainedMember],
    counts: Sequence[int],
    metric: str,
    *,
    has_test: bool = False,
    of_all_rows: Sequence[TrainedMember] = (),
) -> FinalModel:
    """Return the average of the models, each so often, calibrated on the validation split, and what it measures.

    It is made of those `of_all_rows` where there are any, which have seen the validation split: what is measured there,
    and the calibration, are those of the others.
    """
    data, made = members[0].data, of_all_rows or members
    validation = _averaged(members, counts, [each.data.validation for each in members])
    calibration = UNCALIBRATED
    if data.task is Task.CLASSIFICATION:
        calibration = fitted(validation, data.validation.measured, metric, data.smoothing)
    models = [each.model for each in made]
    is_one = len(models) == 1
    model = models[0].with_calibration(calibration) if is_one else EnsembleModel(models, counts, calibration)
    test = None
    if has_test:
        answers = _averaged(made, counts, [each.data.test for each in made])
        test = _scores(data, data.test, answers, calibration, metric)
    return FinalModel(
        model=model,
        metric=_judged(data.task, metric),
        judged_by=_score(data.task, metric),
        validation=_scores(data, data.validation, validation, calibration, metric),
        test=test,
        weights=model.weights,
        latency_ms=min(model.latency_ms() for _ in range(_TIMED)),
        calibration=calibration.describe() if data.task is Task.CLASSIFICATION else {},
    )


def _averaged(members: Sequence[TrainedMember], counts: Sequence[int], parts: Sequence[Examples]) -> Array:
    return averaged((each.answers_to(part) for each, part in zip(members, parts, strict=True)), counts)


def _scores(data: Data, examples: Examples, raw: Array, calibration: Calibration, metric: str) -> SplitScores:
    targets = examples.measured
    judged = _judged(data.task, metric)
    if data.task is not Task.CLASSIFICATION:
        values = by_row(data.task, judged, targets, raw)
        return SplitScores(metrics=regression(targets, raw), rows=_rows(values, examples))
    answers = calibration.calibrated(raw)
    decided = calibration.decided(answers) if judged in DECIDED else answers
    return SplitScores(
        metrics=measured(calibration, answers, targets),
        rows=_rows(by_row(data.task, judged, targets, decided), examples),
        raw_log_loss=log_loss(targets, Calibration(smoothing=calibration.smoothing).calibrated(raw)),
        reliability=reliability(answers, targets),
    )


def _score(task: Task, metric: str) -> str:
    """Return the proper score that models are picked by."""
    if task is Task.CLASSIFICATION:
        return "log_loss"
    return "mae" if metric == "mae" else "mse"


def _judged(task: Task, metric: str) -> str:
    """Return the metric that models of different losses are compared by in place of the loss of their training."""
    if metric in DIRECTIONS[task] and metric != LOSS:
        return metric
    return "log_loss" if task is Task.CLASSIFICATION else "mse"


def _rows(values: Array, examples: Examples) -> RowValues | None:
    if not np.isfinite(values).all():
        return None
    return RowValues.of(values if examples.groups is None else by_group(values, examples.groups))
