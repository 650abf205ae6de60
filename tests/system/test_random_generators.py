"""The states of the global random generators, read and restored."""

import random

import numpy as np
import torch

from tuner.system.random_generators import restore, states


def draw() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(1))  # noqa: NPY002 - the global one is meant


def test_what_is_drawn_after_restoring_is_what_was_drawn_after_reading() -> None:
    kept = states()
    drawn = [draw() for _ in range(3)]
    restore(kept)
    assert [draw() for _ in range(3)] == drawn


def test_states_of_some_generators_leave_the_others_alone() -> None:
    kept = {"python": states()["python"]}
    first = draw()
    restore(kept)
    again = draw()
    assert again[0] == first[0]
    assert again[2] != first[2]
