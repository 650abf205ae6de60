"""What every preprocessing step promises."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tuner.objectives._components import PARTS
from tuner.objectives.preprocessing._fitted_state import teach
from tuner.objectives.preprocessing._pipeline import Pipeline
from tuner.objectives.preprocessing._step import PreprocessingStep
from tuner.objectives.training.checkpoints import load, save

KINDS = ("cleaning", "transformation", "scaling")
MEMBERS = [(kind, name) for kind in KINDS for name in PARTS[kind].names]
PIPELINES = list(product(*(PARTS[kind].names for kind in KINDS)))


def _steps(names: tuple[str, ...]) -> list[PreprocessingStep]:
    return [PARTS[kind][name]() for kind, name in zip(KINDS, names, strict=True)]


def _awkward(rows: int = 60) -> NDArray[np.float32]:
    """Return gaps, constants, copies, heavy tails, tiny and huge units: what tables are made of."""
    rng = np.random.default_rng(0)
    table = rng.standard_normal((rows, 9))
    table[:, 1] = 3.0
    table[:, 2] = table[:, 0]
    table[:, 3] = rng.standard_cauchy(rows) * 1e6
    table[:, 4] *= 1e-9
    table[:, 5] = rng.integers(0, 2, rows)
    table[:, 6] = np.where(np.arange(rows) == 0, 1.0, 0.0)
    table[:, 7] = np.nan
    table[rng.random((rows, 9)) < 0.1] = np.nan
    table[:, 2] = table[:, 0]
    return table.astype(np.float32)


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_a_step_keeps_every_column_of_a_table_without_gaps(kind: str, name: str) -> None:
    member: Any = PARTS[kind][name]
    table = np.random.default_rng(0).standard_normal((50, 4))
    assert issubclass(member, PreprocessingStep)
    assert member.__final__
    assert member().transformer(50).fit_transform(table).shape == (50, 4)


@pytest.mark.parametrize("names", PIPELINES, ids="-".join)
def test_no_pipeline_lets_through_what_is_not_finite(names: tuple[str, ...]) -> None:
    train = _awkward()
    pipeline = Pipeline(_steps(names), train)
    unseen = np.stack([train[0] * 1e6, np.full(9, np.nan), np.full(9, np.inf), np.full(9, -1e30)]).astype(np.float32)
    for rows in (train, unseen):
        transformed = pipeline(rows)
        assert transformed.dtype == np.float32
        assert np.isfinite(transformed).all()


@pytest.mark.parametrize("names", PIPELINES, ids="-".join)
def test_constant_and_equal_columns_of_a_table_are_dropped(names: tuple[str, ...]) -> None:
    transformed = Pipeline(_steps(names), _awkward())(_awkward())
    assert transformed.shape == (60, 6)


@pytest.mark.parametrize("names", PIPELINES, ids="-".join)
def test_images_and_sequences_keep_their_shape_whatever_is_constant_in_them(names: tuple[str, ...]) -> None:
    images = np.random.default_rng(0).random((30, 1, 3, 4)).astype(np.float32)
    images[:, 0, 0] = 0.0
    images[:, 0, 1] = images[:, 0, 2]
    for shaped in (images, images[:, 0]):
        transformed = Pipeline(_steps(names), shaped)(shaped)
        assert transformed.shape == shaped.shape
        assert np.isfinite(transformed).all()


@pytest.mark.parametrize("names", PIPELINES, ids="-".join)
def test_a_row_is_transformed_alike_whatever_rows_are_beside_it(names: tuple[str, ...]) -> None:
    train = _awkward()
    pipeline = Pipeline(_steps(names), train)
    beside_outliers = np.concatenate([train[:5], train[:5] * 1e3])
    np.testing.assert_array_equal(pipeline(train[:5]), pipeline(beside_outliers)[:5])


def test_a_table_of_constants_keeps_one_column() -> None:
    assert Pipeline(_steps(("median", "none", "standard")), np.ones((5, 3)))(np.ones((5, 3))).shape == (5, 1)


def _transformed(kind: str, name: str, values: list[float]) -> list[float]:
    column = np.array(values)[:, None]
    transformed: list[float] = PARTS[kind][name]().transformer(len(values)).fit_transform(column)[:, 0].tolist()
    return transformed


def test_gaps_are_filled_with_what_the_name_says() -> None:
    values = [1.0, 1.0, 2.0, 8.0, float("nan")]
    filled = {name: _transformed("cleaning", name, values)[-1] for name in ("mean", "median", "most_frequent")}
    assert filled == {"mean": 3.0, "median": 1.5, "most_frequent": 1.0}


def test_scalings_do_what_their_names_say() -> None:
    values = [0.0, 1.0, 2.0, 3.0, 4.0]
    assert _transformed("scaling", "none", values) == values
    assert _transformed("scaling", "minmax", values) == [0, 0.25, 0.5, 0.75, 1]
    assert _transformed("scaling", "robust", values) == [-1, -0.5, 0, 0.5, 1]
    assert np.std(_transformed("scaling", "standard", values)) == pytest.approx(1)


def test_quantile_and_power_take_the_reach_from_outliers() -> None:
    values = [*np.random.default_rng(0).lognormal(size=200).tolist(), 1e4]
    for name in ("quantile", "power"):
        assert max(_transformed("transformation", name, values)) < 6
    assert _transformed("transformation", "none", values) == values


@pytest.mark.parametrize("names", PIPELINES, ids="-".join)
def test_a_pipeline_put_back_from_a_file_transforms_the_same_to_the_last_bit(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    train = _awkward()
    pipeline = Pipeline(_steps(names), train)
    save(pipeline.state(), tmp_path / "state.safetensors")
    restored = Pipeline.restored(_steps(names), load(tmp_path / "state.safetensors"))
    for rows in (train, train[:1], np.stack([train[0] * 1e6, np.full(9, np.nan), np.full(9, -1e30)])):
        np.testing.assert_array_equal(restored(rows), pipeline(rows))
    images = np.nan_to_num(train[:, :8]).reshape(-1, 1, 2, 4)
    pipeline = Pipeline(_steps(names), images)
    np.testing.assert_array_equal(Pipeline.restored(_steps(names), pipeline.state())(images), pipeline(images))


@pytest.mark.parametrize(("kind", "name"), MEMBERS)
def test_a_state_that_would_replace_what_a_step_can_do_is_refused(kind: str, name: str) -> None:
    with pytest.raises(ValueError, match="'transform' is nothing that"):
        teach(PARTS[kind][name]().transformer(5), {"transform": "os.system"})


def test_a_smooth_clip_keeps_the_middle_and_draws_in_what_is_far_outside() -> None:
    step = PARTS["scaling"]["smooth_clip"]().transformer(101)
    fitted = step.fit_transform(np.linspace(0, 100, 101)[:, None])
    assert fitted[50, 0] == 0
    assert fitted[51, 0] == pytest.approx(1 / 50, rel=1e-3)
    far = step.transform(np.array([[1e9], [-1e9]]))
    assert far[:, 0] == pytest.approx([3, -3])


def test_a_smooth_clip_scales_a_column_that_is_mostly_one_value_by_its_range() -> None:
    rows = np.where(np.arange(50) == 0, 8.0, 0.0)[:, None]
    scaled = PARTS["scaling"]["smooth_clip"]().transformer(50).fit_transform(rows)
    assert scaled[0, 0] == pytest.approx(2 / np.hypot(1, 2 / 3))
    assert scaled[1, 0] == 0
