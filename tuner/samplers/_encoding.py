"""Configurations as points of the unit cube, and what a model of them reads."""

import math
from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from tuner.domain.choice import Choice
from tuner.domain.config import Config, Scalar
from tuner.domain.number import Float, Int
from tuner.domain.parameter import Parameter
from tuner.domain.search_space import SearchSpace

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
Integers = NDArray[np.intp]

_ABSENT = 0.5
"""What is read of a number that a configuration does not have: the middle of its range."""

_MOST_STEPS = 64
"""Numbers with more values than these are read as if they had all."""

_HALVINGS = 50

_APART = math.sqrt(0.5)
"""The length of an option's axis: two options of a choice are as far apart as the two ends of a range."""


@final
class SpaceEncoding:
    """Encodes the configurations of a space.

    A point has a coordinate for each parameter, from 0 to 1: where a number lies in its range, on its scale, and the
    middle of the share that an option has. `features` turns points into what a kernel measures distances between: a
    column for each number and one for each option of a choice; `groups` has the parameter of each column.
    """

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self.paths = tuple(space.parameters)
        self._parameters = tuple(space.parameters.values())
        places = {path: place for place, path in enumerate(self.paths)}
        self._conditions = tuple(
            None if condition is None else (places[condition.path], condition.option)
            for condition in space.conditions.values()
        )
        widths = [each.count if isinstance(each, Choice) else 1 for each in self._parameters]
        self._steps = tuple(map(_steps, self._parameters))
        self.groups: Integers = np.repeat(np.arange(len(widths)), widths)

    def point(self, values: Mapping[str, Scalar]) -> Vector:
        """Return the point of the values of a configuration, by path; NaN where it does not have a parameter."""
        return np.array(
            [
                _coordinate(each, values[path]) if path in values else math.nan
                for path, each in zip(self.paths, self._parameters, strict=True)
            ]
        )

    def point_of(self, config: Config) -> Vector:
        """Return the point of a configuration."""
        return self.point(self._space.flatten(config))

    def stacked(self, points: Sequence[Vector]) -> Matrix:
        """Return points as the rows of a matrix."""
        return np.array(points, dtype=np.float64).reshape(len(points), len(self.paths))

    def config(self, point: Vector, fixed: Mapping[str, Scalar]) -> Config:
        """Return the configuration at a point, with the values in `fixed`."""
        return self._space.at(dict(zip(self.paths, map(float, point), strict=True)), fixed)

    def _snapped(self, place: int, column: Vector) -> Vector:
        """Return where the values lie that these coordinates lead to: whole numbers and steps are not everywhere."""
        steps = self._steps[place]
        if steps is None:
            return column
        places, edges = steps
        snapped: Vector = places[np.searchsorted(edges, np.nan_to_num(column))]
        return snapped

    def features(self, points: Matrix) -> Matrix:
        """Return the features of points (a row each); coordinates of branches that are not chosen do not matter."""
        columns: list[Matrix] = []
        active = np.ones(points.shape, dtype=bool)
        options: dict[int, Integers] = {}
        for place, parameter in enumerate(self._parameters):
            column, condition = points[:, place], self._conditions[place]
            if condition is not None:
                parent, option = condition
                active[:, place] = active[:, parent] & (options[parent] == option)
            if isinstance(parameter, Choice):
                options[place] = np.minimum(
                    (np.nan_to_num(column) * parameter.count).astype(np.intp), parameter.count - 1
                )
                chosen = options[place][:, None] == np.arange(parameter.count)
                columns.append(_APART * (chosen & active[:, place, None]))
            else:
                columns.append(np.where(active[:, place], self._snapped(place, column), _ABSENT)[:, None])
        return np.concatenate(columns, axis=1)


def _coordinate(parameter: Parameter, value: Scalar) -> float:
    if isinstance(parameter, Choice):
        return (parameter.options.index(value) + 0.5) / parameter.count
    assert isinstance(parameter, Float | Int)
    assert isinstance(value, int | float)
    return parameter.quantile(value)


def _steps(parameter: Parameter) -> tuple[Vector, Vector] | None:
    """Return where the values of a number with few of them lie, and the edges between them; None with many."""
    if isinstance(parameter, Choice) or parameter.count > _MOST_STEPS:
        return None
    values = parameter.grid(int(parameter.count))
    edges = [_edge(parameter, one) for one in values[:-1]]
    return np.array([_coordinate(parameter, each) for each in values]), np.array(edges)


def _edge(parameter: Parameter, value: Scalar) -> float:
    """Return the highest coordinate that leads to `value` or one below it."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        at = parameter.at(middle)
        assert isinstance(at, int | float)
        assert isinstance(value, int | float)
        low, high = (middle, high) if at <= value else (low, middle)
    return low
