"""How many cohorts run at a time under Ray."""

import pytest

from tuner.domain.resources import AUTO, Resources
from tuner.execution.ray.executor import num_cohorts
from tuner.system.hardware import cohorts_at_a_time, cpu_count, gpu_count


@pytest.mark.parametrize("cpu", [0.25, 0.5, 1, 2])
def test_as_many_cohorts_run_as_fit_where_nothing_is_asked_for(cpu: float) -> None:
    assert num_cohorts(Resources(cpu=cpu, parallel=AUTO)) == cohorts_at_a_time(cpu, 0)


def test_processors_are_shared_where_more_cohorts_are_asked_for_than_fit() -> None:
    wanted = 2 * cpu_count() + 1
    assert num_cohorts(Resources(cpu=1, parallel=wanted)) == wanted


def test_fewer_cohorts_run_where_fewer_are_asked_for() -> None:
    assert num_cohorts(Resources(cpu=0.01, parallel=2)) == 2


def test_a_gpu_is_never_shared_by_more_cohorts_than_fit() -> None:
    assert num_cohorts(Resources(cpu=0.01, gpu=1, parallel=1000)) == max(1, gpu_count())
