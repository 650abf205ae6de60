"""Brackets of Hyperband: who is in which, and that they know nothing of each other."""

import math
from collections import Counter, defaultdict

import pytest

from tuner import Decision
from tuner.domain.errors import ConfigurationError
from tuner.domain.study import Direction
from tuner.schedulers.asha import ASHA
from tuner.schedulers.hyperband import Hyperband

TRIALS = 3000


def brackets(scheduler: Hyperband, trials: int = TRIALS) -> dict[tuple[int, ...], list[int]]:
    """Return the trials of each bracket, by the epochs at which it judges them."""
    members: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for number in range(trials):
        members[scheduler.decision_epochs(number) or ()].append(number)
    return members


def test_each_bracket_starts_to_stop_trials_a_rung_later() -> None:
    found = brackets(Hyperband(27, Direction.MAXIMIZE, 0))
    assert set(found) == {(1, 3, 9), (3, 9), (9,), ()}


@pytest.mark.parametrize(("max_epochs", "eta"), [(27, 3), (16, 2), (4, 4)])
def test_brackets_have_the_shares_that_they_have_in_the_paper(max_epochs: int, eta: int) -> None:
    # Li et al. 2018, algorithm 1: bracket s starts ceil((s_max + 1) / (s + 1) * eta^s) configurations.
    most = round(math.log(max_epochs, eta))
    sizes = {s: math.ceil((most + 1) * eta**s / (s + 1)) for s in range(most + 1)}
    found = Counter(
        {
            len(rungs): len(members)
            for rungs, members in brackets(Hyperband(max_epochs, Direction.MAXIMIZE, 1, eta=eta)).items()
        }
    )
    for s, size in sizes.items():
        share = size / sum(sizes.values())
        assert found[s] / TRIALS == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / TRIALS))


def test_a_trial_is_in_the_same_bracket_in_every_run_and_another_seed_deals_anew() -> None:
    first, again, other = (brackets(Hyperband(27, Direction.MAXIMIZE, seed), 50) for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_a_bracket_decides_as_successive_halving_over_its_own_trials() -> None:
    scheduler = Hyperband(27, Direction.MAXIMIZE, 2)
    for rungs, members in brackets(scheduler, 120).items():
        alone = ASHA(27, Direction.MAXIMIZE, 2, min_epochs=rungs[0] if rungs else 27)
        for epoch in range(1, 27):
            for number in range(120):
                scheduler.record(number, epoch, math.sin(number * epoch))
            for number in members:
                alone.record(number, epoch, math.sin(number * epoch))
            assert [scheduler.decide(number, epoch) for number in members] == [
                alone.decide(number, epoch) for number in members
            ]


def test_the_bracket_without_rungs_trains_everybody_to_the_end() -> None:
    scheduler = Hyperband(27, Direction.MAXIMIZE, 0)
    members = brackets(scheduler, 200)[()]
    for number in range(200):
        for epoch in range(1, 28):
            scheduler.record(number, epoch, -float(number))
    assert members
    assert {scheduler.decide(number, epoch) for number in members for epoch in range(1, 28)} == {Decision.CONTINUE}


@pytest.mark.parametrize("options", [{"min_epochs": 0}, {"min_epochs": 28}, {"eta": 1}])
def test_options_that_make_no_sense_are_refused_by_name(options: dict[str, int]) -> None:
    (name,) = options
    with pytest.raises(ConfigurationError, match=rf"scheduler\.{name}: {options[name]} is"):
        Hyperband(27, Direction.MAXIMIZE, 0, **options)


def test_brackets_leave_out_the_rungs_before_the_warm_up() -> None:
    scheduler = Hyperband(27, Direction.MAXIMIZE, 0, warm_up=2)
    assert {scheduler.decision_epochs(number) for number in range(200)} == {(3, 9), (9,), ()}
