"""So many MLPs in training in this process: MEMBERS; prints its memory in MiB."""

import resource
import sys
from pathlib import Path

from cohort_spaces import mlp

from tuner.domain.assignment import Assignment, AssignmentKind, TrialAssignment
from tuner.domain.study import Direction
from tuner.domain.study_folders import StudyFolders
from tuner.domain.worker_spec import WorkerSpec
from tuner.execution.worker import Worker

if __name__ == "__main__":
    worker = Worker(
        WorkerSpec(
            objective="supervised",
            folder=Path.cwd(),
            settings={"dataset": "digits"},
            seed=0,
            metric="accuracy",
            direction=Direction.MAXIMIZE,
            max_epochs=27,
            device="cpu",
            folders=StudyFolders.within(Path.cwd()),
        )
    )
    members = tuple(
        TrialAssignment(number=number, config=mlp.default, seed=number) for number in range(int(sys.argv[1]))
    )
    worker.begin(Assignment(id=1, kind=AssignmentKind.TRAIN, members=members))
    for _ in range(3):
        worker.advance()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
