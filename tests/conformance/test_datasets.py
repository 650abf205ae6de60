"""What every dataset promises."""

import subprocess
import sys

import numpy as np
import pytest

from tuner.objectives._components import DATASETS
from tuner.objectives._tasks import Input, Task
from tuner.objectives.datasets._dataset import Dataset

DIMENSIONS = {Input.IMAGE: 4, Input.SEQUENCE: 3, Input.TABLE: 2}


@pytest.mark.parametrize("name", DATASETS.names)
def test_a_dataset_loads_what_it_declares(name: str) -> None:
    dataset = DATASETS[name]()
    features, targets = dataset.load()
    assert isinstance(dataset, Dataset)
    assert DATASETS[name].__final__
    assert features.dtype == np.float32
    assert features.ndim == DIMENSIONS[dataset.kind]
    assert len(features) == len(targets)
    columns = dataset.columns()
    assert columns is None or len(columns) == len(set(columns)) == features.shape[1]
    if dataset.task is Task.CLASSIFICATION:
        assert targets.dtype == np.int64
        assert np.array_equal(np.unique(targets), np.arange(targets.max() + 1))
    else:
        assert targets.dtype == np.float64
        assert np.isfinite(targets).all()


@pytest.mark.parametrize("name", DATASETS.names)
def test_a_dataset_is_the_same_every_time(name: str) -> None:
    first, second = DATASETS[name]().load(), DATASETS[name]().load()
    assert all(np.array_equal(*pair) for pair in zip(first, second, strict=True))


def test_declaring_a_dataset_imports_no_library_that_loads_one() -> None:
    members = "; ".join(f"DATASETS[{name!r}]()" for name in DATASETS.names)
    program = (
        f"import sys; from tuner.objectives._components import DATASETS; {members}; assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
