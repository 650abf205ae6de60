"""What could get out of a study or into it: secrets, files, ports, pickles, links, terminal escapes."""

import json
import os
import pickle
import re
import select
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from commands import PROGRAM, TEMPLATE
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import QueuePool

from tuner.domain.config import Config
from tuner.domain.study_writer import TrialUpdate
from tuner.domain.trial import TrialRecord, TrialState
from tuner.execution.checkpoints import trial_folder
from tuner.execution.study_checkpoints import StudyCheckpoints
from tuner.storage.fallback_file import FallbackFile
from tuner.storage.folder_store import FolderStore

Cli = Callable[..., tuple[int, str, str]]

CANARY = "c4n4ry-s3cret"
SECONDS = 120.0


@pytest.fixture(autouse=True)
def _forgotten_modules(workplace: Path) -> Iterator[None]:
    yield
    sys.path[:] = [path for path in sys.path if path != str(workplace)]
    for name in ("mytask", "escaping"):
        sys.modules.pop(name, None)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def holding(text: str, folder: Path) -> list[Path]:
    """Return the files that hold `text`."""
    return [path for path in files_below(folder) if text.encode() in path.read_bytes()]


# Secrets


class Unreachable(SQLiteDialect_pysqlite):
    """A database on a server that nobody answers at."""

    supports_statement_cache = True

    @classmethod
    def get_pool_class(cls, url: Any) -> type[QueuePool]:
        return QueuePool

    def create_connect_args(self, url: Any) -> Any:
        return [], {}

    def connect(self, *_: Any, **__: Any) -> Any:
        raise sqlite3.OperationalError("connection refused")


registry.register("unreachable.driver", __name__, "Unreachable")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"unreachable+driver://me:{CANARY}@127.0.0.1:1/db", 4),
        (f"unreachable+driver://me@127.0.0.1:1/db?password={CANARY}&sslpassword={CANARY}", 4),
        (f"nosuch+driver://me:{CANARY}@127.0.0.1:1/db", 2),
        (f"postgresql+nosuch://me:{CANARY}@127.0.0.1:1/db", 2),
        (f"postgresql://me:{CANARY}@127.0.0.1:port/db", 2),
        (f"a+b+c://me:{CANARY}@127.0.0.1/db", 2),
        (f"postgresql+psycopg://me:{CANARY}@[127.0.0.1/db?password={CANARY}", 2),
    ],
)
@pytest.mark.parametrize("command", ["run mine.toml --executor inline", "resume mine", "status mine --json", "list"])
def test_a_storage_that_fails_does_not_tell_its_password(
    command: str, url: str, expected: int, cli: Cli, user_folder: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TUNER_STORAGE", url)
        for words in ((f"--storage={url}",), ()):
            code, answer, messages = cli(*command.split(), *words)
            assert code == expected, messages
            assert CANARY not in answer + messages
    assert holding(CANARY, user_folder) == []


def test_a_password_among_the_options_of_an_sqlite_url_is_kept_nowhere(cli: Cli, user_folder: Path) -> None:
    url = f"sqlite:///kept/studies.db?password={CANARY}"
    run = ("run", "mine.toml", "--executor", "inline", "--trials", "2")
    for command in (run, ("resume", "mine"), ("status", "mine", "--json"), ("list", "--json"), ("best", "other")):
        _, answer, messages = cli(*command, f"--storage={url}")
        assert CANARY not in answer + messages
    assert (user_folder / "kept" / "studies.db").is_file()
    assert holding(CANARY, user_folder) == []


BUG = """
import sqlalchemy
from tuner.storage import engine

def refuse(url, **options):
    raise RuntimeError(f"nobody thought of {url}") from ValueError(f"nor of {url!r}")

engine.create_engine = refuse
from tuner.cli.__main__ import main
main()
"""


def test_a_bug_report_holds_no_password(workplace: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(workplace), "TUNER_STORAGE": f"postgresql+psycopg://me:{CANARY}@host/db"}
    ended = subprocess.run(
        [sys.executable, "-c", BUG, "list"], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert CANARY not in ended.stdout + ended.stderr
    (report,) = workplace.glob("tuner-bug-*.txt")
    assert "nobody thought of postgresql+psycopg://***@host/db" in report.read_text()
    assert holding(CANARY, workplace) == []


# Files that only their owner reads

STUDIES = """
import os, tuner

os.umask(0o022)

tuner.run("mine.toml", executor="inline", scheduler="pbt")
tuner.run("mine.toml", executor="inline", trials=3, storage="deep/deeper/studies.db")
tuner.run("mine.toml", executor="inline", trials=3, storage="studies.db")
"""


def readable_by_others(folder: Path) -> dict[str, str]:
    return {
        str(path): oct(stat.S_IMODE(path.stat().st_mode))
        for path in (folder, *folder.rglob("*"))
        if stat.S_IMODE(path.stat().st_mode) & 0o077
    }


def test_what_a_study_leaves_is_for_its_owner_alone_under_any_umask(user_folder: Path) -> None:
    (user_folder / "studies.py").write_text(STUDIES)
    ran = TEMPLATE.run("studies.py", main=PROGRAM)
    assert ran.returncode == 0, ran.stderr
    for name in ("checkpoints", "deep", ".tuner"):
        assert len(files_below(user_folder / name)) > 1
        assert readable_by_others(user_folder / name) == {}
    for file in user_folder.glob("studies.db*"):
        assert readable_by_others(file) == {}


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


CHANGES = [TrialUpdate(trial=TrialRecord(number=0, state=TrialState.RUNNING, config=Config({})))]


@pytest.mark.usefixtures("open_umask")
def test_what_is_spilled_is_for_its_owner_alone_under_any_umask(tmp_path: Path) -> None:
    spill = FallbackFile(tmp_path, "s")
    spill.keep(CHANGES)
    spill.keep_late(CHANGES)
    assert len(files_below(tmp_path / "spilled")) == 2
    assert readable_by_others(tmp_path / "spilled") == {}


# A study while it runs

HELD = """
import os
from pathlib import Path

from tuner import Float, SearchSpace

space = SearchSpace(x=Float(0, 1))


def train(trial):
    Path("started").write_text("x")
    os.read(os.open("gate", os.O_RDONLY), 1)
    trial.save({"level": 1})
    yield {"accuracy": 1.0}
"""

HELD_STUDY = """objective = "held:train"
search_space = "held:space"
metric = "accuracy"
[budget]
trials = 1
epochs = 1
"""


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self._canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self._canary), "w")


PICKLES = (
    "tuner.pkl",
    "searcher-state-2026.pkl",
    "search_gen_state-2026.json",
    "experiment_state-2026.json",
    "error.pkl",
    "params.pkl",
    ".is_checkpoint",
    "objects.pkl",
)


def plant_pickles(folder: Path, canary: Path) -> None:
    """Put a bomb under every name that Ray, or somebody's program, gives to files it unpickles."""
    folder.mkdir(parents=True, exist_ok=True)
    bomb = pickle.dumps(Bomb(canary))
    wrapped = json.dumps({"_type": "CLOUDPICKLE_FALLBACK", "value": bomb.hex()})
    for name in PICKLES:
        path = folder / name
        path.write_text(wrapped) if path.suffix == ".json" else path.write_bytes(bomb)


def planted_folders(root: Path) -> Iterator[Path]:
    yield root
    yield root / "held"
    yield root / ".tuner"
    yield root / ".tuner" / "held"
    yield root / ".tuner" / "checkpoints" / "held"
    yield root / ".tuner" / "checkpoints" / "held" / "trial-00000"
    yield root / "home" / "ray_results" / "held"


def parents_of() -> dict[int, int]:
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def family(pid: int) -> set[int]:
    """Return a process and all that descend from it."""
    parents = parents_of()
    found, latest = {pid}, {pid}
    while latest:
        latest = {each for each, parent in parents.items() if parent in latest} - found
        found |= latest
    return found


def listening(pids: set[int]) -> list[str]:
    """Return the addresses, as the kernel writes them, at which these processes listen."""
    sockets = set()
    for pid in pids:
        for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
            with suppress(OSError):
                sockets.add(str(descriptor.readlink()))
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()]
    return [row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in sockets]


def is_loopback(address: str) -> bool:
    """Whether an address of /proc/net is 127.x.x.x, ::1 or ::ffff:127.x.x.x."""
    mapped = address.removeprefix("0000000000000000FFFF0000")
    return address == "00000000000000000000000001000000" or (len(mapped) == 8 and mapped.endswith("7F"))


def environment_of(pid: int) -> dict[str, str]:
    with suppress(OSError):
        pairs = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return {}


def text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:  # the process is gone
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a study under Ray, most of it while its only trial was held in the middle."""

    listening: tuple[str, ...]
    command_lines: tuple[str, ...]
    environments: frozenset[int]
    tokens: frozenset[str]
    session: int
    files_with_token: Mapping[str, bool]
    files_with_secret: tuple[Path, ...]
    home: tuple[str, ...]
    is_canary_there: bool
    code: int
    messages: str


def await_start(process: subprocess.Popen[str], started: int) -> None:
    """Wait until the objective has written into the pipe `started`; fail where the study ends before."""
    ended = os.pidfd_open(process.pid)
    try:
        ready, _, _ = select.select([started, ended], [], [], SECONDS)
    finally:
        os.close(ended)
    assert started in ready, process.communicate() if ended in ready else "the trial did not begin"


def mode(path: Path) -> int:
    """Return who may do what with a file; nobody anything where it is gone."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return 0


def is_open_to_others(path: Path, root: Path) -> bool:
    """Whether others can read a file below `root`: neither its own mode nor that of a folder above it forbids it."""
    above = [folder for folder in path.parents if folder.is_relative_to(root) and folder != root]
    return bool(mode(path) & 0o044) and all(mode(folder) & 0o011 for folder in above)


def look_at(process: subprocess.Popen[str], root: Path, go_on: Callable[[], object]) -> Seen:
    members = family(process.pid)
    environments = [environment_of(pid) for pid in members - {process.pid}]
    tokens = frozenset(each["RAY_AUTH_TOKEN"] for each in environments if "RAY_AUTH_TOKEN" in each)
    (session,) = (root / "t").glob(f"tuner-ray-{process.pid}-*")
    files = {path: text_of(path) for path in files_below(root)}
    addresses = listening(members)
    command_lines = [text_of(Path(f"/proc/{pid}/cmdline")) for pid in members]
    session_mode, environment_modes = mode(session), {mode(Path(f"/proc/{pid}/environ")) for pid in members}
    files_with_token = {
        str(path): is_open_to_others(path, root)
        for path, text in files.items()
        if any(token in text for token in tokens)
    }
    go_on()
    _, messages = process.communicate()
    planted = {root / "home" / "ray_results" / "held" / name for name in PICKLES}
    return Seen(
        listening=tuple(addresses),
        command_lines=tuple(command_lines),
        environments=frozenset(environment_modes),
        tokens=tokens,
        session=session_mode,
        files_with_token=files_with_token,
        files_with_secret=tuple(path for path, text in files.items() if CANARY in text),
        home=tuple(str(path) for path in files_below(root / "home") if path not in planted),
        is_canary_there=(root / "canary").exists(),
        code=process.returncode,
        messages=messages,
    )


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    root = Path(tempfile.mkdtemp(dir="/tmp"))  # a short path, so that Ray's sockets fit below it
    (root / "held.py").write_text(HELD)
    (root / "held.toml").write_text(HELD_STUDY)
    for name in ("home", "t"):
        (root / name).mkdir()
    for folder in planted_folders(root):
        plant_pickles(folder, root / "canary")
    for name in ("started", "gate"):
        os.mkfifo(root / name)
    started, gate = os.open(root / "started", os.O_RDONLY | os.O_NONBLOCK), os.open(root / "gate", os.O_RDWR)
    environment = {
        **os.environ,
        "HOME": str(root / "home"),
        "TMPDIR": str(root / "t"),
        "TUNER_STORAGE": f"sqlite:///.tuner/studies.db?password={CANARY}",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tuner.cli", "run", "held.toml"],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        umask=0o022,
    )
    try:
        await_start(process, started)
        yield look_at(process, root, go_on=lambda: os.write(gate, b"x"))
    finally:
        process.kill()
        process.communicate()
        os.close(started)
        os.close(gate)
        shutil.rmtree(root)


def test_the_study_that_was_looked_at_ran_to_its_end(seen: Seen) -> None:
    assert seen.code == 0, seen.messages
    assert len(seen.command_lines) > 3


def test_whatever_listens_during_a_study_listens_on_loopback_alone(seen: Seen) -> None:
    assert seen.listening
    assert [address for address in seen.listening if not is_loopback(address)] == []


def test_the_token_is_in_no_command_line_and_nobody_else_can_read_it(seen: Seen) -> None:
    (token,) = seen.tokens
    assert len(token) >= 32
    assert not any(token in line for line in seen.command_lines)
    assert not any(mode & 0o077 for mode in seen.environments)
    assert not any(seen.files_with_token.values())


def test_ray_writes_into_its_private_folder_and_not_into_the_home_folder(seen: Seen) -> None:
    assert seen.session == 0o700
    assert seen.home == ()


def test_a_password_is_in_no_command_line_and_in_no_file_during_a_study(seen: Seen) -> None:
    assert not any(CANARY in line for line in seen.command_lines)
    assert seen.files_with_secret == ()


def test_a_study_under_ray_opens_no_pickle_that_lies_around(seen: Seen) -> None:
    assert not seen.is_canary_there


# Pickles


def test_a_planted_pickle_would_leave_a_file_behind(tmp_path: Path) -> None:
    plant_pickles(tmp_path, tmp_path / "canary")
    for name in ("tuner.pkl", "error.pkl"):
        pickle.loads((tmp_path / name).read_bytes()).close()
        (tmp_path / "canary").unlink()


def test_no_command_opens_a_pickle_that_lies_around_or_stands_for_a_checkpoint(cli: Cli, user_folder: Path) -> None:
    cli("run", "mine.toml", "--executor", "inline", "--trials", "3")
    states = [*user_folder.rglob("*.safetensors")]
    assert states
    for state in states:
        state.write_bytes(pickle.dumps(Bomb(user_folder / "canary")))
    for folder in (user_folder, user_folder / "mine", user_folder / ".tuner", states[0].parent):
        plant_pickles(folder, user_folder / "canary")
    for command in ("list", "status mine", "best mine", "trials mine", "resume mine --trials 5"):
        assert cli(*command.split())[0] == 0
    assert not (user_folder / "canary").exists()


# Links


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_in_a_checkpoints_place_leads_nowhere(
    is_there: bool,  # noqa: FBT001
    cli: Cli,
    user_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outside = user_folder / "outside"
    if is_there:
        outside.write_text("mine")
    monkeypatch.setattr("tuner.running.launch.new_id", lambda: "0" * 16)  # as if it could be guessed
    folder = user_folder / ".tuner" / "checkpoints" / f"mine-{'0' * 16}" / "trial-00000"
    folder.mkdir(parents=True)
    for epoch in range(1, 4):
        state = folder / f"epoch-{epoch:06d}.safetensors"
        for name in (state, state.with_name(f"{state.name}.{os.getpid()}.partial")):
            name.symlink_to(outside)
    code, _, messages = cli("run", "mine.toml", "--executor", "inline", "--trials", "2", "--set", "budget.epochs=3")
    assert code == 0, messages
    assert outside.exists() == is_there
    assert not is_there or outside.read_text() == "mine"


def test_a_link_in_the_place_of_a_state_that_is_handed_over_leads_nowhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    source, target = trial_folder(tmp_path, 0), trial_folder(tmp_path, 1)
    for folder in (source, target):
        folder.mkdir()
    (source / "epoch-000001.safetensors").write_text("state")
    for name in ("taken-over-000001.safetensors", f".taken-over.{os.getpid()}.partial"):
        (target / name).symlink_to(outside)
    StudyCheckpoints(FolderStore(tmp_path)).hand_over(0, 1, 1)
    assert outside.read_text() == "mine"


@pytest.mark.parametrize("keep", [FallbackFile.keep, FallbackFile.keep_late])
def test_a_link_in_the_place_of_spilled_results_is_not_followed(
    keep: Callable[[FallbackFile, Sequence[TrialUpdate]], None], tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (tmp_path / "spilled").mkdir()
    for name in ("s.jsonl", "s.late.jsonl"):
        (tmp_path / "spilled" / name).symlink_to(outside)
    with pytest.raises(OSError, match="symbolic links"):
        keep(FallbackFile(tmp_path, "s"), CHANGES)
    assert outside.read_text() == "mine"


def test_results_are_not_taken_from_behind_a_link(tmp_path: Path) -> None:
    elsewhere = FallbackFile(tmp_path / "elsewhere", "s")
    elsewhere.keep(CHANGES)
    (tmp_path / "spilled").mkdir()
    (tmp_path / "spilled" / "s.jsonl").symlink_to(elsewhere.file)
    with suppress(OSError):
        assert FallbackFile(tmp_path, "s").read() == []


# Terminal escapes

ESCAPING = r"""
from tuner import Choice, Float, SearchSpace

space = SearchSpace(
    x=Float(0, 1),
    colour=Choice("\x1b[31mred", "\x9b2J", "[bold]plain[/bold]"),
    shape=Choice(**{"\x1b]0;title\x07": {"side": Float(0, 1)}, "flat": {}}),
).require("\x1b[5mblinks", lambda config: True)
other = SearchSpace(x=Float(0, 1), colour=Choice("\x1b[32mgreen"))


def train(trial):
    if trial.number == 1:
        raise RuntimeError("\x1b[2Jno such layer")
    yield {"accuracy": trial.config["x"], "\x1b[1mloss": 0.5}


def failing(trial):
    raise RuntimeError("\x1b[2Jno such layer")
    yield {}
"""

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@pytest.fixture
def escaping(workplace: Path) -> Path:
    """A folder with a study whose every name would steer a terminal."""
    (workplace / "escaping.py").write_text(ESCAPING)
    (workplace / "escaping.toml").write_text(
        'objective = "escaping:train"\nsearch_space = "escaping:space"\nmetric = "accuracy"\n'
        "[budget]\ntrials = 6\nepochs = 2\n"
    )
    return workplace


RUN = "run escaping.toml --executor inline"


@pytest.mark.parametrize(
    "command",
    [
        "check escaping.toml",
        "check escaping.toml --json",
        "check escaping.toml --set objective=escaping:failing",
        RUN + " --name again",
        RUN + " --name again --json",
        RUN + " --name again --set objective=escaping:failing",
        RUN + " --name again --scheduler pbt",
        "list",
        "list --json",
        "status escaping",
        "status escaping --json",
        "best escaping",
        "best escaping --top 3",
        "best escaping --json",
        "trials escaping",
        "trials escaping --json",
        "trials escaping --format csv",
        "resume escaping --set search_space=escaping:other",
        "resume escaping --set metric=\\u001b[31m",
    ],
)
def test_nothing_that_a_study_is_made_of_steers_a_terminal(command: str, cli: Cli, escaping: Path) -> None:
    cli(*RUN.split())
    _, answer, messages = cli(*(word.replace("\\u001b", "\x1b") for word in command.split()))
    assert answer + messages
    assert STEERING.findall(answer + messages) == []
