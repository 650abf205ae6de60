"""Who trains together, and how many: trials of one shape, and of each shape a bounded share of the study.

Nothing here depends on time unless `timed` says that several workers share a study, where the order in which they
report differs from run to run anyway: with one worker a study can be repeated, trial by trial.
"""

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from random import Random
from typing import final

from tuner.domain.config import Config, Scalar
from tuner.domain.parameter import Choice, Parameter
from tuner.domain.search_space import SearchSpace

KeyOf = Callable[[Config], Hashable | None]
"""What configurations that can be trained together have in common; None trains each alone."""

_ROUND_SECONDS = 0.1
"""How long an epoch of all members of an interleaved cohort may take: much longer than to be told what to do next."""

_MOST_INTERLEAVED = 64

_LEAST_SHAPES = 8
"""How many shapes a study tries at least, however well they batch."""

_SHAPES = 16
"""How many a study tries that is too small for the largest cohorts anyway: measured, it finds as good trials."""


@final
class Cohorts:
    """The rule that makes cohorts. It is told who was given a place and what went wrong, and answers who may join.

    `size` is how many trials make a cohort, None as many as serve, `most` at most. No more than `share` trials have one
    shape, so that shapes stay explored: an eighth of a study's, and a sixteenth in a study too small for the largest
    cohorts. Where trials are `interleaved`, not batched, shapes do not matter and epochs are `timed`: a cohort has as
    many members as take a tenth of a second for an epoch each, and no more than a sixteenth of the study, since those
    that run at a time learn nothing from each other.
    """

    def __init__(
        self,
        space: SearchSpace,
        key_of: KeyOf,
        *,
        size: int | None,
        trials: int,
        most: int = 32,
        interleaved: bool = False,
        timed: bool = False,
        share: int | None = None,
    ) -> None:
        self.key_of = key_of
        self._space = space
        self._size = size
        self._most = most
        self._interleaved = interleaved
        self._timed = timed
        is_small = size is None and (interleaved or trials < _SHAPES * most)
        self._share = share or max(size or 1, math.ceil(trials / (_SHAPES if is_small else _LEAST_SHAPES)))
        self._limits: dict[str, int] = {}
        self._given: Counter[Hashable] = Counter()
        self._seconds = 0.0
        self._epochs = 0

    def sharing(self, share: int) -> "Cohorts":
        """Return the same rule for other trials, of which so many may have one shape."""
        cohorts = Cohorts(
            self._space,
            self.key_of,
            size=self._size,
            trials=share,
            most=self._most,
            interleaved=self._interleaved,
            timed=self._timed,
            share=share,
        )
        cohorts.remember(self._limits)
        return cohorts

    @property
    def limits(self) -> Mapping[str, int]:
        """The most members a cohort may have, by its key in words, where more ran out of memory."""
        return dict(self._limits)

    def remember(self, limits: Mapping[str, int]) -> None:
        """Take note of the `limits` of an earlier run."""
        self._limits.update(limits)

    def give(self, config: Config) -> None:
        """Take note that a trial with this configuration was begun."""
        self._given[self.key_of(config)] += 1

    def overflowed(self, config: Config, members: int) -> None:
        """Take note that so many members did not fit into memory: half as many are tried from now on."""
        self._limits[str(self.key_of(config))] = max(1, members // 2)

    def measured(self, seconds: float) -> None:
        """Take note of how long an epoch of one trial took."""
        self._seconds += seconds
        self._epochs += 1

    def size(self, config: Config) -> int:
        """Return how many members a new cohort of trials with this configuration's shape may have."""
        return self._limited(config, self._wanted())

    def most(self, config: Config) -> int:
        """Return how many trials of this configuration's shape that were begun before may go on together."""
        return self._limited(config, self._size or self._most)

    def room(self, config: Config, members: int) -> int:
        """Return how many new trials may join `members` that have the shape of this configuration."""
        free = self.size(config) - members
        if not self._interleaved:
            free = min(free, self._share - self._given[self.key_of(config)])
        return max(0, free)

    def held(self, config: Config) -> dict[str, Scalar]:
        """Return the values, by path, that a configuration needs to have the shape of this one.

        A parameter belongs to the shape if another value of it gives another key.
        """
        if self._interleaved:
            return {}
        key = self.key_of(config)
        values = self._space.flatten(config)
        parameters = self._space.parameters
        return {
            path: value
            for path, value in values.items()
            if any(self.key_of(other) != key for other in self._others(values, path, parameters[path]))
        }

    def explored(self, config: Config, seed: int) -> Config:
        """Return a configuration near this one that has the same shape."""
        return self._space.near(config, self.held(config), Random(seed))  # noqa: S311 - no secret

    def _wanted(self) -> int:
        if self._size is not None:
            return self._size
        if not self._interleaved:
            return min(self._most, self._share)
        if not self._timed or not self._epochs:
            return 1
        most = min(_MOST_INTERLEAVED, self._share)
        return max(1, min(most, math.floor(_ROUND_SECONDS * self._epochs / self._seconds) if self._seconds else most))

    def _limited(self, config: Config, size: int) -> int:
        key = self.key_of(config)
        return 1 if key is None else min(size, self._limits.get(str(key), size))

    def _others(self, values: Mapping[str, Scalar], path: str, parameter: Parameter) -> Iterator[Config]:
        """Yield configurations that differ in one parameter; what its branch adds has its default."""
        others = parameter.options if isinstance(parameter, Choice) else parameter.grid(3)
        for other in others:
            if other != values[path]:
                changed = {**values, path: other}
                yield self._space.build(lambda each, at, changed=changed: changed.get(each, at.default))  # type: ignore[misc]
