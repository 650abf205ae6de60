"""Numerical libraries compute with the threads of a trial while it trains here, and as before afterwards."""

import os
import subprocess
import sys

import pytest
import torch

import tuner
from tuner import Choice, SearchSpace, StudySpec
from tuner.domain.study import Confirm
from tuner.execution.threads import computing_with

SPACE = SearchSpace(x=Choice(1))


def test_a_block_computes_with_so_many_threads_and_leaves_them_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    with computing_with(before + 2):
        assert torch.get_num_threads() == before + 2
        assert os.environ["OMP_NUM_THREADS"] == str(before + 2)
    assert torch.get_num_threads() == before
    assert "OMP_NUM_THREADS" not in os.environ


def printed(program: str, variable: str) -> list[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": variable}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    return ran.stdout.split()


def test_a_library_that_is_imported_in_the_block_has_its_threads_too() -> None:
    program = (
        "from tuner.execution.threads import computing_with\n"
        "with computing_with(1):\n"
        "    import torch\n"
        "    print(torch.get_num_threads())\n"
        "print(torch.get_num_threads())\n"
    )
    assert printed(program, "3") == ["1", "3"]


def test_a_library_that_is_imported_in_the_block_computes_afterwards_as_if_it_had_been_imported_before() -> None:
    program = (
        "from tuner.execution.threads import computing_with\n"
        "with computing_with(1):\n"
        "    import scipy.linalg, sklearn.ensemble\n"
        "    from threadpoolctl import threadpool_info\n"
        "    inside = threadpool_info()\n"
        "after = threadpool_info()\n"
        "print(*sorted({each['num_threads'] for each in inside}), *sorted({each['num_threads'] for each in after}))\n"
    )
    assert printed(program, "2") == ["1", "2"]


@pytest.mark.parametrize("variable", ["0", "²", "", "many"])
def test_a_variable_that_asks_for_no_number_of_threads_leaves_the_usual_one(variable: str) -> None:
    program = (
        "from tuner.execution.threads import computing_with\n"
        "from tuner.system.hardware import cpu_count\n"
        "with computing_with(1):\n"
        "    import torch\n"
        "print(torch.get_num_threads() == cpu_count())\n"
    )
    assert printed(program, variable) == ["True"]


@pytest.mark.parametrize(("variable", "cpu", "threads"), [(None, 1, 1), (None, 2, 2), ("3", 1, 3), ("3,2", 1, 3)])
def test_a_trial_of_an_inline_study_has_a_thread_for_each_of_its_processors(
    variable: str | None, cpu: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", variable)
    seen: list[int] = []

    def train(trial: tuner.Trial) -> float:
        seen.append(torch.get_num_threads())
        return 0.5

    spec = StudySpec(
        name="threads", objective=train, search_space=SPACE, metric="score", direction="maximize", executor="inline",
        resources=tuner.Resources(cpu=cpu, gpu=0), budget=tuner.Budget(trials=1, epochs=1), confirm=Confirm(run=False),
    )  # fmt: skip
    tuner.run(spec)
    assert seen == [threads]
