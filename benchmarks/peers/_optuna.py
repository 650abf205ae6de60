"""Optuna with a sampler and its Hyperband pruner, asked and told."""

from typing import Any, final

import optuna
from _protocol import Peer, Proposal, Search
from optuna.pruners import HyperbandPruner
from optuna.samplers import BaseSampler
from optuna.trial import Trial, TrialState


@final
class Optuna(Peer):
    """A study in memory; a trial that its pruner does not stop ends with its last value."""

    def __init__(self, search: Search, sampler: BaseSampler) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        pruner = HyperbandPruner(min_resource=1, max_resource=search.epochs, reduction_factor=3)
        self._search = search
        name = f"peer {search.seed}"  # the pruner chooses a trial's bracket by the name
        self._study = optuna.create_study(study_name=name, direction="maximize", sampler=sampler, pruner=pruner)
        self._trials: dict[int, Trial] = {}

    def ask(self) -> Proposal:
        trial = self._study.ask()
        self._trials[trial.number] = trial
        return Proposal(trial=trial.number, config=self._suggested(trial), until=self._search.epochs)

    def report(self, trial: int, epoch: int, value: float) -> bool:
        running = self._trials[trial]
        running.report(value, epoch)
        if epoch == self._search.epochs:
            self._study.tell(running, value)
            return False
        if running.should_prune():
            self._study.tell(running, state=TrialState.PRUNED)
            return False
        return True

    def _suggested(self, trial: Trial) -> dict[str, Any]:
        config: dict[str, Any] = {}
        for each in self._search.space:
            if each.when is not None and config.get(each.when[0]) != each.when[1]:
                continue
            if each.type == "choice":
                config[each.path] = trial.suggest_categorical(each.path, each.values)
            elif each.type == "int":
                config[each.path] = trial.suggest_int(each.path, int(each.low), int(each.high), log=each.log)
            else:
                config[each.path] = trial.suggest_float(each.path, each.low, each.high, log=each.log)
        return config
