"""What all tests share: a folder of their own to work in, and one Ray session for those that need it."""

import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from commands import TEMPLATE
from hypothesis import HealthCheck, settings
from servers import KINDS, Server, shared
from typer.testing import CliRunner

from tuner.cli.__main__ import app

# The models of tests are small, and two test processes with two threads each wait for each other on two processors.
os.environ.setdefault("OMP_NUM_THREADS", "1")

CliResult = tuple[int, str, str]
"""An exit code, what went to stdout and what went to stderr."""

# How long examples take to make and to run is a matter of the machine: neither turns a test red.
settings.register_profile("tuner", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tuner")

USER_CODE = Path(__file__).parent / "user_code"
USER_MODULES = tuple(file.stem for file in USER_CODE.glob("*.py"))

LONGEST = (
    "integrations/test_ranks.py",
    "faults/test_kills.py",
    "faults/test_server_faults.py",
    "faults/test_trial_faults.py",
    "end_to_end/test_import_order.py",
    "end_to_end/test_cluster.py",
    "faults/test_signals.py",
    "faults/test_strangers.py",
    "faults/test_secrets.py",
    "end_to_end/test_interruption.py",
    "faults/test_storage_faults.py",
    "conformance/test_executors.py",
    "storage/test_store.py",
    "faults/test_doors.py",
    "end_to_end/test_running.py",
    "end_to_end/test_reporting.py",
)
"""The files of tests that last longest, from the longest on."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files begin first: a process that begins one last keeps the others waiting for it."""
    here = Path(__file__).parent
    if gone := [name for name in LONGEST if not (here / name).is_file()]:
        raise pytest.UsageError(f"tests/conftest.py names files of tests that are not there: {', '.join(gone)}")
    places = {here / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


# What it learns of failures stays where it is looked for, and out of the folders that tests count the files of.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(Path(__file__).parent.parent / ".hypothesis"))


@pytest.fixture(scope="session", autouse=True)
def _elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what is made once for many tests, too, away from the folder that they are started from, and its studies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("elsewhere"))
        patch.delenv("TUNER_STORAGE", raising=False)
        patch.setenv("TUNER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
        TEMPLATE.close()


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test's own empty folder, as the working directory, with no storage set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNER_STORAGE", raising=False)
    return tmp_path


@pytest.fixture(autouse=True)
def _forgotten_modules() -> Iterator[None]:
    """Forget a user's modules, and where they were, after each test: the next one has others of the same names."""
    before = [*sys.path]
    yield
    sys.path[:] = before
    for name in USER_MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def user_folder(workplace: Path) -> Path:
    """A working directory with a user's own objectives and space, and study files for them."""
    for file in USER_CODE.iterdir():
        if file.suffix in (".py", ".toml"):
            (workplace / file.name).write_text(file.read_text())
    return workplace


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """Gives a database server of a kind, one for all tests of all processes: none of them may stop it."""
    own = tmp_path_factory.getbasetemp()
    folder = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    started: dict[str, Server] = {}
    with ExitStack() as held:

        def server(kind: str) -> Server:
            if kind not in started:
                started[kind] = held.enter_context(shared(KINDS[kind], folder))
            return started[kind]

        yield server


@pytest.fixture(params=["file", *KINDS])
def storage(request: pytest.FixtureRequest, tmp_path: Path, servers: Callable[[str], Server]) -> str:
    """An empty storage of each kind: a file, and a database on a server."""
    kind = str(request.param)
    return str(tmp_path / "inner" / "studies.db") if kind == "file" else servers(kind).database()


@pytest.fixture
def cli() -> Callable[..., CliResult]:
    """Runs the command line in this process."""

    def run(*words: str) -> CliResult:
        result = CliRunner().invoke(app, [str(word) for word in words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return run


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """One Ray for all tests that run trials in workers."""
    import ray  # noqa: PLC0415 - only the tests that need Ray pay for it

    from tuner.execution.ray.lean_start import lean_start  # noqa: PLC0415 - it imports Ray

    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    with lean_start(2):
        ray.init(
            address="local",
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            object_store_memory=128 * 2**20,
            _node_ip_address="127.0.0.1",
        )
    yield
    ray.shutdown()
