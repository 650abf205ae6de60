"""What the machine has, and what of it is missing."""

import os

import pytest

from tuner.system.hardware import cohorts_at_a_time, cpu_count, gpu_count, missing


def test_there_are_as_many_processors_as_the_process_may_use() -> None:
    assert 1 <= cpu_count() <= (os.cpu_count() or 1)


@pytest.mark.parametrize("visible", ["", "-1", " , "])
def test_gpus_that_are_hidden_are_not_counted(visible: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpu_count() == 0


def test_nothing_is_missing_where_the_machine_has_it() -> None:
    assert missing(cpu=cpu_count(), gpu=0) == ()


def test_everything_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    processors, gpus = missing(cpu=cpu_count() + 1, gpu=0.5)
    assert processors == (
        f"resources.cpu: {cpu_count() + 1} processors are asked for and this machine has {cpu_count()}"
    )
    assert gpus == (
        "resources.gpu: 0.5 GPU is asked for and there is none on this machine; "
        "set resources.gpu = 0 to train on the CPU"
    )


def test_cohorts_share_the_processors() -> None:
    assert cohorts_at_a_time(cpu=0.5, gpu=0) == 2 * cpu_count()
    assert cohorts_at_a_time(cpu=0, gpu=0) == cpu_count()


def test_one_cohort_runs_at_least() -> None:
    assert cohorts_at_a_time(cpu=cpu_count() + 1, gpu=0) == 1


def test_cohorts_that_train_on_a_gpu_are_no_more_than_fit_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert cohorts_at_a_time(cpu=0.01, gpu=0.5) == 1
