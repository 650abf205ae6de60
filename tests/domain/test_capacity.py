"""What the nodes of a cluster have, and how much of a study fits on them."""

import pytest

from tuner.domain.capacity import Capacity, NodeCapacity


@pytest.mark.parametrize(
    ("nodes", "cpu", "gpu", "fitting"),
    [
        ([(4, 0), (4, 0)], 1, 0, 8),
        ([(4, 0), (4, 0)], 3, 0, 2),
        ([(8, 2), (8, 0)], 1, 1, 2),
        ([(8, 1)], 1, 0.25, 4),
        ([(0, 0)], 1, 0, 1),
        ([], 1, 0, 1),
    ],
)
def test_a_cohort_lies_on_one_node_and_one_may_always_wait(
    nodes: list[tuple[float, float]], cpu: float, gpu: float, fitting: int
) -> None:
    capacity = Capacity(tuple(NodeCapacity(*each) for each in nodes))
    assert capacity.cohorts_at_a_time(cpu, gpu) == fitting


def test_what_no_single_node_has_is_missing() -> None:
    capacity = Capacity((NodeCapacity(2, 0), NodeCapacity(2, 1)))
    assert (capacity.cpu, capacity.gpu) == (4, 1)
    assert capacity.missing(2, 1) == ()
    assert [each.partition(":")[0] for each in capacity.missing(3, 2)] == ["resources.cpu", "resources.gpu"]
    assert "the cluster has none" in Capacity((NodeCapacity(2, 0),)).missing(1, 1)[0]
