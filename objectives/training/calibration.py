"""Calibration of a classifier on the validation split: a temperature, and a threshold for two classes.

A temperature T makes p^(1/T), normalised, of probabilities p (C. Guo et al., On Calibration of Modern Neural Networks,
2017): the most probable class stays the same. Smoothing spreads a share of certainty over all classes: what none of n
rows has shown is still to be expected once in about n + 1 (the rule of succession). The threshold is the probability of
the second class from which on that is the answer.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, final

import numpy as np
from torch import Tensor

from tuner.domain.final_model import ReliabilityBin
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.training.metrics import classification, log_loss

DECIDED = frozenset({"accuracy", "precision", "recall", "f1"})
"""Metrics of decisions, not of probabilities."""

THRESHOLDED = frozenset({"f1", "recall"})
"""Metrics whose best threshold is rarely one half; recall here is the mean over classes, the balanced accuracy."""

_LEAST = 1e-7
_SPREAD = 0.25
"""How far the logarithm of a temperature is expected from 0: a prior that a few hundred rows outweigh.

The model was chosen by the same rows, which so make it look surer than it is.
"""

_TEMPERATURES = tuple(math.exp(step / 40) for step in range(-80, 81))
_MOST_THRESHOLDS = 200
_BINS = 10


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What is done to probabilities, (rows, classes), before they are answered with."""

    temperature: float = 1.0
    threshold: float | None = None
    smoothing: float = 0.0

    def describe(self) -> dict[str, Any]:
        """Return the calibration as JSON."""
        return asdict(self)

    @staticmethod
    def of(description: Mapping[str, Any]) -> "Calibration":
        """Return the calibration that `describe` described; raises `ValueError` for what is none."""
        temperature, threshold = float(description["temperature"]), description["threshold"]
        smoothing = float(description.get("smoothing", 0.0))  # models that were exported before there was any have none
        if not (0 < temperature < np.inf and (threshold is None or 0 <= float(threshold) <= 1) and 0 <= smoothing < 1):
            raise ValueError(
                f"a temperature of {temperature} with the threshold {threshold} and a smoothing of {smoothing} "
                "is no calibration"
            )
        threshold = None if threshold is None else float(threshold)
        return Calibration(temperature=temperature, threshold=threshold, smoothing=smoothing)

    def calibrated(self, probabilities: Array) -> Array:
        """Return calibrated probabilities, in the same precision."""
        if self.temperature == 1 and not self.smoothing:
            return probabilities
        found = probabilities.astype(np.float64)
        if self.temperature != 1:
            logits = np.log(found.clip(_LEAST)) / self.temperature
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            found = odds / odds.sum(axis=1, keepdims=True)
        if self.smoothing:
            found = (1 - self.smoothing) * found + self.smoothing / found.shape[1]
        return np.asarray(found, dtype=probabilities.dtype)

    def of_tensor(self, probabilities: Tensor) -> Tensor:
        """Return calibrated probabilities as `calibrated` does, as a part of a network."""
        found = probabilities
        if self.temperature != 1:
            found = (probabilities.clamp(_LEAST).log() / self.temperature).softmax(dim=1)
        return (1 - self.smoothing) * found + self.smoothing / found.shape[1] if self.smoothing else found

    def decided(self, probabilities: Array) -> Array:
        """Return numbers, (rows, classes), of which the largest in a row is the class to answer with."""
        if self.threshold is None:
            return probabilities
        return np.asarray(probabilities * np.array([self.threshold, 1 - self.threshold], dtype=probabilities.dtype))


UNCALIBRATED = Calibration()


def smoothing_of(rows: int) -> float:
    """Return how much certainty a classifier that has learned from so many rows spreads over all classes."""
    return 1 / (rows + 1)


def fitted(probabilities: Array, targets: Array, metric: str, smoothing: float = 0.0) -> Calibration:
    """Return the calibration for these rows, whose classes are `targets`; a threshold where `metric` needs one."""
    calibration = Calibration(temperature=_temperature(probabilities, targets, smoothing), smoothing=smoothing)
    if not needs_threshold(metric, probabilities.shape[1]):
        return calibration
    return replace(calibration, threshold=_threshold(calibration.calibrated(probabilities), targets, metric))


def needs_threshold(metric: str, classes: int) -> bool:
    """Return whether a classifier of so many classes that is chosen by `metric` answers by a threshold."""
    return metric in THRESHOLDED and classes == 2  # noqa: PLR2004


def _temperature(probabilities: Array, targets: Array, smoothing: float) -> float:
    def cost(temperature: float) -> float:
        after = Calibration(temperature=temperature, smoothing=smoothing).calibrated(probabilities.astype(np.float64))
        return len(targets) * log_loss(targets, after) + 0.5 * (math.log(temperature) / _SPREAD) ** 2

    return min(_TEMPERATURES, key=cost)


def _threshold(probabilities: Array, targets: Array, metric: str) -> float:
    """Return the threshold with the best value of the metric, of equals that nearest to one half."""
    distinct = np.unique(probabilities[:, 1].astype(np.float64))
    between = (distinct[:-1] + distinct[1:]) / 2
    if len(between) > _MOST_THRESHOLDS:
        between = between[np.linspace(0, len(between) - 1, _MOST_THRESHOLDS).astype(int)]
    candidates = [0.5, *sorted(map(float, between), key=lambda each: abs(each - 0.5))]

    def value(threshold: float) -> float:
        return measured(Calibration(threshold=threshold), probabilities, targets)[metric]

    return max(candidates, key=value)


def measured(calibration: Calibration, probabilities: Array, targets: Array) -> dict[str, float]:
    """Return the metrics of calibrated probabilities, those of decisions with the threshold."""
    found = classification(targets, probabilities)
    if calibration.threshold is None:
        return found
    decided = classification(targets, calibration.decided(probabilities))
    return {name: decided[name] if name in DECIDED else value for name, value in found.items()}


def reliability(probabilities: Array, targets: Array) -> tuple[ReliabilityBin, ...]:
    """Return the rows by the probability of their most probable class, in ten bins of as many rows each."""
    predicted, most = probabilities.argmax(axis=1), probabilities.max(axis=1).astype(np.float64)
    bins = np.array_split(np.argsort(most, kind="stable"), min(_BINS, len(targets)))
    return tuple(
        ReliabilityBin(
            rows=len(rows), probability=float(most[rows].mean()), share=float((predicted == targets)[rows].mean())
        )
        for rows in bins
    )
