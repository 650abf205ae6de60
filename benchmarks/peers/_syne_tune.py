"""Syne Tune's asynchronous successive halving with one of its searchers, driven as its own tuner drives it."""

import datetime as dt
import logging
import math
import random
from collections.abc import Callable
from typing import Any, final

import numpy as np
from _protocol import Parameter, Peer, Proposal, Search
from syne_tune.backend.trial_status import Trial
from syne_tune.config_space import choice, randint, uniform
from syne_tune.optimizer.scheduler import SchedulerDecision


@final
class SyneTune(Peer):
    """A scheduler of Syne Tune's with its default settings.

    It knows no conditions: it searches all parameters, and those that do not exist have no effect. What is on a
    logarithmic scale is searched by its logarithm: its kernel densities would take it as linear.
    """

    def __init__(self, search: Search, scheduler: Callable[..., Any]) -> None:
        logging.disable(logging.WARNING)
        random.seed(search.seed)
        np.random.seed(search.seed)  # noqa: NPY002 - Syne Tune draws from it
        self._search = search
        self._scheduler = scheduler(
            config_space={each.path: _domain(each) for each in search.space},
            metric="value",
            do_minimize=False,
            time_attr="epoch",
            max_t=search.epochs,
            random_seed=search.seed,
        )
        self._trials: list[Trial] = []

    def ask(self) -> Proposal:
        config = self._scheduler.suggest().config
        now = dt.datetime.now(dt.UTC)
        trial = Trial(trial_id=len(self._trials), config=config, creation_time=now)
        self._trials.append(trial)
        self._scheduler.on_trial_add(trial)
        values = {each.path: _value(each, config[each.path]) for each in self._search.space}
        return Proposal(trial=trial.trial_id, config=self._search.existing(values), until=self._search.epochs)

    def report(self, trial: int, epoch: int, value: float) -> bool:
        decision = self._scheduler.on_trial_result(self._trials[trial], {"value": value, "epoch": epoch})
        if decision == SchedulerDecision.STOP:
            self._scheduler.on_trial_remove(self._trials[trial])
            return False
        return True


def _domain(each: Parameter) -> Any:
    if each.type == "choice":
        return choice(list(each.values))
    if each.log:
        half = 0.5 if each.type == "int" else 0.0
        return uniform(math.log(each.low - half), math.log(each.high + half))
    return randint(int(each.low), int(each.high)) if each.type == "int" else uniform(each.low, each.high)


def _value(each: Parameter, value: Any) -> Any:
    if each.type == "choice":
        return value
    number = math.exp(value) if each.log else value
    number = min(max(number, each.low), each.high)
    return round(number) if each.type == "int" else float(number)
