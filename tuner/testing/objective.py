"""What every class that inherits `tuner.Objective` promises."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, final

import pytest

from tuner.domain.checkpoints import Checkpoints
from tuner.domain.config import Config
from tuner.domain.objective import Cohort, Objective
from tuner.domain.search_space import SearchSpace
from tuner.domain.trial import Failure, Metrics, Trial

_MOST_TOGETHER = 3
_TRIED = 64


class ObjectiveConformance:
    """Tests of a class that inherits `tuner.Objective`, on the CPU; keep the data small: it trains about 20 epochs."""

    objective: ClassVar[type[Objective]]
    """The class to test."""

    space: ClassVar[SearchSpace]
    """A search space that suits it."""

    settings: ClassVar[Mapping[str, Any]] = {}
    """What a study file gives it in `[settings]`."""

    tolerance: ClassVar[float] = 1e-4
    """How far a metric may differ where a trial trains in a cohort or continues from its saved state."""

    def test_it_takes_the_settings_and_the_space(self) -> None:
        assert issubclass(self.objective, Objective)
        assert [*self._made().problems(self.space)] == []

    def test_every_epoch_measures_metrics_that_it_names_as_finite_numbers(self) -> None:
        names = self._made().metrics()
        curve = self._trained(self.space.default)
        assert len(curve) == 3
        for metrics in curve:
            assert metrics
            assert all(math.isfinite(value) for value in metrics.values())
            assert names is None or set(metrics) <= set(names)

    def test_a_trial_measures_the_same_when_it_is_trained_again(self) -> None:
        self._assert_same(self._trained(self.space.default), self._trained(self.space.default))

    def test_trials_of_one_cohort_measure_what_they_measure_alone(self) -> None:
        configs = self._of_one_shape()
        together = _curves(self._made().start(self._trials(configs)), epochs=3)
        for number, config in enumerate(configs):
            self._assert_same(together[number], self._trained(config, number))

    def test_the_others_train_on_when_a_member_is_dropped(self) -> None:
        configs = self._of_one_shape()
        if len(configs) == 1:
            pytest.skip("its trials train alone")
        cohort = self._made().start(self._trials(configs))
        _curves(cohort, epochs=1)
        cohort.drop([0])
        assert set(cohort.advance()) == set(range(1, len(configs)))

    def test_a_trial_continues_from_what_was_saved(self) -> None:
        whole, kept = self._trained(self.space.default), _Kept()
        cohort = self._made().start(self._trials([self.space.default], kept))
        first = _curves(cohort, epochs=1)[0]
        cohort.save([0])
        if kept.load() is None:
            pytest.skip("it saves nothing")
        (trial,) = self._trials([self.space.default], kept, epoch=1)
        rest = _curves(self._made().start([trial]), epochs=2)[0]
        self._assert_same(whole, [*first, *rest])

    def _made(self) -> Objective:
        return self.objective(self.settings, 0)

    def _of_one_shape(self) -> list[Config]:
        """Return the default configuration and a few more that may train together with it."""
        objective, default = self._made(), self.space.default
        key = objective.cohort_key(default)
        others = () if key is None else self.space.spread(_TRIED)
        alike = (each for each in others if each != default and objective.cohort_key(each) == key)
        return [default, *(config for config, _ in zip(alike, range(_MOST_TOGETHER - 1), strict=False))]

    def _trained(self, config: Config, number: int = 0) -> list[Metrics]:
        trials = self._trials([*([config] * number), config])
        return _curves(self._made().start(trials[number:]), epochs=3)[number]

    def _trials(self, configs: Sequence[Config], kept: Checkpoints | None = None, epoch: int = 0) -> list[Trial]:
        return [
            Trial(
                config=config,
                number=number,
                seed=number,
                device="cpu",
                epoch=epoch,
                max_epochs=3,
                settings=Config(self.settings),
                checkpoints=kept or _Kept(),
                place=Path(),
            )
            for number, config in enumerate(configs)
        ]

    def _assert_same(self, one: Sequence[Metrics], other: Sequence[Metrics]) -> None:
        for here, there in zip(one, other, strict=True):
            assert here == pytest.approx(there, rel=self.tolerance, abs=self.tolerance)


@final
class _Kept(Checkpoints):
    """Keeps a trial's state in memory."""

    def __init__(self) -> None:
        self._state: Mapping[str, Any] | None = None

    def save(self, state: Mapping[str, Any]) -> None:
        self._state = state

    def load(self) -> Mapping[str, Any] | None:
        return self._state


def _curves(cohort: Cohort, epochs: int) -> dict[int, list[Metrics]]:
    """Return what each member measured in so many epochs."""
    curves: dict[int, list[Metrics]] = {}
    for _ in range(epochs):
        for number, outcome in cohort.advance().items():
            assert outcome is not None, f"trial {number} ended by itself"
            assert not isinstance(outcome, Failure), f"trial {number} failed: {outcome.message}"
            curves.setdefault(number, []).append({name: float(value) for name, value in outcome.items()})
    return curves
