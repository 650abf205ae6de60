"""A range in parts: which way it goes, and where it is best."""

import numpy as np
import pytest

from tuner.analysis.importance.encoding import Axis
from tuner.analysis.importance.marginals import Bands, Shape
from tuner.domain.choice import Choice
from tuner.domain.number import Float, Int
from tuner.domain.parameter import Parameter


def bands(parameter: Parameter, *standings: float) -> Bands:
    """The parts of a range, or the options of a choice, with these standings."""
    axis = Axis("x", parameter)
    count = len(standings)
    codes = np.arange(count, dtype=float) if axis.options else (np.arange(count) + 0.5) / count
    return Bands(axis, codes, np.array(standings), np.array([]), [])


@pytest.mark.parametrize(
    ("standings", "shape", "best"),
    [
        ((0.1, 0.2, 0.3, 0.4, 0.5, 0.6), Shape.RISING, "4 to 6"),
        ((0.6, 0.5, 0.4, 0.3, 0.2, 0.1), Shape.FALLING, "0 to 2"),
        ((0.1, 0.4, 0.9, 0.8, 0.3, 0.1), Shape.PEAK, "2 to 4"),
        ((0.9, 0.4, 0.1, 0.1, 0.3, 0.8), Shape.VALLEY, "0 to 1"),
        ((0.1, 0.9, 0.1, 0.2, 0.1, 0.8), Shape.UNEVEN, "1 to 2"),
    ],
)
def test_a_range_goes_one_of_five_ways(standings: tuple[float, ...], shape: Shape, best: str) -> None:
    found = bands(Float(0, 6), *standings)
    assert (found.shape, str(found.best)) == (shape, best)


def test_a_log_range_is_divided_on_its_own_scale() -> None:
    found = bands(Float(1e-6, 1, log=True), 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    assert [str(band) for band in found.all][:2] == ["1e-06 to 1e-05", "1e-05 to 0.0001"]


def test_whole_numbers_belong_to_one_part_each() -> None:
    found = bands(Int(1, 12), 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    assert [str(band) for band in found.all] == ["1 to 2", "3 to 4", "5 to 6", "7 to 8", "9 to 10", "11 to 12"]


def test_few_values_are_parts_of_their_own() -> None:
    assert [str(band) for band in bands(Int(2, 4), 0.1, 0.2, 0.3).all] == ["2", "3", "4"]
    assert [str(band) for band in bands(Float(0.0, 0.5, step=0.25), 0.1, 0.2, 0.3).all] == ["0", "0.25", "0.5"]


def test_of_a_choice_one_option_is_the_best_and_one_the_worst() -> None:
    found = bands(Choice("relu", "gelu", None), 0.4, 0.6, 0.2)
    assert (found.shape, str(found.best), str(found.worst)) == (Shape.CHOICE, "gelu", "None")


def test_a_branch_that_was_never_drawn_has_no_parts() -> None:
    empty = Bands(Axis("x", Float(0, 1)), np.array([np.nan]), np.array([0.5]), np.array([]), [])
    assert (empty.all, empty.best, empty.worst) == ((), None, None)
