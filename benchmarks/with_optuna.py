"""The overhead benchmark's search, by Optuna in one process on SQLite, as its documentation shows."""

import sys
from itertools import islice

import optuna
import workload


def objective(trial: optuna.Trial) -> float:
    config = {
        "width": trial.suggest_int("width", 16, 256, log=True),
        "depth": trial.suggest_int("depth", 1, 3),
        "dropout": trial.suggest_float("dropout", 0.0, 0.5),
        "lr": trial.suggest_float("lr", 1e-4, 1e-1, log=True),
        "weight_decay": trial.suggest_float("weight_decay", 1e-6, 1e-2, log=True),
        "batch_size": trial.suggest_categorical("batch_size", [32, 64, 128]),
    }
    accuracy = 0.0
    for epoch, accuracy in enumerate(islice(workload.accuracies(config), 27), start=1):
        trial.report(accuracy, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return accuracy


if __name__ == "__main__":
    study = optuna.create_study(
        storage="sqlite:///overhead.db",
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=int(sys.argv[2])),
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    )
    study.optimize(objective, n_trials=int(sys.argv[1]))
    print(study.best_value)
