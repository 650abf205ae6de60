"""What the machine has, and what of it is missing."""

import os

import pytest

from tuner.system import hardware
from tuner.system.hardware import Accelerator, accelerator, cohorts_at_a_time, cpu_count, gpu_count, missing


def test_there_are_as_many_processors_as_the_process_may_use() -> None:
    assert 1 <= cpu_count() <= (os.cpu_count() or 1)


@pytest.mark.parametrize("visible", ["", "-1", " , "])
def test_gpus_that_are_hidden_are_not_counted(visible: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpu_count() == 0


@pytest.mark.parametrize(
    ("build", "nvidia", "amd", "expected"),
    [
        ("2.9.1", 2, 0, Accelerator("cuda", 2)),
        ("2.9.1+cu128", 1, 0, Accelerator("cuda", 1)),
        ("2.9.1+rocm6.4", 0, 4, Accelerator("cuda", 4)),
        ("2.9.1", 0, 4, Accelerator("cpu", 0)),
        ("2.9.1+cpu", 0, 0, Accelerator("cpu", 0)),
        ("", 0, 0, Accelerator("cpu", 0)),
        (
            "2.9.1+cpu",
            1,
            0,
            Accelerator("cpu", 0, "1 NVIDIA GPU is not used: torch 2.9.1+cpu is built for processors only"),
        ),
        ("", 2, 0, Accelerator("cpu", 0, "2 NVIDIA GPUs are not used: torch is not installed")),
    ],
)
def test_what_torch_was_built_for_decides_on_what_it_trains(
    build: str, nvidia: int, amd: int, expected: Accelerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "_nvidia_count", lambda: nvidia)
    monkeypatch.setattr(hardware, "_rocm_count", lambda: amd)
    monkeypatch.setattr(hardware, "_is_apple", lambda: False)
    assert accelerator(build) == expected


@pytest.mark.parametrize(("build", "device"), [("2.9.1", "mps"), ("", "cpu")])
def test_apples_gpus_need_no_build_of_their_own(build: str, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_is_apple", lambda: True)
    assert accelerator(build).device == device


def test_intels_gpus_are_counted_where_torch_uses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_nvidia_count", "_rocm_count", "_is_apple"):
        monkeypatch.setattr(hardware, name, lambda: 0)
    monkeypatch.setattr(hardware, "_xpu_count", lambda: 2)
    monkeypatch.setattr(hardware, "_torch_version", lambda: "2.9.1+xpu")
    assert gpu_count() == accelerator().count == 2
    assert missing(cpu=1, gpu=1) == ()
    monkeypatch.setattr(hardware, "_torch_version", lambda: "2.9.1+cpu")
    assert gpu_count() == 0


def test_the_installed_torch_is_the_one_that_is_asked_about() -> None:
    import torch  # noqa: PLC0415 - the other tests of this file need none

    assert accelerator() == accelerator(torch.__version__)
    assert (accelerator().device == "cuda") == torch.cuda.is_available()


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
