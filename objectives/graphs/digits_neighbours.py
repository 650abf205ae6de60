"""1797 handwritten digits (UCI), each joined to the five that look most like it."""

from dataclasses import dataclass
from typing import final

import numpy as np

from tuner.objectives._tasks import Task
from tuner.objectives.graphs._graph_dataset import GraphData, GraphDataset, joined

__all__ = ["DigitsNeighbours"]

_NEIGHBOURS = 5


@final
@dataclass(frozen=True)
class DigitsNeighbours(GraphDataset):
    """Which digit a node is: its features are its 64 pixels, its neighbours the nearest pictures by their pixels."""

    task = Task.CLASSIFICATION
    labels = tuple(range(10))

    def load(self) -> GraphData:
        from sklearn.datasets import load_digits  # noqa: PLC0415  the driver asks for the task and never loads

        pixels, digits = load_digits(return_X_y=True)
        squares = (pixels**2).sum(axis=1)
        # Of whole numbers, so that every machine finds the same neighbours; of equal ones the first comes first.
        distances = squares[:, None] + squares - 2 * pixels @ pixels.T
        np.fill_diagonal(distances, np.inf)
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :_NEIGHBOURS]
        destinations = np.repeat(np.arange(len(pixels)), _NEIGHBOURS)
        edges, weights = joined(
            np.stack([nearest.ravel(), destinations]),
            np.ones(nearest.size, dtype=np.float32),
            len(pixels),
            directed=False,
        )
        return GraphData(
            features=pixels.astype(np.float32),
            edges=edges,
            weights=weights,
            targets=digits.astype(np.int64),
            labelled=np.arange(len(pixels)),
        )
