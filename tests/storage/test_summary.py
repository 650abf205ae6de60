"""What the database finds of a study is what one finds who reads all of it."""

import random
from dataclasses import replace

import pytest
from fakes import MAXIMIZED, MINIMIZED, described, metrics

from tuner import Choice, Float, SearchSpace
from tuner.analysis import queries
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.new_study import NewStudy
from tuner.domain.study import Direction
from tuner.domain.study_record import companion
from tuner.domain.study_writer import TrialUpdate
from tuner.domain.trial import Report, TrialRecord, TrialState
from tuner.running.session import now
from tuner.storage.store import Store, open_store

SPACE = SearchSpace(x=Float(0, 1), kind=Choice("a", "b"))
Trials = list[tuple[Config, TrialState]]
STATES = [TrialState.COMPLETE] * 5 + [TrialState.PRUNED, TrialState.RUNNING]


def filled(store: Store, name: str, goal: Goal, trials: Trials, seed: int) -> None:
    """Store a study of trials with few different values, so that many are equal."""
    draw = random.Random(seed)
    store.create(NewStudy(name=name, goal=goal, space=SPACE, spec=described(goal, len(trials)), source={}))
    with store.holding(name) as writer:
        for number, (config, state) in enumerate(trials):
            trial = TrialRecord(number=number, state=TrialState.RUNNING, config=config, started=now())
            writer.begin([trial])
            value = draw.randrange(4) / 4
            ended = replace(trial, state=state, value=value, epoch=1, metrics=metrics(value), finished=now())
            writer.write([TrialUpdate(trial=ended, report=Report(number=number, epoch=1, metrics=metrics(value)))])


@pytest.mark.parametrize("goal", [MAXIMIZED, MINIMIZED, Goal.of("accuracy", Direction.MAXIMIZE, "loss <= 0.5")])
@pytest.mark.parametrize("is_confirmed", [False, True])
def test_a_summary_of_an_outline_is_that_of_all_trials(storage: str, goal: Goal, is_confirmed: bool) -> None:  # noqa: FBT001
    store = open_store(storage)
    draw = random.Random(7)
    configs = [SPACE.at({"x": draw.randrange(5) / 5, "kind": draw.random()}) for _ in range(40)]
    filled(store, "s", goal, [(each, draw.choice(STATES)) for each in configs], seed=1)
    if is_confirmed:
        best = queries.top(*store.read("s"), 2)
        again = [each.config for each in best for _ in range(2)]
        filled(store, companion("s"), goal, [(each, TrialState.COMPLETE) for each in again], seed=2)
    study, trials = store.view("s")
    repetitions = store.repetitions("s")
    for count in (1, 3, 9):
        outline = store.outline("s", count)
        seen = queries.summarise(
            outline.study, outline.trials, outline.repetitions, outline.tally, outline.expected_gain
        )
        assert seen == queries.summarise(study, trials, repetitions)
        assert seen.expected_gain is not None
        assert (seen.confirmation is not None) == is_confirmed
        found = queries.top(outline.study, outline.trials, count, outline.repetitions)
        assert found == queries.top(study, trials, count, repetitions)
    store.close()


def test_an_outline_has_few_of_many_trials(storage: str) -> None:
    store = open_store(storage)
    configs = [SPACE.at({"x": number / 30, "kind": 0.1}) for number in range(30)]
    filled(store, "s", MAXIMIZED, [(each, TrialState.COMPLETE) for each in configs], seed=3)
    assert len(store.outline("s", 3).trials) <= 4
    assert [trial.state for trial in store.view("s", TrialState.RUNNING)[1]] == []
    store.close()
