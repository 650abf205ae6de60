"""Trials that another program has added to a study, made ready to be trained with it.

Optuna stores what `study.enqueue_trial` is given and no configuration, and `study.ask` and `study.add_trial` take any
parameters. Every trial that is handed out needs a configuration of the study's own space.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import final

from tuner.domain.config import Config, Scalar
from tuner.domain.search_space import SearchSpace
from tuner.domain.trial import Failure, FailureReason, TrialRecord, TrialState


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A study's trials, and what was done with those of another program."""

    trials: tuple[TrialRecord, ...]
    configured: tuple[TrialRecord, ...] = ()
    """Unfinished ones that were given a configuration."""
    refused: tuple[TrialRecord, ...] = ()
    """Unfinished ones that ask for what the space does not have: they have failed."""
    foreign: frozenset[int] = frozenset()
    """The numbers of finished ones of another space, and of those refused: nothing can be learned from them."""


def adopted(space: SearchSpace, trials: Sequence[TrialRecord], now: datetime) -> Adopted:
    """Return the trials with a configuration of `space` for each that is not finished.

    A parameter that was not given has its default. Finished trials stay as they are.
    """
    strange = {trial.number for trial in trials if not space.has(trial.config)}
    # One that was enqueued never began, and has no configuration in the storage yet.
    open_ones = (trial for trial in trials if not trial.state.is_finished)
    unfinished = [trial for trial in open_ones if trial.number in strange or trial.started is None]
    settled = [_settled(space, trial, now) for trial in unfinished]
    found = {trial.number: trial for trial in settled}
    refused = tuple(trial for trial in settled if trial.state is TrialState.FAIL)
    return Adopted(
        trials=tuple(found.get(trial.number, trial) for trial in trials),
        configured=tuple(trial for trial in settled if trial.state is not TrialState.FAIL),
        refused=refused,
        foreign=frozenset(strange - found.keys()) | {trial.number for trial in refused},
    )


def _settled(space: SearchSpace, trial: TrialRecord, now: datetime) -> TrialRecord:
    given = space.flatten(trial.config) if space.has(trial.config) else dict(trial.config)
    config = space.build(lambda path, parameter: given.get(path, parameter.default))
    reason = _problem(space, config, given)
    if reason is None:
        return replace(trial, config=config, started=trial.started or now)
    failure = Failure(reason=FailureReason.NOT_IN_SPACE, message=f"another program added it with {reason}")
    return replace(trial, state=TrialState.FAIL, failure=failure, finished=now)


def _problem(space: SearchSpace, config: Config, given: Mapping[str, Scalar]) -> str | None:
    """Return why the values that were given make no configuration of the space; None where they do."""
    unused = sorted(given.keys() - space.flatten(config).keys())
    if unused:
        return f"{unused[0]} = {given[unused[0]]!r}, which this configuration does not have"
    outside = [path for path, value in given.items() if space.parameters[path].nearest(value) != value]
    if outside:
        path = outside[0]
        return f"{path} = {given[path]!r}, and the search space has {space.parameters[path]}"
    broken = space.broken_rules(config)
    return f"a configuration that breaks the rule {broken[0]!r}" if broken else None
