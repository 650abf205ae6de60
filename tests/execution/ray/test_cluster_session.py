"""A study's time on a cluster: nodes are counted as they come and go, and a head that is gone ends it."""

import socket
import threading

import pytest

from tuner.domain.capacity import Capacity, NodeCapacity
from tuner.domain.errors import ClusterLostError, ConfigurationError
from tuner.domain.resources import Resources
from tuner.execution.ray import cluster
from tuner.execution.ray.cluster_session import HeadWatch, NodeCount


def test_nodes_are_counted_again_and_not_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes, now = iter([2, 4]), [0.0]
    monkeypatch.setattr(cluster, "capacity", lambda: Capacity((NodeCapacity(next(sizes), 0),)))
    nodes = NodeCount(Resources(), clock=lambda: now[0])
    assert [nodes.parallel(), nodes.parallel()] == [2, 2]
    now[0] = 10.0
    assert nodes.parallel() == 4


def test_a_number_of_the_studys_is_kept_so_that_what_does_not_fit_asks_for_nodes() -> None:
    assert NodeCount(Resources(parallel=16)).parallel() == 16


def test_a_head_that_listens_lets_the_run_end_as_it_does() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        head = HeadWatch(server.getsockname())
        done: list[bool] = []
        with head.watching():
            head.run(lambda: done.append(True))
            with pytest.raises(ConfigurationError, match="wrong"):
                head.run(lambda: (_ for _ in ()).throw(ConfigurationError("wrong")).send(None))
        assert done == [True]
        assert not head.is_lost


def test_a_head_that_is_gone_ends_a_run_that_waits_for_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
    head, never = HeadWatch(address), threading.Event()

    def wait() -> None:
        never.wait()

    with head.watching(), pytest.raises(ClusterLostError, match=f"127.0.0.1:{address[1]} is lost"):
        head.run(wait)
    with pytest.raises(ClusterLostError):
        head.check()
    never.set()
