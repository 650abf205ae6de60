"""Independent draws, uniform on each parameter's own scale."""

import math
from collections import Counter

import pytest
from fakes import MAXIMIZED
from scipy.stats import kstest

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.trial import TrialRecord, TrialState
from tuner.samplers.random import Random

SPACE = SearchSpace(x=Float(-2, 3), lr=Float(1e-4, 1.0, log=True), n=Int(1, 4), name=Choice("a", "b", "c"))
DRAWS = 400


def drawn(path: str) -> list[object]:
    sampler = Random(SPACE, MAXIMIZED, 0)
    configs = [sampler.suggest(number) for number in range(1, DRAWS + 1)]
    return [config[path] for config in configs if config is not None]


def test_a_range_is_drawn_from_evenly() -> None:
    quantiles = [(float(str(value)) + 2) / 5 for value in drawn("x")]
    assert kstest(quantiles, "uniform").pvalue > 0.01


def test_a_logarithmic_range_is_drawn_from_evenly_in_its_logarithm() -> None:
    quantiles = [1 + math.log10(float(str(value))) / 4 for value in drawn("lr")]
    assert kstest(quantiles, "uniform").pvalue > 0.01


@pytest.mark.parametrize(("path", "values"), [("n", {1, 2, 3, 4}), ("name", {"a", "b", "c"})])
def test_values_are_equally_frequent(path: str, values: set[object]) -> None:
    counts = Counter(drawn(path))
    share = 1 / len(values)
    assert set(counts) == values
    for count in counts.values():
        assert count / DRAWS == pytest.approx(share, abs=3 * math.sqrt(share * (1 - share) / DRAWS))


def test_what_was_measured_changes_no_proposal() -> None:
    told, untold = (Random(SPACE, MAXIMIZED, 0) for _ in range(2))
    for number in range(30):
        config = SPACE.default if number == 0 else told.suggest(number)
        assert config is not None
        value = float(number)
        told.observe(
            TrialRecord(number=number, state=TrialState.COMPLETE, config=config, value=value, epoch=1, curve={1: value})
        )
    assert [told.suggest(number) for number in (30, 31)] == [untold.suggest(number) for number in (30, 31)]
