"""Conformance suites: what every member of a kind promises, as tests to inherit.

The author of a member writes a class that inherits a suite and names the member; pytest then runs the suite:

```python
from tuner.testing import SamplerConformance


class TestMine(SamplerConformance):
    sampler = Mine
```

The same suites judge the members that ship. They need pytest and Hypothesis: `pip install 'tuner[testing]'`.
"""

import pytest

pytest.register_assert_rewrite(
    *(f"tuner.testing.{name}" for name in ("executor", "objective", "sampler", "scheduler", "search_space", "tracker"))
)

from tuner.testing.executor import ExecutorConformance
from tuner.testing.objective import ObjectiveConformance
from tuner.testing.sampler import SamplerConformance
from tuner.testing.scheduler import SchedulerConformance
from tuner.testing.search_space import SearchSpaceConformance
from tuner.testing.tracker import TrackedRun, TrackerConformance

__all__ = [
    "ExecutorConformance",
    "ObjectiveConformance",
    "SamplerConformance",
    "SchedulerConformance",
    "SearchSpaceConformance",
    "TrackedRun",
    "TrackerConformance",
]
