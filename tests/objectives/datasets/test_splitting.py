import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner import ConfigurationError
from tuner.objectives._components import DATASETS
from tuner.objectives._tasks import Task
from tuner.objectives.datasets._splitting import Split, split


def _parts(of: Split) -> list[list[int]]:
    return [of.train.tolist(), of.validation.tolist(), of.test.tolist()]


@settings(deadline=None)
@given(st.integers(10, 300), st.sampled_from(Task), st.sampled_from([0.1, 0.2, 0.3]), st.sampled_from([0.0, 0.2, 0.5]))
def test_every_row_is_in_exactly_one_part(rows: int, task: Task, validation: float, test: float) -> None:
    targets = np.random.default_rng(rows).integers(0, 3, rows)
    parts = split(targets, task=task, validation=validation, test=test, seed=0)
    assert sorted(row for part in _parts(parts) for row in part) == list(range(rows))
    assert len(parts.test) == pytest.approx(rows * test, abs=1)
    assert len(parts.validation) == pytest.approx(rows * validation, abs=2)


@pytest.mark.parametrize("name", DATASETS.names)
def test_a_seed_gives_one_split_and_another_seed_another(name: str) -> None:
    dataset = DATASETS[name]()
    _, targets = dataset.load()

    def parts(seed: int) -> list[list[int]]:
        return _parts(split(targets, task=dataset.task, validation=0.2, test=0.2, seed=seed))

    assert parts(0) == parts(0)
    assert parts(0) != parts(1)


@pytest.mark.parametrize("name", [name for name in DATASETS.names if DATASETS[name].task is Task.CLASSIFICATION])
def test_every_class_has_its_share_of_every_part(name: str) -> None:
    _, targets = DATASETS[name]().load()
    parts = split(targets, task=Task.CLASSIFICATION, validation=0.2, test=0.2, seed=3)
    whole = np.bincount(targets)
    for rows, share in ((parts.train, 0.6), (parts.validation, 0.2), (parts.test, 0.2)):
        assert np.abs(np.bincount(targets[rows]) - whole * share).max() <= 2


def test_a_share_of_less_than_one_row_is_refused() -> None:
    targets = np.zeros(50, dtype=np.int64)
    with pytest.raises(ConfigurationError, match=r"settings.validation: 0.01 of 50 examples is none"):
        split(targets, task=Task.CLASSIFICATION, validation=0.01, test=0.2, seed=0)
