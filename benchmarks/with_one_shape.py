"""256 trials x 9 epochs of one's own MLP, by us in one process: COHORT.

Prints the seconds on the clock, those that this process computed for, and the share of epochs that were batched. A
study of 8 trials goes before, so that neither has what torch imports at first.
"""

import sys
import time

import tuner
from tuner.domain.study import Confirm


def run(name: str, trials: int, epochs: int, cohort: str) -> tuner.Study:
    return tuner.run(
        tuner.StudySpec(
            name=name,
            objective="cohort_models:Small",
            search_space="cohort_models:one_shape",
            metric="log_loss",
            direction="minimize",
            budget=tuner.Budget(trials=trials, epochs=epochs),
            sampler="random",
            scheduler="none",
            executor="inline",
            resources=tuner.Resources(cohort="auto" if cohort == "auto" else int(cohort)),
            confirm=Confirm(run=False),
        )
    )


if __name__ == "__main__":
    (cohort,) = sys.argv[1:]
    run("warm", 8, 1, cohort)
    began, busy = time.perf_counter(), time.process_time()
    study = run("one-shape", 256, 9, cohort)
    print(time.perf_counter() - began, time.process_time() - busy, study.summary.batching.share)
