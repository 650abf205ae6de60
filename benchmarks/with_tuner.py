"""The overhead benchmark's search, by us."""

import sys

import tuner

if __name__ == "__main__":
    study = tuner.run(
        tuner.StudySpec(
            name="overhead",
            objective="workload:train",
            search_space="workload_space:space",
            metric="accuracy",
            seed=int(sys.argv[2]),
            budget=tuner.Budget(trials=int(sys.argv[1]), epochs=27),
            resources=tuner.Resources(parallel=2),
        )
    )
    if any(trial.failure for trial in study.trials):
        sys.exit("a trial failed")
    print(study.best_trial.value)
