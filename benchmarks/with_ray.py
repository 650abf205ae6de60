"""The overhead benchmark's search, by plain Ray Tune: OptunaSearch and ASHAScheduler, as its documentation shows."""

import sys
from itertools import islice
from typing import Any

import workload
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch


def train(config: dict[str, Any]) -> None:
    for accuracy in islice(workload.accuracies(config), 27):
        tune.report({"accuracy": accuracy})


if __name__ == "__main__":
    tuner = tune.Tuner(
        tune.with_resources(train, {"cpu": 1}),
        param_space={
            "width": tune.lograndint(16, 257),
            "depth": tune.randint(1, 4),
            "dropout": tune.uniform(0.0, 0.5),
            "lr": tune.loguniform(1e-4, 1e-1),
            "weight_decay": tune.loguniform(1e-6, 1e-2),
            "batch_size": tune.choice([32, 64, 128]),
        },
        tune_config=tune.TuneConfig(
            metric="accuracy",
            mode="max",
            search_alg=OptunaSearch(seed=int(sys.argv[2])),
            scheduler=ASHAScheduler(max_t=27, grace_period=1, reduction_factor=3),
            num_samples=int(sys.argv[1]),
            max_concurrent_trials=2,
        ),
    )
    results = tuner.fit()
    best = results.get_best_result()
    print(best.metrics["accuracy"])
