"""Proposals near the priors of a space, whatever sampler proposes the others."""

from pathlib import Path

import pytest
from fakes import MAXIMIZED

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.origin import OriginKind
from tuner.domain.sampler import Sampler
from tuner.domain.study import Component, StudySpec
from tuner.domain.trial import TrialRecord, TrialState
from tuner.running.lookup import find_sampler
from tuner.samplers._prior_sampler import PriorSampler
from tuner.samplers.random import Random

SPACE = SearchSpace(
    lr=Float(1e-6, 1.0, log=True, prior=1e-5),
    width=Int(1, 1_000, prior=900),
    optimizer=Choice(sgd={"momentum": Float(0, 1, prior=0.9)}, adam={}, lion={}, prior="sgd"),
    free=Float(0, 1),
)


def sampler(name: str, space: SearchSpace = SPACE) -> Sampler:
    spec = StudySpec(name="s", objective="o", search_space=space, metric="accuracy", sampler=Component(name=name))
    return find_sampler(spec, space, MAXIMIZED, Path(), stops_early=True)


def proposed(sampler: Sampler, count: int) -> dict[OriginKind, list[TrialRecord]]:
    kinds: dict[OriginKind, list[TrialRecord]] = {}
    for number in range(1, count):
        config = sampler.suggest(number)
        assert config is not None
        kind = sampler.origin(number).kind
        trial = TrialRecord(number=number, state=TrialState.COMPLETE, config=config, value=0.5, epoch=1, curve={1: 0.5})
        sampler.observe(trial)
        kinds.setdefault(kind, []).append(trial)
    return kinds


@pytest.mark.parametrize("name", ["auto", "gp", "tpe", "random", "quasi_random"])
def test_with_every_sampler_some_of_the_first_trials_are_drawn_near_the_priors(name: str) -> None:
    kinds = proposed(sampler(name), 65)
    near = [trial.config for trial in kinds[OriginKind.PRIOR]]
    assert 6 <= len(near) <= 24
    assert sum(config["lr"] < 1e-3 for config in near) > 0.8 * len(near)
    assert sum(config["width"] > 500 for config in near) > 0.8 * len(near)
    assert sum(config["optimizer"]["name"] == "sgd" for config in near) > 0.4 * len(near)


def test_what_has_no_prior_is_drawn_from_all_of_its_range() -> None:
    free = [trial.config["free"] for trial in proposed(sampler("random"), 300)[OriginKind.PRIOR]]
    assert min(free) < 0.15
    assert max(free) > 0.85


def test_the_share_fades() -> None:
    numbers = [trial.number for trial in proposed(sampler("random"), 600)[OriginKind.PRIOR]]
    assert sum(number <= 20 for number in numbers) > sum(number > 300 for number in numbers)


def test_values_that_a_cohort_fixes_are_kept() -> None:
    near = PriorSampler(Random(SPACE, MAXIMIZED, 0), SPACE, 0)
    for number in range(1, 30):
        config = near.suggest(number, {"width": 3})
        assert config is not None
        assert config["width"] == 3


def test_the_same_seed_and_number_propose_the_same() -> None:
    assert sampler("tpe").suggest(7) == sampler("tpe").suggest(7)


@pytest.mark.parametrize(
    ("name", "space"),
    [("grid", SPACE), ("random", SearchSpace(lr=Float(0, 1)))],
    ids=["a grid has an order of its own", "there are no priors"],
)
def test_nothing_is_drawn_near_priors_where(name: str, space: SearchSpace) -> None:
    assert not isinstance(sampler(name, space), PriorSampler)
