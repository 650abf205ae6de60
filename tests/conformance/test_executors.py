"""What every executor that ships promises: what `tuner.testing` says of any."""

import pytest

from tuner.running.lookup import EXECUTORS
from tuner.testing import ExecutorConformance

for _name in EXECUTORS.names:
    _test = type(f"Test_{_name}", (ExecutorConformance,), {"executor": _name})
    globals()[f"Test_{_name}"] = pytest.mark.usefixtures("ray_session")(_test) if _name == "ray" else _test
