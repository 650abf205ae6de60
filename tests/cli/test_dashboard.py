"""The command that serves the dashboard."""

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tuner import Direction, Float, SearchSpace
from tuner.domain.goal import Goal
from tuner.domain.new_study import NewStudy
from tuner.storage.store import open_store

Cli = Callable[..., tuple[int, str, str]]


def create() -> None:
    store = open_store(None)
    space = SearchSpace(x=Float(0, 1))
    store.create(NewStudy(name="s", goal=Goal.of("accuracy", Direction.MAXIMIZE), space=space, spec={}, source={}))
    store.close()


def test_it_says_where_it_is_and_ends_with_ctrl_c(workplace: Path) -> None:
    create()
    words = [sys.executable, "-m", "tuner.cli", "dashboard", "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        assert serving.stderr is not None
        told = serving.stdout.readline()
        found = re.fullmatch(
            r"http://127\.0\.0\.1:(\d+)(/dashboard\?token=[\w-]{32})  for looking only; Ctrl-C ends it\n", told
        )
        assert found is not None
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]))
        connection.request("GET", found[2])
        welcome = connection.getresponse()
        welcome.read()
        cookie = (welcome.getheader("Set-Cookie") or "").partition(";")[0]
        connection.request("GET", welcome.getheader("Location") or "", headers={"Cookie": cookie})
        assert "Optuna Dashboard" in connection.getresponse().read().decode()
        connection.close()
        serving.send_signal(signal.SIGINT)
        assert (serving.stdout.read(), serving.stderr.read()) == ("", "")
    assert serving.returncode == 0


def test_without_a_study_there_is_nothing_to_look_at(workplace: Path, cli: Cli) -> None:
    code, _, told = cli("dashboard")
    assert code == 2
    assert f"no study in {workplace / '.tuner' / 'studies.db'} yet" in told
    assert not (workplace / ".tuner").exists()


def test_without_the_package_it_is_said_how_to_get_it(tmp_path: Path) -> None:
    hiding = "import sys; sys.modules['optuna_dashboard'] = None; from tuner.cli.__main__ import main; main()"
    environment = {**os.environ, "TUNER_STORAGE": str(tmp_path / "studies.db")}
    words = [sys.executable, "-c", hiding, "dashboard"]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert ended.returncode == 2
    assert ended.stderr == "error: optuna-dashboard is not installed\n  pip install 'tuner[dashboard]'\n"
