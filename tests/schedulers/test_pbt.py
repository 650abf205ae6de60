"""Population-based training: who goes on from whom."""

import pytest

from tuner.domain.decision import Decision
from tuner.domain.errors import ConfigurationError
from tuner.domain.study import Direction
from tuner.schedulers.pbt import PBT

POPULATION = range(8)


def population(direction: Direction = Direction.MAXIMIZE, seed: int = 0) -> PBT:
    """Eight trials at epoch 3; the higher its number, the higher a trial's value."""
    scheduler = PBT(9, direction, seed)
    for number in POPULATION:
        scheduler.record(number, 3, number / 10)
    return scheduler


def test_the_worst_quarter_goes_on_from_the_best_quarter() -> None:
    sources = {number: population().source(number, 3, POPULATION) for number in POPULATION}
    assert {number for number, source in sources.items() if source is not None} == {0, 1}
    assert {sources[0], sources[1]} <= {6, 7}


def test_where_less_is_better_the_high_values_are_the_poor_ones() -> None:
    scheduler = population(Direction.MINIMIZE)
    assert [scheduler.source(number, 3, POPULATION) in (0, 1) for number in (6, 7)] == [True, True]
    assert scheduler.source(0, 3, POPULATION) is None


def test_every_good_trial_is_taken_over_sooner_or_later() -> None:
    assert {population(seed=seed).source(0, 3, POPULATION) for seed in range(20)} == {6, 7}


def test_trials_that_are_over_are_neither_good_nor_poor() -> None:
    assert population().source(1, 3, range(1, 7)) == 6


def test_a_population_too_small_for_its_quantile_goes_on_as_it_is() -> None:
    assert population().source(0, 3, range(3)) is None


def test_nothing_is_ever_stopped() -> None:
    assert {population().decide(number, 3) for number in POPULATION} == {Decision.CONTINUE}


def test_generations_come_at_every_interval_but_the_last_epoch() -> None:
    assert PBT(9, Direction.MAXIMIZE, 0).decision_epochs(0) == (3, 6)
    assert PBT(9, Direction.MAXIMIZE, 0, interval=4).decision_epochs(0) == (4, 8)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"interval": 9}, "scheduler.interval: 9 is not from 1 to 8"),
        ({"interval": 0}, "scheduler.interval: 0 is not from 1 to 8"),
        ({"quantile": 0.6}, "scheduler.quantile: 0.6 is not above 0 and at most 0.5"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, float], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        PBT(9, Direction.MAXIMIZE, 0, **options)  # type: ignore[arg-type]


def test_a_trial_is_compared_at_an_exploit_epoch_by_its_first_report_beyond_it() -> None:
    scheduler = PBT(9_000, Direction.MAXIMIZE, 0, interval=3_000)
    for number in POPULATION:
        scheduler.record(number, 2_900, 9.0)
        scheduler.record(number, 3_000 + number, number / 10)
        scheduler.record(number, 3_100, -9.0 * number)
    assert {scheduler.source(0, 3_000, POPULATION), scheduler.source(1, 3_000, POPULATION)} <= {6, 7}
    assert scheduler.source(7, 3_000, POPULATION) is None


def test_none_continues_from_a_trial_that_breaks_a_constraint_where_others_keep_it() -> None:
    scheduler = PBT(9, Direction.MAXIMIZE, 0)
    for number in POPULATION:
        if number >= 6:
            scheduler.record_excess(number, 3, 0.1)
        scheduler.record(number, 3, number / 10)
    assert {scheduler.source(number, 3, POPULATION) for number in (6, 7)} <= {4, 5}
    assert scheduler.source(0, 3, POPULATION) is None
