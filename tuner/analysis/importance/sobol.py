"""How much, and which way, a trial's standing changes with one parameter: asked of a model of all trials.

The model is a random forest. Configurations are drawn evenly from the whole space, not where the sampler happened to
look; one parameter at a time is drawn anew, and half the mean squared change of what the forest says is the variance
that the parameter brings about, alone and together with others: Sobol's total effect, in Jansen's form (1999). A
parameter that a configuration does not have changes nothing there, so those of rare branches count for little.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from tuner.analysis.importance.encoding import Axis, Matrix, features, only_active
from tuner.domain.number import Float

_TREES = 100
_DRAWN = 1_024
_SHADOWS = 3
_LEAF = 2
_SEED = 0
"""Not the study's: the same trials are to give the same answer."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What the model says. `totals` has each axis' total effect and `chance` what pure noise would seem to have.

    `codes` and `answers` are the drawn configurations and the standings that the model expects of them; `explained` is
    how much of the differences between trials it has not seen the model explains, 1 at most and 0 for no better than
    the mean.
    """

    totals: tuple[float, ...]
    chance: float
    explained: float
    codes: Matrix
    answers: Matrix


def effects_of(axes: Sequence[Axis], codes: Matrix, standings: Matrix) -> Effects:
    """Return the effects of the axes on the standings of trials with these codes.

    Some axes of pure noise are learned along: what they seem to matter is what may come about by chance.
    """
    generator = np.random.default_rng(_SEED)
    shadows = [Axis(f"noise {index}", Float(0.0, 1.0)) for index in range(_SHADOWS)]
    everything = (*axes, *shadows)
    noise = generator.random((len(codes), _SHADOWS))
    forest = _fitted(features(everything, np.column_stack([codes, noise])), standings)

    observed = codes[generator.integers(len(codes), size=_DRAWN)]
    presence = np.column_stack([observed, np.zeros((_DRAWN, _SHADOWS))])
    first, second = (_drawn(everything, generator) for _ in range(2))
    drawn = [first, *(_exchanged(first, second, place) for place in range(len(everything)))]
    active = [only_active(everything, each, presence) for each in drawn]
    # All in one go: a forest's answer costs more by the question than by the row.
    answers, *changed = np.split(forest.predict(features(everything, np.vstack(active))), len(active))
    totals = [float(np.mean((answers - each) ** 2) / 2) for each in changed]
    return Effects(
        totals=tuple(totals[: len(axes)]),
        chance=max(totals[len(axes) :]),
        explained=max(0.0, float(forest.oob_score_)),
        codes=active[0][:, : len(axes)],
        answers=answers,
    )


def _fitted(inputs: Matrix, standings: Matrix) -> Any:
    from sklearn.ensemble import RandomForestRegressor  # noqa: PLC0415 - a second and a half

    forest = RandomForestRegressor(
        n_estimators=_TREES, min_samples_leaf=_LEAF, max_features=0.5, oob_score=True, random_state=_SEED
    )
    return forest.fit(inputs, standings)


def _drawn(axes: Sequence[Axis], generator: np.random.Generator) -> Matrix:
    return np.column_stack([axis.drawn(generator.random(_DRAWN)) for axis in axes])


def _exchanged(first: Matrix, second: Matrix, place: int) -> Matrix:
    exchanged = first.copy()
    exchanged[:, place] = second[:, place]
    return exchanged
