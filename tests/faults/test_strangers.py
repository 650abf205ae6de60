"""Databases, model folders and data files that a stranger has made: refused in words, soon, with little memory.

Nothing of them is imported, nothing hangs, and nothing ends as a bug of tuner's. A few dozen are tried, always the same
ones. `TUNER_FUZZ_EXAMPLES=40` tries 1,000, and new ones every time; `TUNER_FAULTS=long` puts large files everywhere.
"""

import io
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from faults.processes import IS_LONG
from pyarrow import parquet
from safetensors.numpy import load_file, save_file

import tuner
from tuner.models.manifest import checksum, digest
from tuner.system.untrusted_files import LARGEST

ROOT = str(Path(__file__).parents[2])
SCALE = int(os.environ.get("TUNER_FUZZ_EXAMPLES", "1"))
SECONDS = 60
MEMORY = 2 * 2**30
TABLE = "a,b,y\n" + "".join(f"{n % 7},{n % 5},{'yes' if n % 7 > 3 else 'no'}\n" for n in range(120))
TRACE = "stranger_was_imported"
EVIL = f"open({TRACE!r}, 'w').close()\n"
RUNNER = """
import json, os, resource, sys
from typer.testing import CliRunner
from tuner.cli.__main__ import app
for line in sys.stdin:
    folder, words = json.loads(line)
    os.chdir(folder)
    result = CliRunner().invoke(app, words)
    bug = result.exception is not None and not isinstance(result.exception, SystemExit)
    said = f"{type(result.exception).__name__}: {result.exception}" if bug else result.output
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps([1 if bug else result.exit_code, said[-600:], peak]), flush=True)
"""
"""The command line, one command after the other in a process that has imported everything: the peak of memory stays."""


class CommandLine:
    """A process that answers commands; one that takes too long is ended, and the next command begins another."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def ask(self, folder: Path, words: tuple[str, ...]) -> tuple[int, str]:
        """Return the exit code and what was said; fails where it took too long, or too much memory."""
        process = self._process = self._process or self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        signal.signal(signal.SIGALRM, lambda *_: process.kill())
        signal.alarm(SECONDS)
        process.stdin.write(json.dumps([str(folder), words]) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        signal.alarm(0)
        if not line:
            self.close()
            pytest.fail(f"it died or hung: {words}")
        code, said, peak = json.loads(line)
        assert peak < MEMORY, (words, peak)
        assert not (folder / TRACE).exists(), words
        assert code != 1, (words, said)
        return code, said

    def _started(self) -> "subprocess.Popen[str]":
        environment = {**os.environ, "PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [sys.executable, "-P", "-c", RUNNER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", env=environment, text=True,
        )  # fmt: skip

    def close(self) -> None:
        if self._process is not None:
            with self._process:
                self._process.kill()
            self._process = None


class Asked:
    """The command line in a folder."""

    def __init__(self, line: CommandLine, folder: Path) -> None:
        self._line, self.folder = line, folder

    def ask(self, *words: str) -> tuple[int, str]:
        """Return the exit code and what was said; fails where it took too long, or too much memory."""
        return self._line.ask(self.folder, words)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A study with a model, and the folder that both are in."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "t.csv").write_text(TABLE)
        study = tuner.run(data="t.csv", target="y", trials=2, epochs=1, executor="inline", storage="s.db")
        study.export("model")
        with sqlite3.connect("s.db") as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
        connection.close()
        yield folder


@pytest.fixture(scope="module")
def line() -> Iterator[CommandLine]:
    line = CommandLine()
    yield line
    line.close()


@pytest.fixture
def asked(line: CommandLine, made: Path, workplace: Path) -> Asked:
    for name in ("t.csv", "s.db"):
        shutil.copy(made / name, workplace / name)
    shutil.copytree(made / "model", workplace / "model")
    (workplace / "evil.py").write_text(EVIL)
    return Asked(line, workplace)


def signed(folder: Path, content: dict[str, Any]) -> None:
    """Write a manifest that says that all is as it was exported, as a stranger can."""
    content["files"] = {path.name: digest(path) for path in folder.iterdir() if path.suffix in {".safetensors", ".md"}}
    (folder / "model.json").write_text(json.dumps({**content, "checksum": checksum(content)}))


def manifest(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "model.json").read_text())
    content.pop("checksum")
    return content


ODD: list[Any] = [None, True, -1, 0, 10**7, 2**31, 10**30, 1e308, "", "evil:x", "x" * 10**5, [], {}, [[]], {"a": {}}]
ODD += [
    [0] * 10**5,
    {"name": "evil:x"},
    {"name": "mlp", "width": 10**7, "depth": 10**7},
    "../../x",
    "\x00",
    float("nan"),
]


def mutated(value: Any, rng: random.Random) -> Any:
    """Return JSON in which one thing, at any depth, is another."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(sorted(value))
        if rng.random() < 0.1:
            return {name: each for name, each in value.items() if name != key}
        return {**value, key: mutated(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.7:
        place = rng.randrange(len(value))
        return [*value[:place], mutated(value[place], rng), *value[place + 1 :]]
    return rng.choice(ODD)


def seeds(count: int) -> Iterator[random.Random]:
    start = 0 if SCALE == 1 else int.from_bytes(os.urandom(4), "big")
    yield from (random.Random(start + number) for number in range(count * SCALE))


def test_no_model_folder_takes_the_machine_with_it(asked: Asked) -> None:
    folder = asked.folder / "model"
    original = manifest(folder)
    weights = load_file(folder / "model.safetensors")
    assert asked.ask("predict", "model", "t.csv")[0] == 0
    for rng in seeds(25):
        content = original
        for _ in range(rng.randrange(1, 4)):
            content = mutated(content, rng)
        if not isinstance(content, dict):
            continue
        if rng.random() < 0.3:
            name = rng.choice(sorted(weights))
            shape = rng.choice([(0,), (1,), (1, 10**6), (10**5,), ()])
            save_file({**weights, name: np.zeros(shape, dtype=np.float32)}, folder / "model.safetensors")
        signed(folder, {**content, "format": 1})
        asked.ask("predict", "model", "t.csv", "-o", "answers.csv")
        save_file(weights, folder / "model.safetensors")


ARCHITECTURES = [
    {"name": "mlp", "width": 20_000, "depth": 8},
    {"name": "mlp", "width": 64, "depth": 10**7},
    {"name": "mlp", "width": 10**12, "depth": 2},
    {"name": "transformer", "width": 10**9, "heads": 10**9, "depth": 3},
    {"name": "transformer", "width": 8, "heads": 2, "depth": 10**9},
]


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_a_network_that_is_described_to_be_enormous_is_never_made(asked: Asked, architecture: dict[str, Any]) -> None:
    content = manifest(asked.folder / "model")
    content["config"]["architecture"] = architecture
    signed(asked.folder / "model", content)
    assert asked.ask("predict", "model", "t.csv")[0] == 4


def put(path: Path, kind: str) -> None:
    """Put something in the place of a file that is none, or is not bearable."""
    path.unlink(missing_ok=True)
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case "loop":
            path.symlink_to(path)
        case "too large" | "large":
            with path.open("wb") as file:
                file.truncate(LARGEST + 1 if kind == "too large" else MEMORY + 2**28)
        case "nested":
            path.write_text('{"a":' * 900 + "1" + "}" * 900)
        case "flat":
            path.write_text("[" + "[]," * 2**21 + "[]]")


KINDS = ("fifo", "device", "folder", "loop", "too large", "large", "nested", "flat")
MODEL = ("model.json", "model.safetensors", "preprocessing.safetensors")
DATA = ("csv", "csv.gz", "parquet", "npz", "npy", "toml", "db")


def is_tried(name: str, kind: str) -> bool:
    """Whether a file is put there: of those that are large and still read, for seconds each, two stand for all."""
    return IS_LONG or kind != "large" or name in {"model.safetensors", "csv"}


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for kind in KINDS for name in MODEL if is_tried(name, kind)])
def test_what_is_no_file_of_a_model_is_refused(asked: Asked, name: str, kind: str) -> None:
    put(asked.folder / "model" / name, kind)
    assert asked.ask("predict", "model", "t.csv")[0] in {2, 4}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_data_file_study_file_or_database_is_refused(asked: Asked, kind: str) -> None:
    for ending in (each for each in DATA if is_tried(each, kind)):
        put(asked.folder / f"odd.{ending}", kind)
        words = {"toml": ("check", "odd.toml"), "db": ("list", "--storage", "odd.db")}
        asked.ask(*words.get(ending, ("predict", "model", f"odd.{ending}")))
        asked.ask(*words.get(ending, ("check", "--data", f"odd.{ending}", "--target", "y")))


@cache
def zeros() -> bytes:
    """Return an archive, of a megabyte, of an array that has a gigabyte."""
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("x.npy", "w", force_zip64=True) as file,
    ):
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (5 * 2**24, 2)})
        for _ in range(160):
            file.write(bytes(8 * 2**20))
    return packed.getvalue()


def bomb(name: str, folder: Path) -> Path:
    path = folder / f"bomb.{name.partition(' ')[0]}"
    match name:
        case "npz of zeros" | "npy of zeros":
            path.write_bytes(zeros())
        case "parquet dictionary":
            text = pa.DictionaryArray.from_arrays(pa.array(np.zeros(10**5, dtype=np.int32)), pa.array(["x" * 10**6]))
            columns = {"a": text, "b": text, "y": pa.array(["u", "v"] * 50_000)}
            parquet.write_table(pa.table(columns), path, compression="zstd")
        case "parquet columns":
            parquet.write_table(pa.table({f"c{n}": [1] for n in range(25_000)}), path)
        case "csv line":
            with path.open("wb") as file:
                file.write(b"a,b,y\n")
                for _ in range(300):
                    file.write(b"x" * 2**20)
        case "csv columns":
            path.write_text(",".join(f"c{n}" for n in range(10**6)) + "\n" + ",".join(["1"] * 10**6) + "\n")
    return path


BOMBS = ("npz of zeros", "npy of zeros", "parquet dictionary", "parquet columns", "csv line", "csv columns")


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_that_unpacks_to_more_than_a_machine_has_is_refused(asked: Asked, name: str) -> None:
    path = bomb(name, asked.folder)
    assert asked.ask("predict", "model", path.name)[0] == 2
    assert asked.ask("check", "--data", path.name, "--target", "y")[0] == 2


def test_an_image_is_read_as_an_image_and_handed_to_no_other_program(workplace: Path) -> None:
    from tuner.objectives.user_data.images import read_images  # noqa: PLC0415 - pillow, which few tests need

    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
    (workplace / "x.png").write_bytes(eps)
    with pytest.raises(tuner.ConfigurationError, match="is not an image, whatever its name says"):
        read_images([workplace / "x.png"], (3, 8, 8))
    os.mkfifo(workplace / "y.png")
    with pytest.raises(tuner.ConfigurationError, match="not a regular file"):
        read_images([workplace / "y.png"], (3, 8, 8))


QUERIES: tuple[tuple[str, ...], ...] = (
    *(("list",), ("status", "t"), ("best", "t"), ("trials", "t"), ("doctor",), ("export", "t", "out", "--force")),
    *(("importance", "t"), ("trials", "t", "--format", "csv")),
    ("resume", "t", "--trials", "3", "--set", "executor=inline", "--trust"),
    *(("compare", "t", "t"), ("init", "new.toml", "--from", "t", "--force"), ("logs", "t", "0")),
)
COLUMNS = {
    "study_user_attributes": "value_json",
    "study_system_attributes": "value_json",
    "trial_user_attributes": "value_json",
    "trial_system_attributes": "value_json",
    "trial_params": "distribution_json",
    "trials": "state",
    "trial_values": "value",
    "trial_intermediate_values": "step",
    "study_directions": "direction",
    "studies": "study_name",
}
TEXTS = [
    "",
    "null",
    "[]",
    "{",
    '{"reason": "x"}',
    '"evil:x"',
    "[" * 2000,
    "1e999",
    "NaN",
    b"\xff\xfe",
    None,
    -1,
    "x" * 10**5,
]


def test_no_row_of_a_database_is_a_bug_of_ours(asked: Asked) -> None:
    original = (asked.folder / "s.db").read_bytes()
    for number, rng in enumerate(seeds(25)):
        file = asked.folder / f"{number}" / "s.db"  # the last one is still open
        file.parent.mkdir()
        file.write_bytes(original)
        connection = sqlite3.connect(file)
        connection.execute("PRAGMA foreign_keys=OFF")
        for _ in range(rng.randrange(1, 3)):
            table = rng.choice(sorted(COLUMNS))
            column = COLUMNS[table]
            rows = connection.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
            rowid, value = rng.choice(rows) if rows else (None, None)
            try:
                value = json.dumps(mutated(json.loads(str(value)), rng)) if rng.random() < 0.7 else rng.choice(TEXTS)
            except (TypeError, ValueError, RecursionError):
                value = rng.choice(TEXTS)
            with suppress(sqlite3.Error):  # what the schema itself refuses
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (value, rowid))
        connection.commit()
        connection.close()
        for words in rng.sample(QUERIES, 3):
            asked.ask(*words, "--storage", str(file))
        shutil.rmtree(file.parent)


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
PROGRAMS: dict[str, Callable[[str], str]] = {
    "view": lambda table: f"CREATE VIEW {table} AS {ENDLESS} SELECT x AS study_id, 'x' AS study_name FROM n",
    "silent view": lambda table: f"CREATE VIEW {table} AS {ENDLESS} SELECT x FROM n WHERE x < 0",
    "trigger": lambda table: (
        f"CREATE TABLE {table} (study_id INTEGER, study_name TEXT); CREATE TRIGGER late AFTER UPDATE ON {table} "
        f"BEGIN INSERT INTO {table} SELECT x, 'x' FROM ({ENDLESS} SELECT x FROM n); END"
    ),
    "column": lambda table: f"CREATE TABLE {table} (study_id INTEGER, study_name TEXT AS (hex(zeroblob(1000))))",
}


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_database_that_computes_what_it_is_asked_for_is_refused(asked: Asked, kind: str) -> None:
    connection = sqlite3.connect(asked.folder / "s.db")
    connection.execute("ALTER TABLE studies RENAME TO before")
    connection.executescript(PROGRAMS[kind]("studies"))
    if kind == "column":
        connection.execute("INSERT INTO studies (study_id) VALUES (1)")
    connection.commit()
    connection.close()
    for words in QUERIES[:4]:
        code, said = asked.ask(*words, "--storage", "s.db")
        assert code == 4, (words, said)
        assert "computes what it is asked for" in " ".join(said.split())


def test_a_signal_ends_a_statement_that_does_not_end(workplace: Path) -> None:
    program = (
        "import sqlite3, sys, signal\nfrom tuner.storage.engine import guard\n"
        "class Ended(KeyboardInterrupt): pass\n"
        "def end(*_): raise Ended\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "connection = sqlite3.connect(':memory:')\nguard(connection)\nprint('begun', flush=True)\n"
        f"connection.execute('{ENDLESS} SELECT x FROM n WHERE x < 0').fetchone()\n"
    )
    environment = {**os.environ, "PYTHONPATH": ROOT}
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.terminate()
        assert process.wait(SECONDS) == 1
