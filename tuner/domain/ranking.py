"""Which trials are best: those that are complete and meet the constraints, by one metric or by several at once.

With several metrics a trial is better than another where it is better in one of them and worse in none. The trials that
no other is better than are the Pareto front.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from tuner.domain.goal import Goal
from tuner.domain.trial import TrialRecord, TrialState


def ranked(trials: Iterable[TrialRecord], goal: Goal, count: int | None = None) -> tuple[TrialRecord, ...]:
    """Return the usable trials, or `count` of them, the best first: the front, then that of what is left, and so on.

    Within a front the best in the first metric come first, and the earlier of equals before the later.
    """
    usable = _usable(trials, goal)
    return tuple(islice(chain.from_iterable(_fronts(usable, goal)) if goal.has_several else usable, count))


def front(trials: Iterable[TrialRecord], goal: Goal) -> tuple[TrialRecord, ...]:
    """Return the trials that no usable one is better than, the best in the first metric first.

    With one metric that is the best trial, the earliest of equals.
    """
    usable = _usable(trials, goal)
    return next(_fronts(usable, goal), ()) if goal.has_several else tuple(usable[:1])


def best(trials: Iterable[TrialRecord], goal: Goal) -> TrialRecord | None:
    """Return the first of the front, None where no trial is usable."""
    # What is best in the first metric and, among equals, in the next ones, is on the front.
    return next(iter(_usable(trials, goal)), None)


def nearest_miss(trials: Iterable[TrialRecord], goal: Goal) -> TrialRecord | None:
    """Return the trial that breaks the constraints least, None where none breaks any.

    It may have been stopped because of them.
    """
    over = (trial for trial in trials if trial.state in (TrialState.COMPLETE, TrialState.PRUNED))
    missing = [trial for trial in over if goal.violated(trial.metrics)]
    return min(missing, key=lambda trial: (goal.excess(trial.metrics), trial.number), default=None)


def values(trial: TrialRecord, goal: Goal) -> tuple[float | None, ...]:
    """Return the trial's value of each of the goal's metrics at its best epoch; None where it has none."""
    return (trial.value, *(trial.metrics.get(name) for name in goal.metrics[1:]))


def _complete(trials: Iterable[TrialRecord], goal: Goal) -> Iterator[TrialRecord]:
    complete = (trial for trial in trials if trial.state is TrialState.COMPLETE)
    yield from (trial for trial in complete if None not in values(trial, goal))


def _usable(trials: Iterable[TrialRecord], goal: Goal) -> list[TrialRecord]:
    """Return the complete trials that meet the constraints, sorted by the first metric, then the next ones."""
    usable = [trial for trial in _complete(trials, goal) if not goal.violated(trial.metrics)]
    return sorted(usable, key=lambda trial: (*(-merit for merit in _merits(trial, goal)), trial.number))


def _fronts(usable: list[TrialRecord], goal: Goal) -> Iterator[tuple[TrialRecord, ...]]:
    """Yield the front of sorted trials, then the front of the rest, and so on."""
    merits = {trial.number: _merits(trial, goal) for trial in usable}
    left = usable
    while left:
        # A trial that is better than another comes before it, and one that is better still before both.
        found: list[TrialRecord] = []
        rest: list[TrialRecord] = []
        for trial in left:
            is_beaten = any(_is_better(merits[other.number], merits[trial.number]) for other in found)
            (rest if is_beaten else found).append(trial)
        yield tuple(found)
        left = rest


def _is_better(ours: tuple[float, ...], theirs: tuple[float, ...]) -> bool:
    return ours != theirs and all(mine >= its for mine, its in zip(ours, theirs, strict=True))


def _merits(trial: TrialRecord, goal: Goal) -> tuple[float, ...]:
    """Return the trial's values, turned so that more is better."""
    signs = (direction.sign for direction in goal.directions)
    return tuple(sign * (value or 0.0) for sign, value in zip(signs, values(trial, goal), strict=True))
