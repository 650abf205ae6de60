"""How good trials are that were trained unequally long."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord, TrialState


def standings(trials: Sequence[TrialRecord], direction: Direction) -> Mapping[int, float]:
    """Return each trial's standing: the share of the other trials that it is better than, 0 to 1, equals half.

    Any two are compared by their best value up to the last epoch that both have reached; a complete trial has reached
    every epoch. Failed trials and those that measured nothing have no standing.
    """
    measured = [trial for trial in trials if trial.state is not TrialState.FAIL and trial.value is not None]
    if len(measured) < 2:  # noqa: PLR2004 - nothing to compare with
        return {}
    best_so_far, last = _progress(measured, direction)
    rows = np.arange(len(measured))
    found = {}
    for row, trial in enumerate(measured):
        common = np.minimum(last, last[row])
        ours, theirs = best_so_far[row, common], best_so_far[rows, common]
        comparable = ~np.isnan(ours) & ~np.isnan(theirs) & (rows != row)
        if comparable.any():
            found[trial.number] = float(np.mean(0.5 + 0.5 * np.sign((ours - theirs)[comparable])))
    return found


def _progress(trials: Sequence[TrialRecord], direction: Direction) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the best values so far, a row for each trial and a column for each epoch, and each row's last column.

    More is better in it, whichever way the metric is.
    """
    epochs = sorted({epoch for trial in trials for epoch in trial.curve}) or [0]
    column = {epoch: index for index, epoch in enumerate(epochs)}
    values = np.full((len(trials), len(epochs)), np.nan)
    last = np.full(len(trials), len(epochs) - 1)
    for row, trial in enumerate(trials):
        if not trial.curve:
            values[row, -1] = trial.value
        for epoch, value in trial.curve.items():
            values[row, column[epoch]] = value
        if trial.curve and trial.state is not TrialState.COMPLETE:
            last[row] = column[trial.last_epoch]
    # fmax passes over what is not there: before the first report, between two, and after a complete trial's last.
    best = np.fmax.accumulate(direction.sign * values, axis=1)
    return np.where(np.isinf(best), np.nan, best), last
