"""The cohort policy: which trials train together, and how many of one shape follow when the sampler has chosen it.

Nothing here depends on time unless `timed` says that several workers share a study, where the order in which they
report differs from run to run anyway: with one worker a study can be repeated, trial by trial.
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import final

from tuner.domain.choice import Choice
from tuner.domain.config import Config, Scalar
from tuner.domain.parameter import Parameter
from tuner.domain.search_space import SearchSpace

KeyOf = Callable[[Config], Hashable | None]
"""What configurations that can be trained together have in common; None trains each alone."""

_ROUND_SECONDS = 0.1
"""How long an epoch of all members of an interleaved cohort may take: much longer than waiting for an answer."""

_MOST_INTERLEAVED = 64

_LEAST_DRAWS = 8
"""How often a study asks the sampler for a shape at least, however well trials of one shape batch."""

_DRAWS = 16
"""How often a study does that is too small for the largest cohorts anyway: measured, it finds as good trials."""

_DRAWS_OF_A_SHAPE = 4
"""Where there are few shapes, how often the sampler is asked for each of them."""

_LEAST_BATCHED = 4
"""Fewer trials are trained one by one: a batch of them is no faster."""

_AT_A_TIME = 8
"""An eighth of a study trains at a time where shapes do not matter: the others learn from those before them."""

_LOOKED_AT = 48
"""How many configurations are looked at to find out how many shapes a space has."""


@final
@dataclass(frozen=True, slots=True)
class Bound:
    """How many trials may train together, and why not more."""

    members: int
    reason: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CohortSettings:
    """How trials of a study train together."""

    size: int | None
    """How many make a cohort; None: as many as serve, `most` at most."""
    most: int = 32
    interleaved: bool = False
    """Whether they take turns in a worker, rather than train as one batched model."""
    timed: bool = False
    """Whether several workers share the study, so that how long epochs take may count."""


@final
class CohortPolicy:
    """The rule that makes cohorts: it records which trials were begun and what failed, and returns how many may join.

    The sampler draws a shape, and so many trials of it follow (`share`): an eighth of a study's, a sixteenth in a study
    too small for the largest cohorts, more where a space has few shapes (four at least, if there is one for each), and
    all where it has only one. Drawn again, a shape is given as many again. Where trials are interleaved, shapes do not
    matter and epochs are timed: a cohort has as many members as take a tenth of a second for an epoch each, and no more
    than a sixteenth of the study, since those that run at a time learn nothing from each other.
    """

    def __init__(
        self,
        space: SearchSpace,
        key_of: KeyOf,
        settings: CohortSettings,
        *,
        trials: int,
        share: int | None = None,
    ) -> None:
        self._key_of = key_of
        self._space = space
        self._settings = settings
        self._trials = trials
        self._given_share = share
        self._limits: dict[str, int] = {}
        self._given: Counter[Hashable] = Counter()
        self._keys: dict[Hashable, Hashable | None] = {}
        self._shaping: dict[Hashable, frozenset[str]] = {}
        self._seconds = 0.0
        self._epochs = 0

    def sharing(self, share: int) -> "CohortPolicy":
        """Return the same rule for other trials, of which so many may have one shape and train at a time."""
        cohorts = CohortPolicy(self._space, self._key_of, self._settings, trials=share, share=share)
        cohorts.remember(self._limits)
        return cohorts

    def key_of(self, config: Config) -> Hashable | None:
        """Return what configurations that can be trained together have in common; None trains each alone."""
        # To compare two shapes, an objective may have to build two models: each once.
        values = frozenset((path, type(value), value) for path, value in self._space.flatten(config).items())
        if values not in self._keys:
            self._keys[values] = self._key_of(config)
        return self._keys[values]

    @cached_property
    def shapes(self) -> int:
        """How many shapes the space has, as far as some configurations show that are spread over it; 16 are many."""
        found = {self.key_of(self._space.default)}
        for config in self._space.spread(_LOOKED_AT):
            found.add(self.key_of(config))
            if len(found) >= _DRAWS:
                break
        return len(found)

    @property
    def limits(self) -> Mapping[str, int]:
        """The most members a cohort may have, by its key in words, where more ran out of memory."""
        return dict(self._limits)

    def remember(self, limits: Mapping[str, int]) -> None:
        """Record the `limits` of an earlier run."""
        self._limits.update(limits)

    def give(self, config: Config) -> None:
        """Record that a trial with this configuration was begun."""
        self._given[self.key_of(config)] += 1

    def overflowed(self, config: Config, members: int) -> None:
        """Record that so many members did not fit into memory: half as many are tried from now on."""
        self._limits[str(self.key_of(config))] = max(1, members // 2)

    def measured(self, seconds: float) -> None:
        """Record how long an epoch of one trial took."""
        self._seconds += seconds
        self._epochs += 1

    def size(self, config: Config) -> int:
        """Return how many members a new cohort of trials with this configuration's shape may have."""
        return self.bound(config).members

    def bound(self, config: Config) -> Bound:
        """Return how many members a new cohort of this configuration's shape may have, and why not more."""
        bounds = [*self._bounds(config)]
        return min(bounds, key=lambda bound: bound.members)

    def most(self, config: Config) -> int:
        """Return how many trials of this configuration's shape that were begun before may continue together."""
        key = self.key_of(config)
        size = self._settings.size or self._settings.most
        return 1 if key is None else min(size, self._limits.get(str(key), size))

    def room(self, config: Config, members: int) -> int:
        """Return how many new trials may join `members`, whose shape, this configuration's, was drawn just now."""
        return max(0, self.size(config) - members)

    def left(self, config: Config) -> int:
        """Return how many more trials of this configuration's shape follow the last time that it was drawn."""
        if self._settings.interleaved or self._draws == 1:
            return self._trials
        return -self._given[self.key_of(config)] % self._share

    @property
    def is_interleaved(self) -> bool:
        """Whether trials take turns in a worker, rather than train as one batched model."""
        return self._settings.interleaved

    @property
    def is_drawn_again(self) -> bool:
        """Whether a shape of which no more follow is worth another draw while its trials still train.

        Where there are many shapes the sampler would mostly say another one.
        """
        return not self._settings.interleaved and self.shapes < _DRAWS

    def fixed(self, config: Config) -> dict[str, Scalar]:
        """Return the values, by path, that a configuration needs to have the shape of this one.

        A parameter belongs to the shape if another value of it gives another key. A continuous one is never held, even
        where it does: the sampler's value is searched, whatever that costs in time.
        """
        values = self._space.flatten(config)
        return {path: values[path] for path in sorted(self._shaped_by(config)) if not self._is_continuous(path)}

    def explored(self, config: Config, seed: int) -> Config:
        """Return a configuration near this one that has the same shape."""
        return self._space.near(config, self._shaped_by(config), Random(seed))  # noqa: S311 - no secret

    def _shaped_by(self, config: Config) -> frozenset[str]:
        """Return the parameters, by path, of which another value gives another key."""
        if self._settings.interleaved or self.shapes == 1:
            return frozenset()
        key = self.key_of(config)
        if key not in self._shaping or key is None:
            values, parameters = self._space.flatten(config), self._space.parameters
            self._shaping[key] = frozenset(
                path
                for path in values
                if any(self.key_of(other) != key for other in self._others(values, path, parameters[path]))
            )
        return self._shaping[key]

    def _is_continuous(self, path: str) -> bool:
        return math.isinf(self._space.parameters[path].count)

    @property
    def _share(self) -> int:
        """How many trials of one shape follow a draw of it."""
        share = self._given_share or max(self._settings.size or 1, math.ceil(self._trials / self._draws))
        has_room = (
            self._settings.size is None
            and not self._settings.interleaved
            and _LEAST_BATCHED * self.shapes <= self._trials
        )
        return max(share, _LEAST_BATCHED) if has_room and not self._given_share else share

    @property
    def _draws(self) -> int:
        """How often the sampler is asked for a shape."""
        is_small = self._settings.size is None and (
            self._settings.interleaved or self._trials < _DRAWS * self._settings.most
        )
        draws = _DRAWS if is_small else _LEAST_DRAWS
        if self._settings.interleaved:
            return draws
        return 1 if self.shapes == 1 else min(draws, _DRAWS_OF_A_SHAPE * self.shapes)

    def _bounds(self, config: Config) -> Iterator[Bound]:
        """Yield what keeps a cohort of this configuration's shape small, the most informative reason first."""
        key = self.key_of(config)
        if key is None:
            yield Bound(1, "the objective trains each alone")
            return
        if self._settings.size is not None:
            yield Bound(self._settings.size, f"cohort = {self._settings.size}")
            if self._settings.size == 1:
                return
        if limit := self._limits.get(str(key)):
            yield Bound(limit, "more ran out of memory")
        if not self._settings.interleaved and (free := [*filter(self._is_continuous, sorted(self._shaped_by(config)))]):
            yield Bound(1, f"each value of {free[0]} makes another model")
        if self._settings.size is None:
            yield from self._serving()

    def _serving(self) -> Iterator[Bound]:
        """Yield how many are useful, where no size was asked for."""
        if not self._settings.interleaved:
            yield Bound(self._settings.most, "more are no faster on this device")
            if self._draws > 1:
                yield Bound(self._share, self._why_no_larger_share())
            elif self._given_share is None:
                at_a_time = max(_LEAST_BATCHED, math.ceil(self._trials / _AT_A_TIME))
                yield Bound(at_a_time, "an eighth of the study at a time: the others learn from it")
            return
        if not self._settings.timed or not self._epochs:
            yield Bound(
                1, "it is not known yet how often they report" if self._settings.timed else "there is one worker"
            )
            return
        yield Bound(min(_MOST_INTERLEAVED, self._share), "the others learn from those that run")
        if self._seconds:
            count = max(1, math.floor(_ROUND_SECONDS * self._epochs / self._seconds))
            yield Bound(count, "their reports are far enough apart to be answered one by one")

    def _why_no_larger_share(self) -> str:
        if self._share < _LEAST_BATCHED:
            few = f"of {self._trials} trials fewer than {_LEAST_BATCHED} have a model of the same shape"
            return f"{few}, and so few train no faster together"
        return f"after {self._share} trials with a model of one shape the sampler chooses the shape again"

    def _others(self, values: Mapping[str, Scalar], path: str, parameter: Parameter) -> Iterator[Config]:
        """Yield configurations that differ in one parameter; what its branch adds has its default."""
        others = parameter.options if isinstance(parameter, Choice) else parameter.grid(3)
        for other in others:
            if other != values[path]:
                changed = {**values, path: other}
                yield self._space.build(lambda each, at, changed=changed: changed.get(each, at.default))  # type: ignore[misc]
