"""What `tuner doctor` prints, and how it ends."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from fakes import MAXIMIZED
from places import checkpoints_of

from tuner import Float, SearchSpace
from tuner.domain.new_study import NewStudy
from tuner.domain.trial import TrialRecord, TrialState
from tuner.storage.backup import make_backup
from tuner.storage.store import Store, open_store

Cli = Callable[..., tuple[int, str, str]]

SPACE = SearchSpace(x=Float(0, 1))
STUCK = "trial 0 is RUNNING, but no process runs the study"


@pytest.fixture
def store(workplace: Path) -> Store:
    return open_store(None)


def fill(store: Store, name: str, running: int = 0) -> None:
    store.create(NewStudy(name=name, goal=MAXIMIZED, space=SPACE, spec={}, source={}))
    with store.holding(name) as writer:
        for number in range(running):
            writer.begin([TrialRecord(number=number, state=TrialState.RUNNING, config=SPACE.default)])


def test_a_sound_storage_is_well(store: Store, cli: Cli) -> None:
    fill(store, "s")
    code, answer, messages = cli("doctor")
    assert (code, messages) == (0, "")
    assert answer.splitlines()[-1] == "all is well"
    assert ".tuner/studies.db" in answer
    assert str(store.location.folder) not in answer, "places are shown from the working directory"


def test_a_problem_is_told_with_what_mends_it_and_nothing_is_written(store: Store, cli: Cli) -> None:
    fill(store, "s", running=1)
    code, answer, _ = cli("doctor", "s")
    assert code == 4
    (line,) = [line for line in answer.splitlines() if STUCK in line]
    assert line.split()[0] == "problem"
    assert line.rstrip().endswith("set the state to WAITING")
    assert answer.splitlines()[-1] == "1 problem; what can be mended is mended with: tuner doctor s --fix"
    assert store.read("s")[1][0].state is TrialState.RUNNING


def test_fixing_tells_what_was_mended_and_ends_well(store: Store, cli: Cli) -> None:
    fill(store, "s", running=1)
    code, answer, _ = cli("doctor", "--fix")
    assert code == 0
    assert f"mended  s: {STUCK}" in answer
    assert answer.splitlines()[-1] == "all is well"
    assert cli("doctor", "--fix")[1].count("mended") == 0


def test_what_cannot_be_mended_is_left_and_told(store: Store, cli: Cli) -> None:
    fill(store, "s", running=1)
    folder = checkpoints_of(store, "s") / "trial-00000"
    folder.mkdir(mode=0o700, parents=True)
    (folder / "epoch-000001.safetensors").write_bytes(b"not one")
    code, answer, _ = cli("doctor", "--fix")
    assert code == 4
    assert answer.splitlines()[-1] == "1 problem left"


def test_the_table_is_aligned(store: Store, cli: Cli) -> None:
    fill(store, "a")
    fill(store, "a-longer-name", running=1)
    header, *rows = cli("doctor")[1].splitlines()
    where = header.index("where")
    (stuck,) = [row for row in rows if STUCK in row]
    assert stuck.index("a-longer-name") == where
    assert stuck.index("set the state") == header.index("--fix would")


def test_json_has_the_documented_keys(store: Store, cli: Cli) -> None:
    fill(store, "s", running=1)
    code, answer, _ = cli("doctor", "--json")
    told = json.loads(answer)
    assert code == 4
    assert (list(told), told["problems"], told["mended"]) == (["problems", "mended", "findings"], 1, [])
    assert {tuple(finding) for finding in told["findings"]} == {("severity", "what", "where", "fix", "advice")}
    (problem,) = [finding for finding in told["findings"] if finding["severity"] == "problem"]
    assert problem == {
        "severity": "problem",
        "what": STUCK,
        "where": "s",
        "fix": "set the state to WAITING",
        "advice": "",
    }
    code, answer, _ = cli("doctor", "--fix", "--json")
    assert (code, json.loads(answer)["mended"]) == (0, [problem])


def test_an_unknown_study_is_an_error_with_the_nearest_name(store: Store, cli: Cli) -> None:
    fill(store, "digits")
    code, answer, messages = cli("doctor", "digit")
    assert (code, answer) == (2, "")
    assert "did you mean 'digits'?" in messages


def test_the_way_back_to_a_backup_is_one_line_that_works_on_a_narrow_terminal(
    store: Store, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, "s")
    assert store.location.file is not None
    backup = make_backup(store.location.file)
    store.close()
    with closing(sqlite3.connect(store.location.file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # or the log would still have everything
    store.location.file.write_bytes(b"no database" * 100)
    monkeypatch.setenv("COLUMNS", "60")
    code, answer, _ = cli("doctor")
    assert code == 4
    assert backup.file.name in answer
    (command,) = [line for line in answer.splitlines() if line.startswith("(cd ")]
    assert os.system(command) == 0
    assert cli("doctor")[0] == 0
    assert open_store(None).names == ("s",)


def test_modes_are_mended_in_another_place(workplace: Path, cli: Cli) -> None:
    place = workplace / "else where.db"
    fill(open_store(str(place)), "s")
    place.chmod(0o644)
    code, answer, _ = cli("doctor", "--storage", str(place))
    assert code == 4
    assert answer.splitlines()[-1].endswith(f"tuner doctor --fix --storage '{place}'")
    assert cli("doctor", "--fix", "--storage", str(place))[0] == 0
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_names_cannot_steer_the_terminal(store: Store, cli: Cli) -> None:
    fill(store, "\x1b[2J[bold]s[/x]", running=1)
    for words in (["doctor"], ["doctor", "\x1b[2J[bold]s[/x]"], ["doctor", "--fix"]):
        _, answer, _ = cli(*words)
        assert r"\x1b[2J[bold]s[/x]" in answer
        assert "\x1b" not in answer


def test_it_does_not_import_torch_where_there_are_no_checkpoints(store: Store) -> None:
    fill(store, "s")
    code = (
        "import sys\nfrom tuner.cli.__main__ import app\ntry: app(['doctor'])\nexcept SystemExit: pass\n"
        "print([name for name in ('torch', 'ray', 'optuna', 'numpy') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "[]"
