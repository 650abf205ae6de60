"""What a study ran on: versions and the machine, found out without importing anything heavy."""

import os
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("tuner", "torch", "ray", "optuna", "numpy", "scikit-learn", "pandas")


def environment() -> Mapping[str, str]:
    """Return the versions of what computes a result, and the machine without its name or its owner's."""
    return {
        "python": platform.python_version(),
        **{package: found for package in _PACKAGES if (found := _version(package))},
        "system": f"{platform.system()} {platform.machine()}",
        "processors": f"{os.cpu_count()} of {_processor()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """Return the processor's model where Linux gives it, else its family."""
    described = Path("/proc/cpuinfo")
    lines = described.read_text(encoding="utf-8").splitlines() if described.is_file() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())
