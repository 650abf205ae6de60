"""500 trials of an objective that computes nothing, by us; prints the seconds from the first trial to the last."""

import sys

import tuner

if __name__ == "__main__":
    study = tuner.run(
        tuner.StudySpec(
            name="nothing",
            objective="nothing:train",
            search_space="workload_space:space",
            metric="accuracy",
            budget=tuner.Budget(trials=int(sys.argv[1]), epochs=3),
            sampler=sys.argv[2],
            scheduler="none",
            resources=tuner.Resources(parallel=2),
        )
    )
    began = min(trial.started for trial in study.trials if trial.started)
    ended = max(trial.finished for trial in study.trials if trial.finished)
    print((ended - began).total_seconds())
