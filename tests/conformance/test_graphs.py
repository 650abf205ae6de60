"""What every graph that ships promises."""

import subprocess
import sys

import numpy as np
import pytest

from tuner.objectives._components import GRAPHS
from tuner.objectives._tasks import Task
from tuner.objectives.graphs._graph_dataset import GraphDataset


@pytest.mark.parametrize("name", GRAPHS.names)
def test_a_graph_loads_what_it_declares(name: str) -> None:
    dataset = GRAPHS[name]()
    data = dataset.load()
    assert isinstance(dataset, GraphDataset)
    assert GRAPHS[name].__final__
    assert data.features.dtype == np.float32
    sources, destinations = data.edges
    assert ((data.edges >= 0) & (data.edges < len(data.features))).all()
    assert (sources != destinations).all()
    assert len(np.unique(destinations * len(data.features) + sources)) == len(sources) == len(data.weights)
    assert (data.weights > 0).all()
    assert len(data.labelled) == len(data.targets)
    assert data.labelled.max() < data.num_examples
    if dataset.task is Task.CLASSIFICATION:
        assert np.array_equal(np.unique(data.targets), np.arange(len(dataset.labels or ())))


@pytest.mark.parametrize("name", GRAPHS.names)
def test_a_graph_is_the_same_every_time(name: str) -> None:
    first, second = GRAPHS[name]().load(), GRAPHS[name]().load()
    assert np.array_equal(first.edges, second.edges)
    assert np.array_equal(first.features, second.features)


def test_declaring_a_graph_imports_no_library_that_loads_one() -> None:
    members = "; ".join(f"GRAPHS[{name!r}]()" for name in GRAPHS.names)
    program = (
        f"import sys; from tuner.objectives._components import GRAPHS; {members}; assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
