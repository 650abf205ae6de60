"""Why a cohort's worker is gone: with its node, or by itself."""

import pytest
from ray.exceptions import ActorDiedError, ActorUnavailableError

from tuner.execution.ray.actors import TuneActors


def node(*, alive: bool) -> dict[str, object]:
    return {"NodeID": "node-1", "Alive": alive}


@pytest.mark.parametrize("there", [[node(alive=True)], [node(alive=False)]])
def test_a_worker_is_gone_with_its_node_where_ray_has_that_no_more(
    there: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    is_nodes = not there[0]["Alive"]
    monkeypatch.setattr("ray.nodes", lambda: there)
    actors = TuneActors()
    actors.heard(1, "node-1")
    assert actors.died_with_node(1, ActorDiedError()) is is_nodes
    assert actors.died_with_node(1, None) is is_nodes
    actors.forget(1)
    assert not actors.died_with_node(1, None)


def test_what_ray_says_of_a_death_is_believed_before_it_has_counted_the_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ray.nodes", lambda: [node(alive=True)])
    died = ActorDiedError()
    died.error_msg = "The actor died because its node has died. Node Id: 1234"
    died.args = (died.error_msg,)
    actors = TuneActors()
    actors.heard(1, "node-1")
    assert actors.died_with_node(1, died)
    assert not actors.died_with_node(1, ActorUnavailableError("restarting", None))


def test_a_cohort_that_ray_has_not_taken_yet_is_not_placed() -> None:
    actors = TuneActors()
    assert not actors.is_placed(1)
    actors.end(1)
