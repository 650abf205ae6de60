"""What a run is given of the machine where its study leaves that open."""

import sys
from typing import Any

import pytest

from tuner import Resources, StudySpec
from tuner.domain.capacity import Capacity, NodeCapacity
from tuner.domain.command import Command
from tuner.domain.study import INLINE
from tuner.running.resources import cohorts_at_a_time, decided, device_of, gpu_notes, missing
from tuner.system.hardware import Accelerator, cpu_count

TWO = Accelerator("cuda", 2)
NONE = Accelerator("cpu", 0)
UNUSED = Accelerator("cpu", 0, "1 NVIDIA GPU is not used: torch is not installed")


def spec(objective: Any = "mine:train", **resources: Any) -> StudySpec:
    return StudySpec(objective=objective, search_space="mine:space", metric="loss", resources=Resources(**resources))


@pytest.fixture
def _without_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "tensorflow", "jax"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.fixture
def _with_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", sys)


@pytest.mark.usefixtures("_with_torch")
def test_an_objective_that_has_imported_torch_is_given_a_gpu_that_is_there() -> None:
    assert decided(spec(), TWO).gpu == 1
    assert decided(spec(), NONE).gpu == 0


@pytest.mark.usefixtures("_without_libraries")
def test_without_a_library_that_computes_on_one_only_a_command_is_given_a_gpu() -> None:
    assert decided(spec(), TWO).gpu == 0
    assert decided(spec(Command(words=("train",))), TWO).gpu == 1


@pytest.mark.parametrize("gpu", [0, 0.25, 2])
def test_a_number_that_the_study_gives_stays(gpu: float) -> None:
    assert decided(spec(gpu=gpu), TWO).gpu == gpu
    assert gpu_notes(spec(gpu=gpu), Resources(gpu=gpu), TWO) == ()


def test_the_device_is_torchs_name_for_what_is_there() -> None:
    assert device_of(Resources(gpu=0), TWO) == "cpu"
    assert device_of(Resources(gpu=1), TWO) == "cuda"
    assert device_of(Resources(gpu=1), Accelerator("mps", 1)) == "mps"
    assert device_of(Resources(gpu=1), UNUSED) == "cuda", "the program may compute with something else"


def test_a_gpu_that_is_used_or_cannot_be_is_said() -> None:
    (used,) = gpu_notes(spec(), Resources(gpu=1), TWO)
    assert used.startswith("2 GPUs found, and one is given to each of what trains at a time")
    assert gpu_notes(spec(), Resources(gpu=0), UNUSED) == (UNUSED.unused,)
    assert gpu_notes(spec(), Resources(gpu=0), NONE) == ()


def test_as_many_cohorts_train_at_a_time_as_fit_or_as_are_asked_for() -> None:
    assert cohorts_at_a_time("ray", Resources(gpu=0)) == cpu_count()
    assert cohorts_at_a_time("ray", Resources(gpu=0, parallel=7)) == 7
    assert cohorts_at_a_time(INLINE, Resources(gpu=0, parallel=7)) == 1


def test_a_trial_takes_what_all_of_its_ranks_take_of_one_machine() -> None:
    ranks = Resources(cpu=0.5, gpu=1, ranks=4)
    assert (ranks.num_cpus, ranks.num_gpus) == (2, 4)
    nodes = Capacity((NodeCapacity(4, 4), NodeCapacity(4, 3)))
    assert cohorts_at_a_time("ray", ranks, nodes) == 1
    assert not missing(ranks, nodes)
    (problem,) = missing(ranks, Capacity((NodeCapacity(4, 2), NodeCapacity(4, 2))))
    assert problem.endswith("the 4 ranks of a trial (resources.ranks) lie on one machine, each with cpu and gpu")
