"""The door to Optuna's samplers: a mirror of the study in memory, and a sampler made anew for every proposal.

The mirror is a cache of what the records say. Optuna's samplers keep generators and caches of their own; one that is
made for a single proposal, with a seed of that proposal's own, has none to lose when a study is interrupted.
"""

from collections.abc import Callable
from typing import Any, final

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.study import Study, StudyDirection
from optuna.study._constrained_optimization import _CONSTRAINTS_KEY
from optuna.trial import FrozenTrial, TrialState

from tuner.domain import ranking
from tuner.domain.config import Config, Scalar
from tuner.domain.goal import Goal
from tuner.domain.parameter import Choice, Float, Int, Parameter
from tuner.domain.sampler import Held
from tuner.domain.search_space import SearchSpace
from tuner.domain.seed import derive
from tuner.domain.trial import TrialRecord
from tuner.samplers._rules import meeting_rules

MakeSampler = Callable[[int], BaseSampler]
"""Makes one of Optuna's samplers from a seed."""

_NAME = "mirror"

optuna.logging.set_verbosity(optuna.logging.WARNING)


@final
class _Memory(InMemoryStorage):
    """Optuna's storage in memory, without what a sampler would note about a trial for the next one to read."""

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        pass

    def set_constraint(self, trial_id: int, name: str, excess: float) -> None:
        """Note how far a trial is beyond a constraint, where Optuna's samplers look for it."""
        super().set_trial_system_attr(trial_id, f"{_CONSTRAINTS_KEY}:{name}", excess)


@final
class Mirror:
    """A study in Optuna's memory, kept as the records say, and proposals by one of Optuna's samplers over it.

    A study of several metrics has no curves there: Optuna cannot compare them.
    """

    def __init__(self, space: SearchSpace, goal: Goal, seed: int, make: MakeSampler) -> None:
        self._space = space
        self._goal = goal
        self._seed = seed
        self._make = make
        self._distributions = {path: distribution(each) for path, each in space.parameters.items()}
        self._storage = _Memory()
        self._study_id = self._storage.create_new_study(
            [StudyDirection[direction.name] for direction in goal.directions], _NAME
        )
        self._ids: dict[int, int] = {}
        self._last_epoch: dict[int, int] = {}
        self._finished: set[int] = set()

    def observe(self, trial: TrialRecord) -> None:
        """Bring the mirror's trial up to the record: created when it is new, finished when it is."""
        if trial.number in self._finished:
            return
        if trial.number not in self._ids:
            self._ids[trial.number] = self._storage.create_new_trial(self._study_id, self._template(trial))
        trial_id = self._ids[trial.number]
        if not self._goal.has_several:
            self._extend(trial_id, trial)
        if trial.state.is_finished:
            self._finish(trial_id, trial)

    def _extend(self, trial_id: int, trial: TrialRecord) -> None:
        """Add what is new of a trial's curve."""
        seen = self._last_epoch.get(trial.number, 0)
        for epoch, value in trial.curve.items():
            if epoch > seen:
                self._storage.set_trial_intermediate_value(trial_id, epoch, value)
        self._last_epoch[trial.number] = trial.last_epoch

    def _finish(self, trial_id: int, trial: TrialRecord) -> None:
        """End a trial, with its values where it is complete and its constraints where it measured them."""
        self._finished.add(trial.number)
        for constraint in self._goal.constraints:
            if constraint.metric in trial.metrics:
                self._storage.set_constraint(trial_id, str(constraint), constraint.excess(trial.metrics))
        state = TrialState[trial.state.name]
        values = [value for value in ranking.values(trial, self._goal) if value is not None]
        self._storage.set_trial_state_values(
            trial_id, state, values if state is TrialState.COMPLETE and values else None
        )

    def suggest(self, number: int, held: Held) -> Config:
        """Return the configuration of trial `number`, with the values in `held`."""
        return meeting_rules(self._space, self._seed, number, held, lambda each: self._propose(number, each, held))

    def _propose(self, number: int, attempt: int, held: Held) -> Config:
        sampler = self._make(derive(self._seed, "sampler", number, attempt))
        # A study object caches the trials it has read; a new one sees those that are there now.
        study = Study(_NAME, self._storage, sampler=sampler, pruner=optuna.pruners.NopPruner())
        trial = _trial(number, {}, {})
        together = sampler.infer_relative_search_space(study, trial)
        relative = sampler.sample_relative(study, trial, together)

        def choose(path: str, parameter: Parameter) -> Scalar:
            if path in held:
                return held[path]
            if self._distributions[path].single():
                return parameter.at(0)  # Optuna's samplers cannot cope with a range of one number
            if path in relative:
                return _scalar(relative[path])
            return _scalar(sampler.sample_independent(study, trial, path, self._distributions[path]))

        return self._space.build(choose)

    def _template(self, trial: TrialRecord) -> FrozenTrial:
        params = self._space.flatten(trial.config)
        return _trial(trial.number, params, {path: self._distributions[path] for path in params})


def distribution(parameter: Parameter) -> BaseDistribution:
    """Return Optuna's distribution of the parameter's range."""
    if isinstance(parameter, Choice):
        return CategoricalDistribution(parameter.options)
    if isinstance(parameter, Int):
        return IntDistribution(
            int(parameter.low), int(parameter.last), log=parameter.log, step=int(parameter.step or 1)
        )
    if isinstance(parameter, Float):
        return FloatDistribution(parameter.low, parameter.last, log=parameter.log, step=parameter.step)
    raise TypeError(f"{type(parameter).__name__} has no distribution")


def _trial(number: int, params: dict[str, Scalar], distributions: dict[str, BaseDistribution]) -> FrozenTrial:
    return FrozenTrial(
        number=number,
        trial_id=-1,
        state=TrialState.RUNNING,
        value=None,
        datetime_start=None,
        datetime_complete=None,
        params=params,
        distributions=distributions,
        user_attrs={},
        system_attrs={},
        intermediate_values={},
    )


def _scalar(value: object) -> Scalar:
    """Return a plain Python value: some samplers give NumPy's."""
    item: Scalar = value.item() if hasattr(value, "item") else value  # type: ignore[assignment]
    return item
