"""Which parameters matter and how, as values that people and programs read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np

from tuner.analysis.importance.encoding import Axis, Matrix, axes_of, encoded, values_of
from tuner.analysis.importance.marginals import Band, Bands, Shape
from tuner.analysis.importance.scores import standings
from tuner.analysis.importance.sobol import effects_of
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord

FEWEST = 10
"""Trials below which nothing can be said."""
_LEAST_EXPLAINED = 0.1
"""A model that explains less of the differences between trials cannot say what matters either."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterImportance:
    """How much a parameter matters: its `share` of all effects, 0 to 1.

    `is_clear` says whether that is more than pure noise would seem to have. `bands` divide its range; `best` is the
    part of it, or the option, to look in, and `worst` the one to stay away from, None where nothing is clear.
    """

    path: str
    share: float
    is_clear: bool
    shape: Shape
    best: Band | None
    worst: Band | None
    bands: tuple[Band, ...]

    def describe(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "parameter": self.path,
            "importance": self.share,
            "clear": self.is_clear,
            "shape": self.shape.value,
            "best": asdict(self.best) if self.best else None,
            "worst": asdict(self.worst) if self.worst else None,
            "bands": [asdict(band) for band in self.bands],
        }


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """Which parameters matter, the most important first.

    `trials` is how many were learned from; where they are not enough, `parameters` is empty and `why_not` says why.
    `explained` is how much of the differences between unseen trials the parameters explain, 0 to 1: the rest is chance,
    or more than so many trials can show. `standings` has, by trial number, the share of the others that it is better
    than.
    """

    parameters: tuple[ParameterImportance, ...]
    trials: int
    explained: float
    standings: Mapping[int, float]
    why_not: str = ""

    @property
    def clear(self) -> tuple[ParameterImportance, ...]:
        """The parameters whose effect is more than chance."""
        return tuple(parameter for parameter in self.parameters if parameter.is_clear)

    def describe(self) -> dict[str, Any]:
        """Return the JSON form, as `tuner importance --json` prints it."""
        return {
            "trials": self.trials,
            "explained": self.explained,
            "why_not": self.why_not,
            "parameters": [parameter.describe() for parameter in self.parameters],
        }


def importance_of(study: StudyRecord, trials: Sequence[TrialRecord]) -> Importance:
    """Return which of a study's parameters matter, and how; the same answer for the same trials."""
    standing = standings(trials, study.direction)
    ranked = [trial for trial in trials if trial.number in standing]
    values = [values_of(study, trial) for trial in ranked]
    axes = axes_of(study.space, values)
    scores = np.array([standing[trial.number] for trial in ranked])
    if why_not := _why_not(axes, scores):
        return Importance(parameters=(), trials=len(ranked), explained=0.0, standings=standing, why_not=why_not)
    codes = encoded(axes, values)
    effects = effects_of(axes, codes, scores)
    everything = sum(effects.totals) or 1.0
    found = [
        _parameter(
            axis,
            Bands(axis, effects.codes[:, place], effects.answers, codes[:, place], ranked),
            share=effects.totals[place] / everything,
            is_clear=effects.totals[place] > effects.chance and effects.explained >= _LEAST_EXPLAINED,
        )
        for place, axis in enumerate(axes)
    ]
    return Importance(
        parameters=tuple(sorted(found, key=lambda each: -each.share)),
        trials=len(ranked),
        explained=effects.explained,
        standings=standing,
    )


def _parameter(axis: Axis, bands: Bands, *, share: float, is_clear: bool) -> ParameterImportance:
    return ParameterImportance(
        path=axis.path,
        share=share,
        is_clear=is_clear,
        shape=bands.shape if is_clear else Shape.NONE,
        best=bands.best if is_clear else None,
        worst=bands.worst if is_clear else None,
        bands=bands.all,
    )


def _why_not(axes: Sequence[Axis], scores: Matrix) -> str:
    if len(scores) < FEWEST:
        return f"{len(scores)} of the trials measured something, and it takes {FEWEST}"
    if not axes:
        return "no parameter has more than one value"
    return "every trial is as good as the next" if np.ptp(scores) == 0 else ""
