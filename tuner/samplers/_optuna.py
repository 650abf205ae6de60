"""The door to Optuna's samplers: a mirror of the study in memory, and a sampler made anew for every proposal.

The mirror is a cache of what the records say. Optuna's samplers keep generators and caches of their own; one that is
made for a single proposal, with a seed of that proposal's own, has none to lose when a study is interrupted.
"""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, final

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.study import Study, StudyDirection
from optuna.study._constrained_optimization import _CONSTRAINTS_KEY
from optuna.trial import FrozenTrial, TrialState

from tuner.domain import ranking
from tuner.domain.choice import Choice
from tuner.domain.config import Config, Scalar
from tuner.domain.goal import Goal
from tuner.domain.number import Float, Int
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.parameter import Parameter
from tuner.domain.sampler import FixedParams
from tuner.domain.search_space import SearchSpace
from tuner.domain.seed import derive
from tuner.domain.trial import TrialRecord
from tuner.samplers._proposals import Proposals

MakeSampler = Callable[[int], BaseSampler]
"""Makes one of Optuna's samplers from a seed."""

_NAME = "mirror"

optuna.logging.set_verbosity(optuna.logging.WARNING)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one of Optuna's samplers is shown of a trial."""

    state: TrialState
    values: tuple[float, ...] | None = None


RUNNING = Shown(state=TrialState.RUNNING)
"""A trial without values. TPE takes it for a poor one (the constant liar)."""

UNSEEN = Shown(state=TrialState.FAIL)
"""A trial that Optuna's samplers leave out."""


def complete(values: tuple[float, ...]) -> Shown:
    """Return what is shown of a trial with these values."""
    return Shown(state=TrialState.COMPLETE, values=values)


Show = Callable[[TrialRecord, Goal], Shown]
"""Says what a sampler is shown of a trial."""


def measured(trial: TrialRecord, goal: Goal) -> tuple[float, ...] | None:
    """Return the values of the trial's best epoch so far; None where one is missing."""
    values = ranking.values(trial, goal)
    known = tuple(value for value in values if value is not None)
    return known if len(known) == len(values) else None


@final
class _Memory(InMemoryStorage):
    """Optuna's storage in memory, whose trials are those in `shown`, by number.

    What a sampler would note about a trial for the next one to read is not kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self.shown: dict[int, FrozenTrial] = {}

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,  # noqa: FBT001, FBT002 - as in Optuna
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        trials = (self.shown[number] for number in sorted(self.shown))
        return [trial for trial in trials if states is None or trial.state in states]

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        pass


@final
class Mirror:
    """A study in Optuna's memory, kept as the records say, and proposals by one of Optuna's samplers over it."""

    def __init__(self, space: SearchSpace, goal: Goal, seed: int, make: MakeSampler, show: Show) -> None:
        self._space = space
        self._goal = goal
        self._seed = seed
        self._make = make
        self._show = show
        self._proposals = Proposals(space, seed)
        self._parameters = space.parameters
        self._distributions = {path: distribution(each) for path, each in self._parameters.items()}
        self._storage = _Memory()
        self._storage.create_new_study([StudyDirection[direction.name] for direction in goal.directions], _NAME)

    def observe(self, trial: TrialRecord) -> None:
        """Bring the mirror's trial up to the record."""
        self._proposals.observe(trial)
        known = (each for each in self._goal.constraints if each.metric in trial.metrics)
        excesses = {f"{_CONSTRAINTS_KEY}:{each}": each.excess(trial.metrics) for each in known}
        params = self._space.flatten(trial.config)
        distributions = {path: self._distributions[path] for path in params}
        shown = self._show(trial, self._goal)
        self._storage.shown[trial.number] = _trial(trial.number, params, distributions, shown, excesses)

    def suggest(self, number: int, fixed: FixedParams, make: MakeSampler | None = None) -> Config | None:
        """Return the configuration of trial `number`, with the values in `fixed`; None where no such one is left.

        `make` makes the sampler that proposes this one.
        """
        chosen = make or self._make
        return self._proposals.choose(number, fixed, lambda each: self._propose(chosen, number, each, fixed))

    def origin(self, kind: OriginKind, observations: int | None = None) -> Origin:
        """Return how the last suggested configuration came about, which was proposed in this way."""
        return self._proposals.origin(kind, observations)

    def _propose(self, make: MakeSampler, number: int, attempt: int, fixed: FixedParams) -> Config:
        sampler = make(derive(self._seed, "sampler", number, attempt))
        # A study object caches the trials it has read; a new one sees those that are there now.
        study = Study(_NAME, self._storage, sampler=sampler, pruner=optuna.pruners.NopPruner())
        trial = _trial(number, {}, {})
        together = sampler.infer_relative_search_space(study, trial)
        relative = sampler.sample_relative(study, trial, together)

        def choose(path: str, parameter: Parameter) -> Scalar:
            if path in fixed:
                return fixed[path]
            if self._distributions[path].single():
                return parameter.at(0)  # Optuna's samplers cannot cope with a range of one number
            if path in relative:
                return parameter.nearest(_scalar(relative[path]))
            return parameter.nearest(_scalar(sampler.sample_independent(study, trial, path, self._distributions[path])))

        return self._space.build(choose)


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


def _trial(
    number: int,
    params: dict[str, Scalar],
    distributions: dict[str, BaseDistribution],
    shown: Shown = RUNNING,
    attributes: Mapping[str, Any] = MappingProxyType({}),
) -> FrozenTrial:
    return FrozenTrial(
        number=number,
        trial_id=-1,
        state=shown.state,
        value=None,
        values=shown.values,
        datetime_start=None,
        datetime_complete=None,
        params=params,
        distributions=distributions,
        user_attrs={},
        system_attrs=dict(attributes),
        intermediate_values={},
    )


def _scalar(value: object) -> Scalar:
    """Return a plain Python value: some samplers give NumPy's."""
    item: Scalar = value.item() if hasattr(value, "item") else value  # type: ignore[assignment]
    return item
