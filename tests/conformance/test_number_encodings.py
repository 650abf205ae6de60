"""What every encoding of numbers promises."""

import numpy as np
import pytest
import torch

from tuner.objectives._components import PARTS
from tuner.objectives.preprocessing._number_encoding import NumberEncoding
from tuner.objectives.preprocessing._pipeline import Pipeline
from tuner.objectives.preprocessing._step import PreprocessingStep

NAMES = PARTS["number_encoding"].names
TRAIN = np.random.default_rng(0).normal(size=(80, 3)) * [1.0, 10.0, 0.1]
CATEGORIES = np.tile([0.0, 1.0, 2.0, np.nan], 20)[:, None]


def steps() -> list[PreprocessingStep]:
    return [
        PARTS[kind][name]()
        for kind, name in (("cleaning", "median"), ("transformation", "none"), ("scaling", "standard"))
    ]


def pipeline(name: str, encoding: str | None = None) -> Pipeline:
    train = TRAIN if encoding is None else np.concatenate([TRAIN, CATEGORIES], axis=1)
    return Pipeline(
        steps(),
        train,
        categories=() if encoding is None else (3,),
        encoding=None if encoding is None else PARTS["encoding"][encoding](),
        number_encoding=PARTS["number_encoding"][name](),
    )


def given(found: Pipeline, rows: np.ndarray) -> torch.Tensor:
    """Return what an architecture is given for the rows."""
    torch.manual_seed(0)
    features, layer = torch.from_numpy(found(rows)), found.layer()
    numbers: torch.Tensor = features if layer is None else layer(features).detach()
    assert numbers.shape[1:] == found.shape(tuple(features.shape[1:]))
    return numbers


@pytest.mark.parametrize("name", NAMES)
def test_a_number_encoding_is_a_member_with_defaults(name: str) -> None:
    assert isinstance(PARTS["number_encoding"][name](), NumberEncoding)
    assert PARTS["number_encoding"][name].__final__


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_themselves_stay_first_and_what_is_added_is_bounded(name: str) -> None:
    rows = np.concatenate([TRAIN, 1e9 * TRAIN[:1]])
    plain = Pipeline(steps(), TRAIN)(rows)
    found = given(pipeline(name), rows)
    np.testing.assert_array_equal(found[:, :3], plain)
    assert found[:, 3:].isfinite().all()
    assert not found[:, 3:].numel() or found[:, 3:].abs().max() < 10


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("encoding", PARTS["encoding"].names)
def test_it_goes_with_every_encoding_of_categories(name: str, encoding: str) -> None:
    rows = np.concatenate([TRAIN, CATEGORIES], axis=1)
    found = given(pipeline(name, encoding), rows)
    assert torch.equal(found[0], given(pipeline(name, encoding), rows[:1])[0])


@pytest.mark.parametrize("name", NAMES)
def test_a_table_without_numbers_is_given_as_it_is(name: str) -> None:
    found = Pipeline(
        steps(),
        CATEGORIES,
        categories=(0,),
        encoding=PARTS["encoding"]["one_hot"](),
        number_encoding=PARTS["number_encoding"][name](),
    )
    assert given(found, CATEGORIES).shape[1] == 4


def test_ranges_have_as_many_training_rows_each_and_are_0_before_and_1_beyond() -> None:
    layer = PARTS["number_encoding"]["piecewise_linear"](bins=4).layer(1, np.arange(101.0)[:, None])
    assert layer is not None
    rows = torch.tensor([[-5.0], [0.0], [30.0], [100.0], [500.0]])
    expected = torch.tensor([[0, 0, 0, 0], [0, 0, 0, 0], [1, 0.2, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]])
    torch.testing.assert_close(layer(rows)[:, 1:], expected)


def test_a_number_of_few_values_has_ranges_without_a_width() -> None:
    layer = PARTS["number_encoding"]["piecewise_linear"](bins=8).layer(1, np.repeat([0.0, 1.0], 50)[:, None])
    assert layer is not None
    found = layer(torch.tensor([[0.0], [1.0]]))
    assert found.isfinite().all()
    assert found[0, 1:].sum() == 0
    assert found[1, 1:].max() == 1


def test_ranges_of_the_smallest_numbers_are_finite() -> None:
    layer = PARTS["number_encoding"]["piecewise_linear"](bins=2).layer(1, np.array([[0.0], [1e-40], [2e-40]]))
    assert layer is not None
    assert layer(torch.tensor([[0.0], [1e-40], [1.0]])).isfinite().all()
