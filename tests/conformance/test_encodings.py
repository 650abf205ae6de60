"""What every encoding of categories promises."""

import numpy as np
import pytest
import torch

from tuner.objectives._components import PARTS
from tuner.objectives.preprocessing._encoding import Encoding
from tuner.objectives.preprocessing._pipeline import Pipeline
from tuner.objectives.preprocessing._step import PreprocessingStep

NAMES = PARTS["encoding"].names
GAP = np.nan
TRAIN = np.array(
    [[1, 0.5, 0], [0, 1.5, GAP], [1, 2.5, 2], [0, 3.5, 2], [1, 4.5, 0]],
    dtype=np.float32,
)
"""Level, number, level with a gap; level 1 of the last column is in no row of the training split."""
CATEGORIES = (0, 2)


def _steps() -> list[PreprocessingStep]:
    return [
        PARTS[kind][name]()
        for kind, name in (("cleaning", "median"), ("transformation", "none"), ("scaling", "standard"))
    ]


def _pipeline(name: str, train: np.ndarray = TRAIN) -> Pipeline:
    return Pipeline(_steps(), train, categories=CATEGORIES, encoding=PARTS["encoding"][name]())


def _given(name: str, rows: np.ndarray, pipeline: Pipeline | None = None) -> torch.Tensor:
    """Return what an architecture is given for the rows."""
    pipeline = pipeline or _pipeline(name)
    torch.manual_seed(0)
    features, layer = torch.from_numpy(pipeline(rows)), pipeline.layer()
    given: torch.Tensor = features if layer is None else layer(features).detach()
    assert given.shape[1:] == pipeline.shape(tuple(features.shape[1:]))
    return given


@pytest.mark.parametrize("name", NAMES)
def test_an_encoding_is_a_member_with_defaults(name: str) -> None:
    assert isinstance(PARTS["encoding"][name](), Encoding)
    assert PARTS["encoding"][name].__final__


@pytest.mark.parametrize("name", NAMES)
def test_numbers_come_first_and_are_prepared_as_they_are_without_categories(name: str) -> None:
    alone = Pipeline(_steps(), TRAIN[:, [1]])(TRAIN[:, [1]])
    np.testing.assert_array_equal(_given(name, TRAIN)[:, :1], alone)


@pytest.mark.parametrize("name", NAMES)
def test_rows_with_the_same_levels_are_given_alike_and_others_differently(name: str) -> None:
    codes = _given(name, TRAIN)[:, 1:]
    assert torch.equal(codes[0], codes[4])
    assert len({tuple(row.tolist()) for row in codes}) == 4


@pytest.mark.parametrize("name", NAMES)
def test_a_gap_is_a_level_and_a_level_that_was_not_trained_with_is_nothing(name: str) -> None:
    row, gap, untrained, unknown = (TRAIN[0].copy() for _ in range(4))
    gap[2], untrained[2], unknown[2] = GAP, 1, -1
    given = _given(name, np.stack([row, gap, untrained, unknown]))
    assert not torch.equal(given[0], given[1])
    assert torch.equal(given[2], given[3])
    width = PARTS["encoding"][name]().width(_pipeline(name).sizes[1:])
    assert not given[2, -width:].any()
    assert given[1, -width:].any()


@pytest.mark.parametrize("name", NAMES)
def test_a_gap_that_the_training_split_never_had_is_nothing(name: str) -> None:
    row = TRAIN[0].copy()
    row[0] = GAP
    first_category = _given(name, row[None])[0, 1:3]
    assert not first_category.any()


@pytest.mark.parametrize("name", NAMES)
def test_a_table_of_categories_alone_is_encoded(name: str) -> None:
    rows = TRAIN[:, [0, 2]]
    pipeline = Pipeline(_steps(), rows, categories=(0, 1), encoding=PARTS["encoding"][name]())
    assert len(_given(name, rows, pipeline)) == len(rows)


def test_the_dimension_of_an_embedding_is_the_length_of_its_vectors() -> None:
    encoding = PARTS["encoding"]["embedding"](dimension=7)
    pipeline = Pipeline(_steps(), TRAIN, categories=CATEGORIES, encoding=encoding)
    assert pipeline.shape((3,)) == (1 + 2 * 7,)
