"""What has to hold after every fault, checked against an oracle that the study has no hand in."""

import os
import sqlite3
import time
from collections import Counter
from pathlib import Path

import tuner
from tuner.domain.trial import TrialState
from tuner.storage.store import open_store


def check_stored(folder: Path, name: str = "faulty", storage: str = "") -> None:
    """I1, I2, I3 and I5: holds at any time, also between a kill and what comes after it."""
    database = folder / ".tuner" / "studies.db"
    if not storage:
        if not database.exists():
            assert not _acknowledged(folder), "results were acknowledged before there was a database"
            return
        with sqlite3.connect(database) as connection:
            assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    store = open_store(storage or str(database))
    try:
        if name not in store.names:
            assert not _acknowledged(folder), "results were acknowledged, but there is no study"
            return
        _, trials = store.read(name)
        _, shown = store.view(name)
        claim = store.claim(name)
    finally:
        store.close()
    curves = {trial.number: dict(trial.curve) for trial in trials}
    for number, epoch, value, state in _acknowledged(folder):
        assert curves[number].get(epoch) == value, f"I1: trial {number} lost epoch {epoch}"
        stored = next(trial.state for trial in trials if trial.number == number)
        assert not TrialState(state).is_finished or stored is TrialState(state), f"I1: trial {number} is not {state}"
    assert [trial.number for trial in trials] == list(range(len(trials))), "I2: a number is missing or there twice"
    for trial in trials:
        assert list(trial.curve) == list(range(1, trial.last_epoch + 1)), f"I2: trial {trial.number} has a gap"
    running = [trial.number for trial in shown if trial.state is TrialState.RUNNING]
    if running:
        assert claim is not None, f"I3: trials {running} are RUNNING in a study that was never run"
        assert _is_alive(claim.holder.pid), f"I3: trials {running} are RUNNING in a process that ended"
    if claim is not None and claim.until is None and not storage:
        left = _stored_as_running(database, name)
        assert not left, f"I3: trials {left} are stored as RUNNING, and the run that ended gave the study back"


def check_finished(folder: Path, target: int, name: str = "faulty", storage: str = "") -> tuner.Study:
    """I1 to I5, of a study that was resumed to its end."""
    check_stored(folder, name, storage)
    study = tuner.load_study(name, storage=storage or str(folder / ".tuner" / "studies.db"))
    states = Counter(trial.state for trial in study.trials)
    assert sum(states[state] for state in TrialState if state.is_finished) == target == len(study.trials), "I4"
    values = {tuple(sorted(trial.config.items())) for trial in study.trials}
    assert len(values) == target, "I2: a configuration was tried twice"
    complete = [trial for trial in study.trials if trial.state is TrialState.COMPLETE]
    assert study.best_trial.value == max(trial.value or 0 for trial in complete), "I5"
    assert not [*folder.rglob("*.partial"), *folder.rglob("spilled/*")], "I8: something was left behind"
    return study


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def _stored_as_running(database: Path, name: str) -> list[int]:
    """Return the trials that the database itself calls RUNNING, whatever is shown of them."""
    rows = "select number from trials natural join studies where study_name = ? and state = 'RUNNING'"
    with sqlite3.connect(database) as connection:
        return [number for (number,) in connection.execute(rows, [name])]


def trained(folder: Path) -> Counter[tuple[int, int]]:
    """Return how often every epoch of every trial was trained, as the objective itself wrote down."""
    lines = (folder / "trained.txt").read_text().splitlines()
    return Counter((int(number), int(epoch)) for number, epoch in (line.split() for line in lines))


def left_behind(marker: str, seconds: float = 120) -> list[str]:
    """I8: Return the commands of those with `marker` in their environment that are still there so much later."""
    deadline = time.monotonic() + seconds
    while left := running(marker):
        if time.monotonic() > deadline:
            return [Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode() for pid in left]
        time.sleep(0.05)  # they are nobody's children here: there is nothing to wait on
    return []


def running(marker: str) -> list[int]:
    """Return the processes, but for this one, that have `marker` in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if marker.encode() in environment and state not in "ZX" and int(entry.name) != os.getpid():
            found.append(int(entry.name))
    return found


def _acknowledged(folder: Path) -> list[tuple[int, int, float, str]]:
    oracle = folder / "oracle.txt"
    if not oracle.exists():
        return []
    parts = (line.split() for line in oracle.read_text().splitlines())
    return [(int(number), int(epoch), float(value), state) for number, epoch, value, state in parts]
