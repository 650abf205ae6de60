import sys
from pathlib import Path

import pytest
from search_quality.peer_system import PeerError, neutral, running_peer
from search_quality.simulation import simulated
from tiny_task import EPOCHS, tiny_task

from tuner import Choice, Float, Int, SearchSpace

TASK = tiny_task()

STEADY = """
import json, sys

trials, last = 0, {}
for line in sys.stdin:
    message = json.loads(line)
    if "begin" in message:
        answer, epochs = True, message["begin"]["epochs"]
    elif "ask" in message:
        answer = {"trial": trials, "config": {"x": 1 / (trials + 2), "kind": "plain"}, "from": 0, "until": epochs}
        trials += 1
    else:
        answer = message["report"]["trial"] == 3
    print(json.dumps(answer), flush=True)
"""


def script(folder: Path, text: str) -> list[str | Path]:
    path = folder / "peer.py"
    path.write_text(text)
    return [sys.executable, path]


def test_a_peer_is_searched_with_as_one_of_ours_is(tmp_path: Path) -> None:
    with running_peer(script(tmp_path, STEADY), TASK, seed=0, workers=2) as peer:
        run = simulated(TASK, peer, seed=0, workers=2)
    assert run.trials == TASK.budget - EPOCHS + 2  # of which one is trained to its end, and the last one not at all
    assert run.values[-1] == pytest.approx(0.2), "trial 3 has come furthest"


def test_a_peer_that_ends_before_its_answer_says_why(tmp_path: Path) -> None:
    failing = script(tmp_path, "raise SystemExit('no such space')")
    with pytest.raises(PeerError, match="no such space"), running_peer(failing, TASK, seed=0, workers=2):
        pass


def test_a_space_is_described_by_paths_types_ranges_and_conditions() -> None:
    space = SearchSpace(
        lr=Float(0.001, 1.0, log=True), model=Choice("linear", mlp={"depth": Int(1, 3)}), size=Choice(32, 64)
    )
    assert neutral(space) == [
        {"path": "lr", "when": None, "type": "float", "low": 0.001, "high": 1.0, "log": True},
        {"path": "model", "when": None, "type": "choice", "values": ["linear", "mlp"]},
        {"path": "model.mlp.depth", "when": ["model", "mlp"], "type": "int", "low": 1, "high": 3, "log": False},
        {"path": "size", "when": None, "type": "choice", "values": [32, 64]},
    ]


def test_a_parameter_that_no_peer_knows_is_refused() -> None:
    with pytest.raises(TypeError, match="no peer knows"):
        neutral(SearchSpace(dropout=Float(0.0, 0.5, step=0.1)))
