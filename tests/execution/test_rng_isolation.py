"""What trials draw from the global generators, whoever draws in between."""

import random
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
import torch

from tuner.execution.rng_isolation import Randomness

Draws = tuple[float, float, float]


def draw() -> Draws:
    """Draw from each of the global generators."""
    return random.random(), float(np.random.rand()), float(torch.rand(1))  # noqa: NPY002 - the global one is meant


def drawn(randomness: Randomness, count: int = 1) -> list[Draws]:
    with randomness.in_place():
        return [draw() for _ in range(count)]


def test_a_trial_draws_the_same_whenever_it_is_trained() -> None:
    first = drawn(Randomness(1, 0), 3)
    draw()
    assert drawn(Randomness(1, 0), 3) == first


@pytest.mark.parametrize("other", [(2, 0), (1, 1)])
def test_another_trial_and_another_start_draw_something_else(other: tuple[int, int]) -> None:
    first, second = drawn(Randomness(1, 0))[0], drawn(Randomness(*other))[0]
    assert all(one != another for one, another in zip(first, second, strict=True))


def test_trials_that_take_turns_draw_what_they_draw_alone() -> None:
    alone = drawn(Randomness(1, 0), 3)
    one, other = Randomness(1, 0), Randomness(2, 0)
    by_turns: list[Draws] = []
    for _ in range(3):
        by_turns += drawn(one)
        drawn(other, 2)
        draw()
    assert by_turns == alone


def test_who_draws_around_a_trial_is_not_disturbed() -> None:
    def seeded() -> None:
        random.seed(3)
        np.random.seed(3)  # noqa: NPY002 - the global one is meant
        torch.manual_seed(3)

    seeded()
    undisturbed = [draw(), draw()]
    seeded()
    disturbed = [draw()]
    drawn(Randomness(1, 0), 5)
    assert [*disturbed, draw()] == undisturbed


def test_a_trial_that_raises_leaves_the_generators_as_they_were_and_goes_on_where_it_was() -> None:
    whole = drawn(Randomness(1, 0), 2)
    broken = Randomness(1, 0)
    before = random.getstate()
    drawn_before: list[Draws] = []
    with suppress(KeyError), broken.in_place():
        drawn_before.append(draw())
        raise KeyError
    assert drawn_before == whole[:1]
    assert random.getstate() == before
    assert drawn(broken) == whole[1:]


def test_a_trial_that_seeds_for_itself_draws_as_it_seeded() -> None:
    own = Randomness(1, 0)
    with own.in_place():
        random.seed(7)
    drawn(Randomness(2, 0))
    with own.in_place():
        assert random.random() == random.Random(7).random()


def test_what_an_objective_imports_later_is_kept_apart_from_then_on_and_nothing_is_imported_for_it() -> None:
    script = """
import sys
from tuner.execution.rng_isolation import Randomness
one, other = Randomness(1, 0), Randomness(2, 0)
with one.in_place():
    assert not {"numpy", "torch"} & set(sys.modules)
    import numpy
    numpy.random.seed(5)
with other.in_place():
    numpy.random.rand()
with one.in_place():
    assert numpy.random.rand() == numpy.random.RandomState(5).rand()
"""
    subprocess.run([sys.executable, "-c", script], check=True)
