"""Starting warm: the best configurations of earlier studies are tried first, right after the default one.

What is carried over is decided when a study is created, and stored with it: resuming reads it from there, whatever has
become of the earlier studies since.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, final

from tuner.domain.config import Config, Scalar
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.sampler import NOTHING_FIXED, FixedParams, Sampler
from tuner.domain.search_space import SearchSpace
from tuner.domain.trial import TrialRecord

MOST = 10
_SHARE = 8
"""No more than an eighth of a study's trials is carried over: most of them are for finding something better."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStudy:
    """An earlier study: its trials, the best first, and the space of their configurations.

    `space` is None for a study that plain Optuna made: its configurations are flat, by path already.
    """

    name: str
    space: SearchSpace | None
    trials: Sequence[TrialRecord]

    def values(self, trial: TrialRecord) -> Mapping[str, Scalar]:
        """Return the values of a trial's configuration by the paths of their parameters."""
        try:
            return trial.config if self.space is None else self.space.flatten(trial.config)
        except KeyError:  # a trial that plain Optuna added
            return trial.config

    def has_in_common(self, space: SearchSpace) -> bool:
        """Whether any of its trials has a value for a parameter of `space`."""
        return any(path in space.parameters for trial in self.trials for path in self.values(trial))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TransferredConfig:
    """A configuration to be tried, and the trial of the earlier study that it comes from."""

    study: str
    number: int
    config: Config

    @property
    def origin(self) -> Origin:
        """Why a trial begins with it."""
        return Origin(kind=OriginKind.WARM_START, study=self.study, number=self.number)

    def describe(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"study": self.study, "number": self.number, "config": self.config}

    @staticmethod
    def parsed(stored: Mapping[str, Any]) -> "TransferredConfig":
        """Return what `describe` described."""
        return TransferredConfig(study=stored["study"], number=stored["number"], config=Config(stored["config"]))


def carried_over(space: SearchSpace, studies: Sequence[SourceStudy], trials: int) -> tuple[TransferredConfig, ...]:
    """Return the configurations that a study of so many trials begins with, the best of each earlier study in turn.

    A parameter keeps its value as far as `space` has it, and has its default where not. What breaks the space's rules,
    is the default configuration, or is the same as one before, is left out.
    """
    most = max(1, min(MOST, trials // _SHARE))
    chosen: list[TransferredConfig] = []
    for candidate in _in_turn(space, studies):
        known = [space.default, *(each.config for each in chosen)]
        if candidate.config not in known and not space.broken_rules(candidate.config):
            chosen.append(candidate)
        if len(chosen) == most:
            break
    return tuple(chosen)


def _in_turn(space: SearchSpace, studies: Sequence[SourceStudy]) -> Iterator[TransferredConfig]:
    """Yield the best of every study, then the second best: values of different studies need not compare."""
    for trials in zip_longest(*(study.trials for study in studies)):
        for study, trial in zip(studies, trials, strict=True):
            if trial is not None:
                config = _moved(space, study.values(trial))
                yield TransferredConfig(study=study.name, number=trial.number, config=config)


def _moved(space: SearchSpace, values: Mapping[str, Scalar]) -> Config:
    """Return the configuration of `space` that is nearest to these values."""
    return space.build(lambda path, each: each.nearest(values[path]) if path in values else each.default)


@final
class WarmStart(Sampler):
    """Proposes the configurations that were carried over, whose `origins` are given, then those of another sampler.

    What was tried is known from the trials it observes, so nothing more needs to be stored. While something is left,
    a cohort whose shape none of it has gets nothing: the first trials of a study are these.
    """

    def __init__(
        self, sampler: Sampler, space: SearchSpace, configs: Sequence[Config], origins: Sequence[Origin]
    ) -> None:
        self._sampler = sampler
        self._first = tuple(zip(configs, origins, strict=True))
        self._last: Config | None = None
        self._space = space
        self._left = list(configs)

    def suggest(self, number: int, fixed: FixedParams = NOTHING_FIXED) -> Config | None:
        if not self._left:
            self._last = None
            return self._sampler.suggest(number, fixed)
        self._last = next((config for config in self._left if self._space.has_values(config, fixed)), None)
        return self._last

    def observe(self, trial: TrialRecord) -> None:
        # A trial may since have continued from another's state, with another configuration.
        begun = trial.config_at(1)
        self._left = [config for config in self._left if config != begun]
        self._sampler.observe(trial)

    def origin(self, number: int) -> Origin:
        found = (origin for config, origin in self._first if config == self._last)
        return self._sampler.origin(number) if self._last is None else next(found)
