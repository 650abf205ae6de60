"""A study by us in one process: DATASET SPACE COHORT SEED; prints its best validation log loss."""

import sys

import tuner

if __name__ == "__main__":
    dataset, space, cohort, seed = sys.argv[1:]
    study = tuner.run(
        tuner.StudySpec(
            name="quality",
            objective="supervised",
            search_space=space,
            metric="log_loss",
            direction="minimize",
            seed=int(seed),
            settings={"dataset": dataset, "test": 0},
            budget=tuner.Budget(trials=64, epochs=27),
            executor="inline",
            resources=tuner.Resources(cohort="auto" if cohort == "auto" else int(cohort)),
        )
    )
    print(study.best_trial.value)
