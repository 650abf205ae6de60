"""`tuner stop`, `pause`, `limit` and `extend`: what they say, and what they refuse."""

from collections.abc import Callable
from contextlib import closing

import pytest

import tuner
from tuner.domain.live_control import LiveControl
from tuner.storage.store import open_store

Cli = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.usefixtures("workplace")


def test_what_is_asked_of_a_running_study_is_stored_for_it(cli: Cli) -> None:
    space = tuner.SearchSpace(x=tuner.Float(0, 1))
    tuner.create_study(space, metric="loss", direction="minimize", name="asked", trials=9).close()
    with closing(open_store(None)) as store:
        spec = {**store.study("asked").spec, "objective": "supervised", "search_space": "mlp"}
        with store.holding("asked") as writer:
            writer.annotate("spec", spec)
            claim = store.claim("asked")
            assert claim is not None
            for words in (
                ("pause", "asked"),
                ("limit", "asked", "--parallel", "2"),
                ("extend", "asked", "--trials", "20"),
            ):
                code, answer, messages = cli(*words)
                assert (code, answer.startswith("asked ")) == (0, True), messages
            assert store.control("asked").asked(claim.token) == LiveControl(is_paused=True, parallel=2, trials=20)
            assert cli("pause", "asked", "--off")[1] == "asked continues within seconds\n"
            assert "continue it with: tuner resume asked" in cli("stop", "asked")[1]
            assert store.control("asked").asked(claim.token) == LiveControl(stops=True, parallel=2, trials=20)


def test_a_study_that_nothing_runs_is_refused_with_what_to_do(cli: Cli) -> None:
    space = tuner.SearchSpace(x=tuner.Float(0, 1))
    study = tuner.create_study(space, metric="loss", direction="minimize", name="idle", trials=9)
    study.close()
    with closing(open_store(None)) as store, store.holding("idle") as writer:
        writer.annotate("spec", {**store.study("idle").spec, "objective": "supervised"})
    code, _, messages = cli("extend", "idle", "--trials", "20")
    assert code == 2
    assert "no process runs the study now" in messages
    assert "tuner resume idle --trials 20" in messages
    assert cli("stop", "missing")[0] == 2
