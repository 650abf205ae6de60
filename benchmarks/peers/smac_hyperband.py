# /// script
# dependencies = [
#     "smac==2.4.1", "ConfigSpace==1.2.2", "numpy==2.4.6", "scipy==1.17.1", "scikit-learn==1.9.1",
# ]
# ///
"""SMAC3's facade for several fidelities: random forest and Hyperband, whose survivors continue where they were."""

import math
import tempfile
from pathlib import Path
from typing import Any, final

from _protocol import Parameter, Peer, Proposal, Search, serve
from ConfigSpace import Categorical, Configuration, ConfigurationSpace, EqualsCondition, Float, Integer
from smac import MultiFidelityFacade, Scenario
from smac.runhistory.dataclasses import TrialInfo, TrialValue

ETA = 3


@final
class Smac(Peer):
    """SMAC3 asked and told. Its trials are a configuration up to an epoch; ours are configurations."""

    def __init__(self, search: Search, folder: Path) -> None:
        scenario = Scenario(
            configuration_space(search),
            deterministic=True,
            n_trials=affordable_evaluations(search.budget, search.epochs),
            min_budget=1,
            max_budget=search.epochs,
            seed=search.seed,
            output_directory=folder,
        )
        self._smac = MultiFidelityFacade(scenario, None, overwrite=True, logging_level=False)
        self._numbers: dict[Configuration, int] = {}
        self._trained: dict[int, int] = {}
        self._running: dict[int, TrialInfo] = {}

    def ask(self) -> Proposal:
        info = self._smac.ask()
        trial = self._numbers.setdefault(info.config, len(self._numbers))
        self._running[trial] = info
        config = {name: _plain(value) for name, value in dict(info.config).items()}
        return Proposal(trial=trial, config=config, start=self._trained.get(trial, 0), until=round(info.budget))

    def report(self, trial: int, epoch: int, value: float) -> bool:
        self._trained[trial] = epoch
        if epoch < round(self._running[trial].budget):
            return True
        self._smac.tell(self._running.pop(trial), TrialValue(cost=-value), save=False)
        return False


def configuration_space(search: Search) -> ConfigurationSpace:
    """Return the space in SMAC3's form."""
    space = ConfigurationSpace(seed=search.seed)
    space.add([_hyperparameter(each) for each in search.space])
    space.add(
        [EqualsCondition(space[each.path], space[each.when[0]], each.when[1]) for each in search.space if each.when]
    )
    return space


def affordable_evaluations(budget: int, epochs: int) -> int:
    """Return how many evaluations of Hyperband so many epochs pay for, where survivors continue.

    SMAC3 takes its limit in evaluations, and a quarter of it at most for the random configurations at the beginning.
    """
    most = int(math.log(epochs) / math.log(ETA))
    evaluations, cost = 0, 0.0
    for bracket in range(most + 1):
        first = math.ceil(ETA**bracket * (most + 1) / (bracket + 1))
        reached = 0.0
        for stage in range(bracket + 1):
            until = epochs * ETA ** (stage - bracket)
            evaluations += first // ETA**stage
            cost += first // ETA**stage * (until - reached)
            reached = until
    return round(evaluations * budget / cost)


def _hyperparameter(each: Parameter) -> Any:
    if each.type == "choice":
        return Categorical(each.path, list(each.values))
    if each.type == "int":
        return Integer(each.path, (int(each.low), int(each.high)), log=each.log)
    return Float(each.path, (each.low, each.high), log=each.log)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        serve(lambda search: Smac(search, Path(folder)))
