"""Where Ray's workers find modules: what is installed always comes before what lies in a person's folder."""

import json
import subprocess
import sys
from pathlib import Path
from typing import final

from ray.job_config import JobConfig

_ROOT = Path(__file__).resolve().parents[3]
"""The folder that `tuner` is imported from."""


@final
class OwnModulePath(JobConfig):  # type: ignore[misc]
    """A job whose workers start with the module path that every Python starts with.

    Ray would put the working directory and the script's folder in front of everything: a `numpy.py` that lies there
    would run in every worker. What the study's own process finds besides is appended by `follow_driver`.
    """

    @property
    def _py_driver_sys_path(self) -> list[str]:
        return _needed()  # a new list each time: what Ray adds to it is lost

    @_py_driver_sys_path.setter
    def _py_driver_sys_path(self, _: list[str]) -> None:
        pass


def follow_driver(module_path: tuple[str, ...]) -> None:
    """Let this worker find what the study's own process finds, after all that it finds itself."""
    sys.path.extend(entry for entry in module_path if entry not in sys.path)


def _needed() -> list[str]:
    """Return the folder of `tuner` where no other Python would find it: it is the script's, or the working directory.

    An installed one needs nothing, nor one that an entry of PYTHONPATH leads to.
    """
    if str(_ROOT) not in sys.path or _ROOT not in _folders_of_the_program():
        return []
    command = [sys.executable, "-P", "-c", "import json, sys; print(json.dumps(sys.path))"]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603 - our own interpreter
    return [] if str(_ROOT) in found else [str(_ROOT)]


def _folders_of_the_program() -> set[Path]:
    script = Path(sys.argv[0]).resolve().parent if sys.argv else Path.cwd()
    return {Path.cwd().resolve(), script}
