"""Workers of a run share a template: the objective is imported once, while they start."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from templates import gone, processes_started

from tuner.domain.assignment import Assignment, AssignmentKind, TrialAssignment
from tuner.domain.config import Config
from tuner.domain.study import Direction
from tuner.domain.study_folders import StudyFolders
from tuner.domain.trial import Report
from tuner.domain.worker_spec import Isolation, WorkerSpec
from tuner.execution.inherited_environment import surrounded
from tuner.execution.isolation.shared_template import shared_template
from tuner.execution.isolation.worker import IsolatedWorker
from tuner.execution.work_errors import WorkOverranError

PROGRAM = """
import os, time
from pathlib import Path

with open("imported", "a") as file:
    file.write(f"{os.getpid()}\\n")
print("imported here")

def train(trial):
    print("trial", trial.number)
    yield {"m": float(os.getppid())}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


@pytest.fixture
def worker_spec(folder: Path) -> WorkerSpec:
    return surrounded(
        WorkerSpec(
            objective="program:train",
            folder=folder,
            settings={},
            seed=0,
            metric="m",
            direction=Direction.MAXIMIZE,
            max_epochs=1,
            device="cpu",
            folders=StudyFolders.within(folder / "study"),
            isolation=Isolation.TRIAL,
            started_in=folder,
        )
    )


@pytest.fixture
def address(worker_spec: WorkerSpec, folder: Path) -> Iterator[Path | None]:
    with shared_template(worker_spec, folder) as address:
        yield address


def trained(worker: IsolatedWorker, number: int) -> tuple[Report, ...]:
    member = TrialAssignment(number=number, config=Config({"x": 1.0}), seed=number, decision_epochs=(1,))
    worker.begin(Assignment(id=number, kind=AssignmentKind.TRAIN, members=(member,)))
    return worker.advance()


def log(folder: Path, number: int) -> str:
    return (folder / "study" / "logs" / f"trial-{number:05d}.log").read_text()


def imports(folder: Path) -> list[int]:
    return [int(line) for line in (folder / "imported").read_text().split()]


def test_several_workers_have_the_objective_imported_once(worker_spec: WorkerSpec, address: Path, folder: Path) -> None:
    workers = [IsolatedWorker(worker_spec, template=address) for _ in range(2)]
    parents = {trained(worker, number)[0].metrics["m"] for number, worker in enumerate(workers)}  # type: ignore[index]
    for worker in workers:
        worker.close()
    assert len(imports(folder)) == 1
    assert len(parents) == 2, "each worker has a template of its own, which ends what its trials leave"


def test_what_the_import_prints_is_in_the_log_of_a_workers_first_trial(
    worker_spec: WorkerSpec, address: Path, folder: Path
) -> None:
    worker = IsolatedWorker(worker_spec, template=address)
    trained(worker, 0)
    trained(worker, 1)
    worker.close()
    assert log(folder, 0) == "imported here\ntrial 0\n"
    assert log(folder, 1) == "trial 1\n"


def test_an_objective_that_cannot_be_imported_is_the_failure_of_the_trial_with_its_log(
    worker_spec: WorkerSpec, folder: Path
) -> None:
    (folder / "program.py").write_text("print('so far')\nraise RuntimeError('no such dataset')\n")
    with shared_template(worker_spec, folder) as address:
        worker = IsolatedWorker(worker_spec, template=address)
        with pytest.raises(WorkOverranError, match="no such dataset"):
            trained(worker, 0)
        worker.close()
    assert "so far" in log(folder, 0)
    assert "RuntimeError: no such dataset" in log(folder, 0)


def test_a_module_that_starts_threads_is_trained_in_fresh_interpreters(worker_spec: WorkerSpec, folder: Path) -> None:
    program = "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True, name='mine').start()\n"
    (folder / "program.py").write_text(program + PROGRAM)
    with shared_template(worker_spec, folder) as address:
        worker = IsolatedWorker(worker_spec, template=address)
        (report,) = trained(worker, 0)
        worker.close()
    assert report.metrics is not None
    assert "starts threads (mine)" in report.note


def test_nothing_is_left_once_the_run_is_over(worker_spec: WorkerSpec, folder: Path) -> None:
    with shared_template(worker_spec, folder) as address:
        with processes_started() as started:
            worker = IsolatedWorker(worker_spec, template=address)
            trained(worker, 0)
        assert started
        worker.close()
    for pid in started:
        assert gone(pid)


def test_a_template_that_is_still_importing_ends_with_the_run(worker_spec: WorkerSpec, folder: Path) -> None:
    (folder / "program.py").write_text("import os, time\nos.mkfifo('importing')\nopen('importing').read()\n")
    with ExitStack() as run:
        with processes_started() as started:
            run.enter_context(shared_template(worker_spec, folder))
        (template,) = started
        run.close()
    assert gone(template)


def test_a_worker_on_another_machine_starts_a_template_of_its_own(worker_spec: WorkerSpec, folder: Path) -> None:
    worker = IsolatedWorker(worker_spec, template=folder / "nothing is here")
    (report,) = trained(worker, 0)
    worker.close()
    assert report.metrics is not None


@pytest.mark.parametrize("changes", [{"isolation": Isolation.NONE}, {"device": "cuda"}], ids=["batched", "gpu"])
def test_none_is_started_where_none_helps(worker_spec: WorkerSpec, folder: Path, changes: dict[str, object]) -> None:
    with ExitStack() as run:
        with processes_started() as started:
            address = run.enter_context(shared_template(replace(worker_spec, **changes), folder))  # type: ignore[arg-type]
        assert address is None
        assert not started
