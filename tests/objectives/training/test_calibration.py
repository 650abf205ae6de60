"""Temperature and threshold, fitted on validation rows."""

import numpy as np
import pytest
import torch

from tuner.objectives.datasets._dataset import Array
from tuner.objectives.training.calibration import UNCALIBRATED, Calibration, fitted, measured, reliability, smoothing_of
from tuner.objectives.training.metrics import log_loss


def drawn(sharpness: float, rows: int = 4000) -> tuple[Array, Array]:
    """Return probabilities that are `sharpness` times too sure in their logits, and the classes."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(rows, 3)) * 1.5
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    targets = np.array([rng.choice(3, p=each) for each in honest])
    claimed = np.exp(sharpness * logits)
    return (claimed / claimed.sum(axis=1, keepdims=True)).astype(np.float32), targets


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_a_model_is_too_sure_of(sharpness: float) -> None:
    probabilities, targets = drawn(sharpness)
    found = fitted(probabilities, targets, "accuracy")
    assert found.temperature == pytest.approx(sharpness, rel=0.1)
    after = found.calibrated(probabilities)
    assert after.dtype == np.float32
    assert after.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert (after.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert log_loss(targets, after) <= log_loss(targets, probabilities) + 1e-6
    as_tensor = found.of_tensor(torch.from_numpy(probabilities)).numpy()
    assert as_tensor == pytest.approx(after, abs=1e-5)


def test_a_few_rows_that_are_all_right_do_not_make_it_certain() -> None:
    probabilities = np.tile(np.array([[0.9, 0.1]], dtype=np.float32), (12, 1))
    found = fitted(probabilities, np.zeros(12, dtype=int), "accuracy")
    assert 0.6 < found.temperature < 1


def test_a_threshold_for_f1_is_found_for_two_classes() -> None:
    rng = np.random.default_rng(1)
    targets = (rng.random(2000) < 0.1).astype(int)
    second = np.clip(0.1 + 0.2 * targets + 0.08 * rng.normal(size=2000), 0.01, 0.99)
    probabilities = np.stack([1 - second, second], axis=1)
    found = fitted(probabilities, targets, "f1")
    assert found.threshold is not None
    assert found.threshold < 0.4
    after = found.calibrated(probabilities)
    assert measured(found, after, targets)["f1"] > measured(UNCALIBRATED, after, targets)["f1"] + 0.1
    assert measured(found, after, targets)["log_loss"] == log_loss(targets, after)
    answers = found.decided(after).argmax(axis=1)
    assert (answers == (after[:, 1] > found.threshold)).all()


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "roc_auc"])
def test_other_metrics_need_none(metric: str) -> None:
    probabilities, targets = drawn(1.0, rows=300)
    assert fitted(probabilities[:, :2], targets % 2, metric).threshold is None


def test_three_classes_have_none() -> None:
    assert fitted(*drawn(1.0, rows=300), "f1").threshold is None


def test_reliability_says_how_often_answers_of_a_probability_are_right() -> None:
    probabilities, targets = drawn(1.0)
    bins = reliability(probabilities, targets)
    assert sum(each.rows for each in bins) == len(targets)
    assert all(abs(each.probability - each.share) < 0.08 for each in bins)


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"temperature": float("nan")}, {"threshold": 1.5}])
def test_what_is_no_calibration_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="is no calibration"):
        Calibration.of({"temperature": 1.0, "threshold": None, **wrong})


@pytest.mark.parametrize("temperature", [0.7, 1.0])
def test_smoothed_probabilities_keep_their_order_and_sum_and_none_is_below_a_share(temperature: float) -> None:
    probabilities, _ = drawn(20.0, rows=500)
    smoothing = smoothing_of(99)
    calibration = Calibration(temperature=temperature, smoothing=smoothing)
    after = calibration.calibrated(probabilities)
    assert smoothing == 0.01
    assert after.dtype == np.float32
    assert after.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert after.min() == pytest.approx(smoothing / 3, rel=1e-4)
    assert (after.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert calibration.of_tensor(torch.from_numpy(probabilities)).numpy() == pytest.approx(after, abs=1e-6)


def test_the_temperature_is_that_of_smoothed_probabilities() -> None:
    """One answer of many is wrong and sure: smoothing pays for it, so the temperature need not."""
    probabilities = np.tile(np.array([[0.9999, 0.0001]], dtype=np.float32), (300, 1))
    targets = np.zeros(300, dtype=int)
    targets[0] = 1
    smoothed, plain = (fitted(probabilities, targets, "log_loss", each) for each in (smoothing_of(300), 0.0))
    assert 1 <= smoothed.temperature < plain.temperature - 0.1


def test_a_calibration_that_was_described_before_there_was_smoothing_has_none() -> None:
    assert Calibration.of({"temperature": 2.0, "threshold": None}) == Calibration(temperature=2.0)
    smooth = Calibration(temperature=2.0, threshold=0.3, smoothing=0.01)
    assert Calibration.of(smooth.describe()) == smooth
    with pytest.raises(ValueError, match="smoothing of 1"):
        Calibration.of({"temperature": 1.0, "threshold": None, "smoothing": 1.0})
