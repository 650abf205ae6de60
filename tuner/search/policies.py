"""Who decides in a search."""

from dataclasses import dataclass
from typing import final

from tuner.domain.sampler import Sampler
from tuner.domain.scheduler import Scheduler
from tuner.search.added_configs import AddedConfigs
from tuner.search.cohort_policy import CohortPolicy


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """What is tried, what is stopped early, and which trials train together.

    What people have `added` to the study is tried before what the sampler proposes.
    """

    sampler: Sampler
    scheduler: Scheduler
    cohorts: CohortPolicy
    added: AddedConfigs | None = None
