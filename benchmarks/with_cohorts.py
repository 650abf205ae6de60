"""A study of small models on digits, by us; prints the seconds from its first trial to its last, and its best value.

    python with_cohorts.py SPACE TRIALS COHORT
"""

import sys

import tuner

if __name__ == "__main__":
    space, trials, cohort = sys.argv[1:]
    study = tuner.run(
        tuner.StudySpec(
            name="cohorts",
            objective="supervised",
            search_space=f"cohort_spaces:{space}",
            metric="accuracy",
            settings={"dataset": "digits", "test": 0},
            budget=tuner.Budget(trials=int(trials), epochs=27),
            sampler="random",
            resources=tuner.Resources(parallel=2, cohort=cohort if cohort == "auto" else int(cohort)),
        )
    )
    began = min(trial.started for trial in study.trials if trial.started)
    ended = max(trial.finished for trial in study.trials if trial.finished)
    epochs = sum(len(trial.curve) for trial in study.trials)
    print((ended - began).total_seconds(), study.best_trial.value, epochs)
