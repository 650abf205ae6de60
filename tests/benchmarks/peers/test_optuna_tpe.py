"""The peer runs in the environment of the tests, which has its packages."""

import sys

from search_quality.peer_system import PEERS, running_peer
from search_quality.simulation import Run, simulated
from tiny_task import EPOCHS, tiny_task

TASK = tiny_task()


def run(seed: int) -> Run:
    with running_peer([sys.executable, PEERS["optuna_tpe"]], TASK, seed, workers=4) as peer:
        return simulated(TASK, peer, seed, workers=4)


def test_optuna_finds_what_is_good_stops_what_is_poor_and_repeats_itself_with_its_seed() -> None:
    first, again = run(seed=0), run(seed=0)
    assert first.values[-1] > 0.9
    assert first.trials > TASK.budget / EPOCHS + 4, "without early stopping fewer trials would have begun"
    assert (first.values, first.incumbents, first.trials) == (again.values, again.incumbents, again.trials)
