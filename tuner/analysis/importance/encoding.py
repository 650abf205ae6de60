"""Configurations as rows of numbers: a column for each parameter, empty where a configuration does not have it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from tuner.domain.choice import Choice
from tuner.domain.config import Scalar
from tuner.domain.number import Float, Int
from tuner.domain.parameter import Parameter
from tuner.domain.search_space import SearchSpace
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord

Matrix = NDArray[np.float64]

_LOG_FROM = 100.0
"""Ratio of the largest to the smallest value from which a range without a description is taken for logarithmic."""


@final
@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter by its path; `condition` is the place among the axes, and the option there, that it depends on."""

    path: str
    parameter: Parameter
    condition: tuple[int, int] | None = None

    def code(self, value: Scalar) -> float:
        """Return where `value` lies: 0 to 1 in a range, the position of an option; NaN for what is neither."""
        if isinstance(self.parameter, Choice):
            return float(self.parameter.options.index(value)) if value in self.parameter.options else math.nan
        if isinstance(value, bool) or not isinstance(value, int | float):
            return math.nan
        assert isinstance(self.parameter, Float | Int)
        if self.parameter.log and value <= 0:
            return math.nan
        return self.parameter.quantile(value)

    def drawn(self, quantiles: Matrix) -> Matrix:
        """Return the codes of values that lie at these quantiles of the range."""
        if isinstance(self.parameter, Float):
            return quantiles
        return np.array([self.code(self.parameter.at(quantile)) for quantile in quantiles])

    @property
    def options(self) -> tuple[Scalar, ...]:
        """What can be chosen; nothing for a range."""
        return self.parameter.options if isinstance(self.parameter, Choice) else ()


def values_of(study: StudyRecord, trial: TrialRecord) -> Mapping[str, Scalar]:
    """Return a trial's values by path; those of one that plain Optuna added to a study of ours are by path already."""
    if study.space is None:
        return trial.config
    try:
        return study.space.flatten(trial.config)
    except (KeyError, TypeError):
        return {key: value for key, value in trial.config.items() if not isinstance(value, Mapping)}


def axes_of(space: SearchSpace | None, values: Sequence[Mapping[str, Scalar]]) -> tuple[Axis, ...]:
    """Return the axes of a space; without one, those that the values themselves suggest."""
    if space is None:
        paths = dict.fromkeys(path for each in values for path in each)
        guessed = {path: _guessed([each[path] for each in values if path in each]) for path in paths}
        return tuple(Axis(path, parameter) for path, parameter in guessed.items() if parameter is not None)
    parameters = space.parameters
    places = {path: place for place, path in enumerate(parameters)}
    conditions = {
        path: None if each is None else (places[each.path], each.option) for path, each in space.conditions.items()
    }
    return tuple(Axis(path, parameter, conditions[path]) for path, parameter in parameters.items())


def encoded(axes: Sequence[Axis], values: Sequence[Mapping[str, Scalar]]) -> Matrix:
    """Return the codes of these configurations, a row each; NaN where one does not have a parameter."""
    rows = [[axis.code(each[axis.path]) if axis.path in each else math.nan for axis in axes] for each in values]
    return np.array(rows, dtype=np.float64).reshape(len(values), len(axes))


def only_active(axes: Sequence[Axis], codes: Matrix, presence: Matrix) -> Matrix:
    """Return `codes` without the parameters of branches that were not chosen.

    Where nothing says what a parameter depends on, it is there where it is in `presence`, rows of observed codes.
    """
    active = codes.copy()
    known = any(axis.condition for axis in axes)
    for place, axis in enumerate(axes):
        if axis.condition is not None:
            choice, option = axis.condition
            active[active[:, choice] != option, place] = np.nan
        elif not known:
            active[np.isnan(presence[:, place]), place] = np.nan
    return active


def features(axes: Sequence[Axis], codes: Matrix) -> Matrix:
    """Return what a forest learns from: a column for a range, one for each option of a choice, -1 and 0 for absent."""
    columns = []
    for place, axis in enumerate(axes):
        column = codes[:, place]
        if axis.options:
            columns += [(column == option).astype(np.float64) for option in range(len(axis.options))]
        else:
            columns.append(np.where(np.isnan(column), -1.0, column))
    return np.column_stack(columns)


def _guessed(values: Sequence[Scalar]) -> Parameter | None:
    """Return the parameter that could have had these values; None where there is only one."""
    distinct = list(dict.fromkeys(values))
    if len(distinct) < 2:  # noqa: PLR2004
        return None
    numbers = [value for value in distinct if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(distinct) or not all(map(math.isfinite, numbers)):
        return Choice(*distinct)
    low, high = min(numbers), max(numbers)
    log = low > 0 and high / low >= _LOG_FROM
    if all(isinstance(number, int) for number in numbers):
        return Int(int(low), int(high), log=log)
    return Float(low, high, log=log)
