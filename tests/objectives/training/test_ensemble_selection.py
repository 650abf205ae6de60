"""Greedy selection of the models that are averaged."""

import numpy as np

from tuner.objectives.datasets._dataset import Array
from tuner.objectives.training.ensemble_selection import picked

TARGETS = np.linspace(-1, 1, 50)


def loss(answers: Array) -> float:
    return float(np.square(answers - TARGETS).mean())


def test_models_whose_errors_cancel_are_averaged_and_a_poor_one_is_left_out() -> None:
    wave = np.sin(np.arange(50))
    models = np.stack([TARGETS + wave, TARGETS - wave, TARGETS + 9])
    counts = picked(models, 1, loss)
    assert counts[0] == counts[1] > 0
    assert counts[2] == 0


def test_those_that_lead_are_always_in_and_the_average_is_never_worse_than_theirs() -> None:
    rng = np.random.default_rng(0)
    models = TARGETS + rng.normal(size=(12, 50))
    counts = picked(models, 3, loss)
    assert min(counts[:3]) >= 1
    assert loss(np.average(models, axis=0, weights=counts)) <= loss(models[:3].mean(axis=0))


def test_a_model_counts_more_than_once_where_that_is_better() -> None:
    wave = np.sin(np.arange(50))
    counts = picked(np.stack([TARGETS + 3 * wave, TARGETS - wave]), 1, loss)
    assert counts == (1, 3)


def test_where_nothing_helps_the_first_is_alone() -> None:
    assert picked(np.stack([TARGETS, TARGETS + 1]), 1, loss) == (1, 0)
