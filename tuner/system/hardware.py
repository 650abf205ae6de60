"""What this machine has, found out without importing torch or starting Ray."""

import os
from pathlib import Path


def cpu_count() -> int:
    """Return the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpu_count() -> int:
    """Return the number of NVIDIA GPUs that are visible; `CUDA_VISIBLE_DEVICES` narrows them as it does for torch."""
    found = len(list(Path("/proc/driver/nvidia/gpus").glob("*"))) or len(list(Path("/dev").glob("nvidia[0-9]*")))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return found
    return min(found, len([each for each in visible.split(",") if each.strip() not in ("", "-1")]))


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
