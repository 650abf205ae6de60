"""Whatever is typed or written into a study file: an answer or a refusal, and nothing where it does not belong.

A few hundred inputs are tried, always the same ones. `TUNER_FUZZ_EXAMPLES=10` tries ten times as many, more than 5,000,
and new ones every time.
"""

import datetime as dt
import json
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.errors import SearchSpaceError
from tuner.domain.parameter import Parameter

Cli = Callable[..., tuple[int, str, str]]
Test = Callable[..., None]

SCALE = int(os.environ.get("TUNER_FUZZ_EXAMPLES", "1"))
ESCAPE = "\x1b"
VALID = """objective = "mytask:train"
search_space = "mytask:space"
metric = "accuracy"
direction = "maximize"
seed = 3

[settings]
note = "x"

[budget]
trials = 1
epochs = 1
time = "10m"

[sampler]
name = "tpe"

[scheduler]
name = "asha"
eta = 3

[resources]
cpu = 1
gpu = 0
parallel = "auto"
"""
USER_CODE = (Path(__file__).parent.parent / "user_code" / "mytask.py").read_text()


def tried(count: int) -> Callable[[Test], Test]:
    """Try `count` inputs, times what the environment asks for."""
    return settings(
        max_examples=count * SCALE,
        deadline=None,
        derandomize=SCALE == 1,
        database=None,
        # `cli` keeps nothing from one call to the next, so that one serves for all inputs of a test.
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@contextmanager
def workplace() -> Iterator[Path]:
    """Give a working directory with a user's code; home and the folder for temporary files are beside it."""
    modules, outer = set(sys.modules), Path(tempfile.mkdtemp(prefix="fuzz-"))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("root", "home", "tmp"):
            (outer / name).mkdir()
        (outer / "root" / "mytask.py").write_text(USER_CODE)
        patch.chdir(outer / "root")
        patch.setenv("HOME", str(outer / "home"))
        patch.delenv("TUNER_STORAGE", raising=False)
        patch.setattr(tempfile, "tempdir", str(outer / "tmp"))
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.setattr(sys, "path", [*sys.path])
        try:
            yield outer / "root"
        finally:
            for name in {"mytask"} & (set(sys.modules) - modules):
                del sys.modules[name]
            shutil.rmtree(outer)


def everything(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return what tells each file and folder below `folder` from a changed one, by its path."""
    found = {}
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(parent, name)  # noqa: PTH118 - names may be anything
            facts = os.lstat(path)
            is_folder = name in folders
            found[os.path.relpath(path, folder)] = (
                facts.st_mode,
                0 if is_folder else facts.st_size,
                0 if is_folder else facts.st_mtime_ns,
            )
    return found


def check_answer(cli: Cli, root: Path, *words: str, allowed: Collection[int] = (0, 2, 4, 5)) -> int:
    """Run the command line and return its exit code, which has to be an allowed one with nothing done amiss."""
    before = everything(root.parent)
    code, answer, messages = cli(*words)
    after = everything(root.parent)
    assert code in allowed, (code, words, messages)
    assert "Traceback" not in answer + messages
    assert ESCAPE not in answer + messages
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    assert not {path for path in changed if not path.startswith("root/")}
    assert code != 2 or not changed, (words, messages, changed)
    return code


# Study files

NAMES = st.sampled_from(
    [
        *("objective", "search_space", "metric", "direction", "name", "seed", "settings", "budget", "trials", "epochs"),
        *("time", "sampler", "scheduler", "eta", "min_epochs", "resources", "cpu", "gpu", "parallel", "cohort"),
        *("limits", "start", "progress", "memory", "output", "executor"),
    ]
)
ODD_TEXT = st.text(max_size=20) | st.sampled_from(
    [
        "",
        "..",
        "a/b",
        "\x00",
        "\x1b[31m",
        "auto",
        "none",
        "inf",
        "nan",
        "-1",
        "1e999",
        "9" * 400 + "s",
        "9" * 400 + "GB",
    ]
)
REFERENCES = st.sampled_from(
    [
        *("mytask:train", "mytask:space", "mytask:", ":train", ":", "mytask:train:x", "..:x", ".mytask:train"),
        *("mytask.x:y", "mytask/train:x", "/etc/passwd:x", "\x00:x", "\x1b:\x1b", "mytask:\x1b", "nosuch:x"),
        *("supervized", "é:é", "__main__:x"),
    ]
)
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from(
        [10**30, -(10**30), 2**63, 2**64, 10**400, -(10**400), 0, -1, math.nan, math.inf, -math.inf, 1e308]
    ),
)
MOMENTS = st.sampled_from([dt.date(1, 1, 1), dt.time(0), dt.datetime(9999, 12, 31, tzinfo=dt.UTC)])
VALUES = st.recursive(
    st.one_of(
        st.booleans(), NUMBERS, ODD_TEXT, REFERENCES, MOMENTS, st.sampled_from(["tpe", "random", "grid", "none"])
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | ODD_TEXT, inner, max_size=4),
    max_leaves=6,
)


def toml(value: Any) -> str:
    """Return a value as TOML writes it, on one line."""
    match value:
        case bool():
            text = str(value).lower()
        case str():
            text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case int():
            text = hex(value) if value > 10**300 else str(value)
        case list():
            text = f"[{', '.join(map(toml, value))}]"
        case dict():
            text = f"{{{', '.join(f'{toml(str(key))} = {toml(each)}' for key, each in value.items())}}}"
        case float():
            text = repr(value)
        case _:
            text = str(value.isoformat())
    return text


@st.composite
def written_files(draw: st.DrawFn) -> bytes:
    """A file that begins as a valid one and has keys of any kind on top of it, some of them twice."""
    given = {"objective": "mytask:train", "search_space": "mytask:space", "metric": "accuracy"}
    content: dict[str, Any] = {**given, **draw(st.dictionaries(NAMES | ODD_TEXT, VALUES, max_size=5))}
    for section in draw(
        st.lists(st.sampled_from(["budget", "resources", "limits", "sampler", "settings"]), max_size=2)
    ):
        content[section] = draw(st.dictionaries(NAMES | ODD_TEXT, VALUES, max_size=3))
    lines = [f"{toml(key)} = {toml(value)}" for key, value in content.items()]
    extra = st.sampled_from(
        ["metric = 'twice'", "[budget]", "[budget]", "[[budget]]", "x = ", "\x07", "\ufeff", "é = 1"]
    )
    return "\n".join([*lines, *draw(st.lists(extra, max_size=2))]).encode()


@st.composite
def mutated_files(draw: st.DrawFn) -> bytes:
    """A valid file with a few pieces cut out, copied elsewhere or replaced."""
    content = VALID.encode()
    pieces = st.binary(max_size=6) | ODD_TEXT.map(str.encode) | VALUES.map(toml).map(str.encode)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 20)))
        piece = draw(pieces | st.just(content[start:end] * 2) | st.just(b""))
        content = content[:start] + piece + content[end:]
    return content


# What a file says besides: so that nothing of it is ever trained, however sound it is.
REFUSED = st.sampled_from(["sampler=nosuch", "scheduler=nosuch", "search_space=mytask:nosuch", "resources.cpu=4096"])
FILES = st.one_of(written_files(), mutated_files(), st.binary(max_size=200))


@tried(100)
@given(FILES)
@example(b"a = " + b"[" * 100_000)
@example(b"seed = " + b"9" * 5_000)
@example(b"seed = 0x" + b"f" * 5_000)
@example(VALID.replace("seed = 3", "seed = 0x" + "f" * 5_000).encode())
@example(VALID.replace('note = "x"', "note = " + "9" * 5_000).encode())
@example(VALID.replace('note = "x"', "note = " + "{a = " * 3_000).encode())
@example(VALID.replace('"10m"', '"' + "9" * 400 + 's"').encode())
@example((VALID + '[limits]\nmemory = "' + "9" * 400 + 'GB"').encode())
@example(VALID.encode("utf-16"))
@example(b"")
def test_any_study_file_is_tried_or_refused(cli: Cli, content: bytes) -> None:
    with workplace() as root:
        (root / "study.toml").write_bytes(content)
        # 3 where it names a metric that the objective does not yield, which only trying it can tell.
        # In this process: to start another one for each file takes longer than all the rest.
        check_answer(cli, root, "check", "study.toml", "--set", "executor=inline", allowed=(0, 2, 3))


@tried(80)
@given(FILES, REFUSED)
def test_a_study_file_with_a_mistake_leaves_no_trace(cli: Cli, content: bytes, mistake: str) -> None:
    with workplace() as root:
        (root / "study.toml").write_bytes(content)
        check_answer(cli, root, "run", "study.toml", "--executor", "inline", "--set", mistake, allowed=(2,))


@tried(10)
@given(st.dictionaries(NAMES | ODD_TEXT, VALUES, max_size=4), st.integers(0, 2**63 - 1))
@example({"when": dt.date(2020, 1, 1)}, 0)
@example({"rate": math.nan}, 0)
@example({"name": 2**70}, 0)
def test_any_settings_are_stored_or_refused_before_anything_is(cli: Cli, given: dict[str, Any], seed: int) -> None:
    with workplace() as root:
        file = root / "study.toml"
        file.write_bytes(VALID.replace("seed = 3", f"seed = {seed}").replace('note = "x"', "").encode())
        with file.open("ab") as lines:
            lines.write(f"[settings.inner]\nx = {toml(given)}\n".encode())
        if check_answer(cli, root, "run", "study.toml", "--executor", "inline", allowed=(0, 2)) == 0:
            check_answer(cli, root, "resume", "study", "--trials", "2", allowed=(0,))


# Words on the command line

KEYS = st.lists(NAMES | ODD_TEXT, min_size=1, max_size=3).map(".".join)
ASSIGNMENTS = st.builds("{}={}".format, KEYS, VALUES.map(toml) | ODD_TEXT) | ODD_TEXT


@tried(40)
@given(st.lists(ASSIGNMENTS, min_size=1, max_size=3), REFUSED)
@example(["seed=" + "9" * 5_000], "sampler=nosuch")
@example(["settings=" + "[" * 100_000], "sampler=nosuch")
@example(["settings=1\nseed=2"], "sampler=nosuch")
@example(["budget.trials.x=1"], "sampler=nosuch")
def test_any_assignment_is_understood_or_refused(cli: Cli, assignments: list[str], mistake: str) -> None:
    with workplace() as root:
        (root / "study.toml").write_text(VALID)
        words = [word for each in (*assignments, mistake) for word in ("--set", each)]
        check_answer(cli, root, "run", "study.toml", "--executor", "inline", *words, allowed=(2,))


# What a shell hands over can hold halves of characters too.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)
STUDY_NAMES = st.one_of(
    ANY_TEXT,
    st.lists(
        st.sampled_from(["..", ".", "/", "\\", "a", "~", "\x00", "\x1b[2J", "é", "-", " ", "\n", "{x}", "%s", "'"])
    )
    .map("".join)
    .filter(lambda name: name != "a"),
    st.integers(101, 5_000).map(lambda length: "n" * length),
)


@tried(50)
@given(STUDY_NAMES)
@example("../../outside")
@example("/etc/passwd")
@example("a\x00b")
@example("n" * 100)
@example("n" * 101)
def test_any_name_stays_in_the_root_or_is_refused(cli: Cli, name: str) -> None:
    with workplace() as root:
        (root / "study.toml").write_text(VALID)
        check_answer(cli, root, "run", "study.toml", "--executor", "inline", f"--name={name}")


@tried(20)
@given(st.sampled_from(["status", "best", "trials", "resume"]), STUDY_NAMES)
def test_asking_for_any_study_is_answered(cli: Cli, command: str, name: str) -> None:
    with workplace() as root:
        check_answer(cli, root, command, "--", name, allowed=(2,))


SCHEMES = st.sampled_from(
    [
        *("sqlite", "sqlite+pysqlite", "sqlite+aiosqlite", "sqlite+pysqlcipher", "sqlite+", "postgresql+psycopg"),
        *("postgresql", "mysql+pymysql", "nosuch", "a+b+c", "+", "a.b", "sqlite.x", "postgresql+psycopg.x", "_typing"),
        *("type_migration_guidelines", "SQLITE", "file", "http"),
    ]
)
AUTHORITIES = st.sampled_from(["", "me:s3cret@", "me:s3cret@:", "me@", ":s3cret@", "[", "host:port", "%", "@@"])
PLACES = st.sampled_from(
    [
        *("studies.db", "folder", "folder/", "folder/none/studies.db", "file/studies.db", "empty", "garbage", "locked"),
        *("pipe", "/dev/null", "/dev/zero", "/proc/self/mem", "~/studies.db", "~nobody/none.db", "loop", "dangling"),
        *("../root/empty", "a\x00b", "a\x1b[2Jb", "{x}", "?mode=memory", "a" * 5_000, "./" * 3_000 + "x", ":memory:"),
        *("é", "file:x?mode=ro"),
    ]
)
STORAGES = st.one_of(
    PLACES,
    ANY_TEXT.map(lambda text: text.replace("/", "_")),
    st.builds("{}://{}{}{}".format, SCHEMES, AUTHORITIES, st.just("/") | st.just(""), PLACES),
    st.builds("{}:///{}?{}={}".format, SCHEMES, PLACES, ODD_TEXT, ODD_TEXT),
)


def plant(root: Path) -> None:
    """Put everything into the folder that is no database, or cannot be opened as one."""
    (root / "folder").mkdir()
    (root / "file").touch()
    (root / "empty").touch()
    (root / "garbage").write_bytes(b"SQLite format 3\x00" + bytes(range(256)) * 20)
    (root / "locked").touch(mode=0o000)
    (root / "loop").symlink_to("loop")
    (root / "dangling").symlink_to("../home/dangling.db")
    os.mkfifo(root / "pipe")


@tried(60)
@given(st.sampled_from([["list"], ["list", "--json"], ["status", "x"], ["trials", "x"], ["best", "x"]]), STORAGES)
@example(["list"], "a\x1b[2Jb")
@example(["list"], "sqlite:///a\x00b")
@example(["list"], "a+b+c://x")
@example(["list"], "_typing://x")
@example(["list"], "empty")
@example(["list"], "pipe")
@example(["list"], "a" * 5_000)
def test_any_storage_is_read_or_refused_and_nothing_is_made_of_it(cli: Cli, words: list[str], storage: str) -> None:
    with workplace() as root:
        plant(root)
        before = everything(root)
        check_answer(cli, root, *words, f"--storage={storage}")
        assert everything(root) == before


@tried(10)
@given(STORAGES)
@example("a\x00b")
@example("a\x1b[2Jb/studies.db")
def test_a_study_is_run_in_any_storage_or_refused(cli: Cli, storage: str) -> None:
    with workplace() as root:
        (root / "study.toml").write_text(VALID)
        plant(root)
        if "~" not in storage and "dangling" not in storage:  # these are outside the root because they say so
            check_answer(cli, root, "run", "study.toml", "--executor", "inline", f"--storage={storage}")


# Search spaces

ARGUMENTS = st.one_of(
    NUMBERS,
    st.integers(-5, 5),
    st.floats(-5, 5),
    st.sampled_from([1, 1.0, True, 5e-324, 2.2e-308, 1.7e308, -1.7e308, 2**53 + 1, 2**1024]),
    st.none(),
    ODD_TEXT,
    st.lists(st.integers(), max_size=2),
    st.just(object()),
)
IDENTIFIERS = st.sampled_from(["lr", "width", "name", "kind", "é"])


def _range(kind: type[Float] | type[Int]) -> st.SearchStrategy[Parameter]:
    def built(low: Any, high: Any, log: Any, step: Any, default: Any) -> Parameter:
        return kind(low, high, log=log, step=step, default=default)

    seldom = st.none() | st.none() | ARGUMENTS
    return st.builds(built, ARGUMENTS, ARGUMENTS, st.booleans() | st.booleans() | ARGUMENTS, seldom, seldom)


def _words(values: list[Any], default: Any) -> Parameter:
    return Choice(*values, default=default)


def _branches(values: list[Any], branches: dict[str, Any], default: Any) -> Parameter:
    return Choice(*values, default=default, **{name: tree for name, tree in branches.items() if name != "default"})


LEAVES = st.one_of(
    _range(Float), _range(Int), st.builds(_words, st.lists(ARGUMENTS, max_size=4), st.none() | ARGUMENTS)
)
PARAMETERS = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        _branches,
        st.lists(ODD_TEXT, max_size=2),
        st.dictionaries(ODD_TEXT, st.dictionaries(IDENTIFIERS, inner, max_size=2) | ARGUMENTS, min_size=1, max_size=2),
        st.none() | ODD_TEXT,
    ),
    max_leaves=4,
)
TREES = st.dictionaries(IDENTIFIERS | ODD_TEXT, PARAMETERS | ARGUMENTS, max_size=3) | st.dictionaries(
    IDENTIFIERS.filter(lambda name: name != "name"), LEAVES, min_size=1, max_size=2
)


@tried(250)
@given(TREES, st.floats(0, 1))
@example({"x": Int(0, 10**400)}, 0.5)
@example({"x": Int(10**400, 0)}, 0.5)
@example({"x": Int(1, 10**400, log=True)}, 0.5)
@example({"x": Float(-1.7e308, 1.7e308)}, 0.5)
@example({"x": Float(0, 10**400)}, 0.5)
@example({"x": Float(0, 1e300, step=1e-300)}, 0.5)
@example({"x": Float(5e-324, 1.0, log=True)}, 1.0)
@example({"x": Int(2**53, 2**53 + 3)}, 0.7)
@example({"x": Choice(a={"y": Choice("z")}, b={})}, 0.3)
def test_any_search_space_is_refused_or_works(parameters: dict[str, Any], quantile: float) -> None:
    try:
        space = SearchSpace(**parameters)
    except SearchSpaceError:
        return
    assert len(space) == len(space.parameters)
    for config in (space.default, space.at(dict.fromkeys(space.parameters, quantile)), *islice(space.grid(3), 5)):
        values = space.flatten(config)
        assert space.unflatten(values) == config
        assert all(_lies_in(space.parameters[path], value) for path, value in values.items()), values
    description = json.loads(json.dumps(space.describe(), allow_nan=False))
    assert SearchSpace.from_description(description) == space
    assert str(space)
    space.check_possible()


def _lies_in(parameter: Parameter, value: object) -> bool:
    if isinstance(parameter, Choice):
        return value in parameter.options
    assert isinstance(parameter, Float | Int)
    assert type(value) is (int if isinstance(parameter, Int) else float)
    return float(parameter.low) <= value <= float(parameter.high)
