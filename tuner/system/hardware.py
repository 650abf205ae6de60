"""What this machine has, found out without importing torch or starting Ray."""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import final

_INTEL = "0x8086"


@final
@dataclass(frozen=True, slots=True)
class Accelerator:
    """What the installed torch can train on beside the processors: `device` is its name for it, "cpu" for nothing.

    `unused` says of GPUs that torch cannot use why not.
    """

    device: str
    count: int
    unused: str = ""


def cpu_count() -> int:
    """Return the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpu_count() -> int:
    """Return the number of GPUs that programs can see; Intel's only where the installed torch uses them."""
    return _nvidia_count() or _rocm_count() or int(_is_apple()) or accelerator().count


def accelerator(build: str | None = None) -> Accelerator:
    """Return what a torch of version `build` can train on here (None: the installed one; "": none is installed).

    What torch was built for is the local part of its version, `2.9.1+rocm6.4`; without one, as from PyPI, it is CUDA.
    """
    build = _torch_version() if build is None else build
    local = build.partition("+")[2]
    if local.startswith("rocm"):
        return _of("cuda", _rocm_count())  # torch's name for AMD's, too
    if local.startswith("xpu"):
        return _of("xpu", _xpu_count())
    if _is_apple():
        return _of("mps", 1 if build else 0)
    found = _nvidia_count()
    if found and (not build or local == "cpu"):
        has = f"torch {build} is built for processors only" if build else "torch is not installed"
        return Accelerator("cpu", 0, f"{found} NVIDIA {'GPU is' if found == 1 else 'GPUs are'} not used: {has}")
    return _of("cuda", found)


def _of(device: str, count: int) -> Accelerator:
    return Accelerator(device, count) if count else Accelerator("cpu", 0)


def _torch_version() -> str:
    """Return the version of the installed torch, found without importing it; "" where there is none."""
    try:
        return version("torch")
    except PackageNotFoundError:
        return ""


def _nvidia_count() -> int:
    found = len(list(Path("/proc/driver/nvidia/gpus").glob("*"))) or len(list(Path("/dev").glob("nvidia[0-9]*")))
    return _visible(found, "CUDA_VISIBLE_DEVICES")


def _rocm_count() -> int:
    """Return the number of AMD GPUs that the kernel's driver for computing knows."""
    nodes = Path("/sys/class/kfd/kfd/topology/nodes").glob("*/gpu_id")
    return _visible(sum(_content(node) not in {"", "0"} for node in nodes), "HIP_VISIBLE_DEVICES")


def _xpu_count() -> int:
    return sum(_content(card) == _INTEL for card in Path("/sys/class/drm").glob("card[0-9]/device/vendor"))


def _is_apple() -> bool:
    return (platform.system(), platform.machine()) == ("Darwin", "arm64")


def _visible(found: int, variable: str) -> int:
    """Return how many of the GPUs an environment variable leaves visible, as it does for torch."""
    visible = os.environ.get(variable)
    if visible is None:
        return found
    return min(found, len([each for each in visible.split(",") if each.strip() not in {"", "-1"}]))


def _content(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""  # it is not for this user to read, nor to use


def missing(cpu: float, gpu: float) -> tuple[str, ...]:
    """Return what of one cohort's demand this machine cannot ever meet, one line each."""
    problems = []
    if cpu > cpu_count():
        problems.append(f"resources.cpu: {cpu:g} processors are asked for and this machine has {cpu_count()}")
    if gpu > gpu_count():
        has = f"it has {gpu_count()}" if gpu_count() else "there is none on this machine"
        problems.append(f"resources.gpu: {gpu:g} GPU is asked for and {has}; set resources.gpu = 0 to train on the CPU")
    return tuple(problems)


def cohorts_at_a_time(cpu: float, gpu: float) -> int:
    """Return how many cohorts of this size fit on the machine at once, at least one."""
    by_cpu = int(cpu_count() / cpu) if cpu else cpu_count()
    by_gpu = int(gpu_count() / gpu + 1e-9) if gpu else by_cpu
    return max(1, min(by_cpu, by_gpu))
