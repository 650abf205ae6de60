"""Configurations as points, and the features that a model reads."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tuner import Choice, Float, Int, SearchSpace
from tuner.samplers._encoding import SpaceEncoding

SPACE = SearchSpace(
    lr=Float(1e-4, 1.0, log=True),
    depth=Int(1, 3),
    kind=Choice("plain", mlp={"width": Int(8, 64), "inner": Choice(a={"x": Float(0, 1)}, b={})}),
    flag=Choice(True, False, None),
)
ENCODING = SpaceEncoding(SPACE)


@given(st.lists(st.floats(0, 0.999), min_size=len(SPACE), max_size=len(SPACE)))
def test_a_point_and_that_of_its_configuration_have_the_same_features(coordinates: list[float]) -> None:
    point = np.array(coordinates)
    config = ENCODING.config(point, {})
    again = ENCODING.point(SPACE.flatten(config))
    assert np.allclose(ENCODING.features(point[None]), ENCODING.features(again[None]))
    assert ENCODING.config(np.where(np.isnan(again), 0.3, again), {}) == config


def test_what_a_branch_that_is_not_chosen_would_have_does_not_matter() -> None:
    point = ENCODING.point(SPACE.flatten(SPACE.default))
    absent = np.isnan(point)
    assert [path for path, each in zip(ENCODING.paths, absent, strict=True) if each] == [
        "kind.mlp.width",
        "kind.mlp.inner",
        "kind.mlp.inner.a.x",
    ]
    one, other = (np.where(absent, value, point) for value in (0.1, 0.9))
    assert np.array_equal(ENCODING.features(one[None]), ENCODING.features(other[None]))


def test_options_are_as_far_apart_as_the_ends_of_a_range_and_share_a_group() -> None:
    values = SPACE.flatten(SPACE.default)
    one, other = (ENCODING.features(ENCODING.point(values | {"flag": flag})[None])[0] for flag in (True, None))
    assert np.isclose(np.sum((one - other) ** 2), 1.0)
    assert set(ENCODING.groups[one != other]) == {list(ENCODING.paths).index("flag")}
