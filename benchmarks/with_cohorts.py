"""A study of small models on digits, by us: SPACE TRIALS COHORT; prints the configurations a second."""

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
            resources=tuner.Resources(parallel=2, cohort="auto" if cohort == "auto" else int(cohort)),
        )
    )
    ends = sorted(trial.finished for trial in study.trials if trial.finished)
    print((len(ends) - 1) / (ends[-1] - ends[0]).total_seconds())
