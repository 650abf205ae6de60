"""A private, quiet Ray on this machine, for one run."""

import logging
import math
import os
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import ray
from ray._private.node import Node
from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]

from tuner.domain.errors import ConfigurationError
from tuner.domain.resources import Resources
from tuner.execution.ray.lean_start import lean_start, replaced
from tuner.execution.ray.module_path import OwnModulePath
from tuner.execution.ray.run_folder import RunFolder
from tuner.execution.watchdog import WORKERS, end_all
from tuner.system.files import open_to_others
from tuner.system.hardware import cpu_count, gpu_count
from tuner.system.processes import kill_users_of
from tuner.system.signals import Dispositions

_OBJECT_STORE_BYTES = 256 * 2**20

_ENDING_SECONDS = 5.0
"""How long is waited for processes to be gone that were killed."""

GRACE_SECONDS = 5.0
"""How long a stopping run waits for epochs that are being trained; their trials continue from the last checkpoint."""

_LOOPBACK = "127.0.0.1"

_PREFIX = "tuner-ray-"

_SOCKET_BYTES = 107 if sys.platform == "linux" else 103
"""How long the path of a socket may be."""

_SHORT_ROOTS = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108 - the folders in them are private  # nosec B108

_MARK = "TUNER_RAY_FOLDER"
"""What every process of a run has in its environment, and those that they start."""

_SIGNALS = tuple(
    signal.Signals[f"SIG{name}"] for name in ("TERM", "INT", "ALRM", "ABRT", "SEGV", "ILL", "FPE", "BUS", "TRAP")
)
"""What Ray's C++ code handles in a process: with a stack trace, and 3 seconds later an abort."""

ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",  # the older output can be silenced, the newer one cannot
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # an objective finds its files where the user started the study
    "RAY_DEDUP_LOGS": "0",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_enable_metrics_collection": "0",  # no agent collects them
    "RAY_enable_pipe_based_agent_to_parent_health_check": "1",  # by which stand-ins of its agents end with Ray
    "RAY_idle_worker_killing_time_threshold_ms": "600000",  # those that start with Ray wait for the first trials
    "RAY_preload_python_modules": "tuner.execution.ray.loop",  # and import meanwhile what these need
    "RAY_kill_child_processes_on_worker_exit": "0",  # templates end what trials have started: more than Ray would find
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # what happened is in the storage
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # ours saves the study
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",  # nothing that Ray saves is ever read
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_THRESHOLD_S": "1000000000",
}


SET_BY_RAY = ("PYTHONBREAKPOINT", "RAY_AUTH_MODE")

_RUNNING = threading.Lock()


@final
@dataclass(frozen=True, slots=True)
class Session:
    """A Ray that starts on a thread; it writes into `folder`, and `wait` returns when it is up, or raises why not."""

    folder: Path
    wait: Callable[[], None]


@contextmanager
def quiet_session(resources: Resources, parallel: int) -> Iterator[Session]:
    """Start Ray for `parallel` cohorts on a thread, so that the caller can import meanwhile; stop it at the end.

    Loopback only, no dashboard, a token of its own, a private folder that is deleted at the end. A Ray that the caller
    started is used as it is and left running.
    """
    with alone():
        yield from _session(resources, parallel)


def _session(resources: Resources, parallel: int) -> Iterator[Session]:
    run_folder = new_run_folder()
    folder = run_folder.path
    previous_umask = os.umask(0o077)
    own = not ray.is_initialized()
    environment = {**ENVIRONMENT, "TUNE_MAX_PENDING_TRIALS_PG": str(parallel), _MARK: str(folder)}
    if own:
        # A token instead of the one Ray keeps in the home folder.
        environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    kept = Dispositions(_SIGNALS)

    def ready() -> None:
        if started is not None:
            started.result()

    with _environment(environment, authenticates=own), quiet_loggers():
        # Ray's processes die with the thread that started them: it lives until they have been stopped.
        starter = ThreadPoolExecutor(max_workers=1)
        started = starter.submit(_start, resources, parallel, folder, kept) if own else None
        try:
            yield Session(folder, ready)
        finally:
            if started is not None:
                wait([started])
                with replaced(Node, "kill_all_processes", _ended_at_once(Node.kill_all_processes)):
                    ray.shutdown()
                _end(folder)
            kept.restore()
            starter.shutdown()
            os.umask(previous_umask)
            run_folder.close()


@contextmanager
def alone() -> Iterator[None]:
    """Refuse a second run beside the first: a process has one Ray, which ends with the run that started it."""
    if not _RUNNING.acquire(blocking=False):
        raise ConfigurationError(
            "another study is running in this process",
            hint="run them one after the other, in processes of their own, or this one with executor inline",
        )
    try:
        yield
    finally:
        _RUNNING.release()


def _start(resources: Resources, parallel: int, folder: Path, kept: Dispositions) -> None:
    """Start Ray, and handle signals as before: what its C++ code does on SIGTERM would end a run unsaved."""
    try:
        _init(resources, parallel, folder)
    finally:
        kept.restore()


def _init(resources: Resources, parallel: int, folder: Path) -> None:
    with lean_start(parallel):
        ray.init(
            address="local",  # never joins a cluster that happens to be running
            num_cpus=max(cpu_count(), math.ceil(parallel * resources.num_cpus)),
            num_gpus=gpu_count(),
            include_dashboard=False,
            object_store_memory=_OBJECT_STORE_BYTES,
            job_config=OwnModulePath(),
            log_to_driver=False,
            logging_level=logging.ERROR,
            # Ray opens its folder to every user; the one around it is closed to them.
            _temp_dir=str(folder / "r"),
            _node_ip_address=_LOOPBACK,
        )


def new_run_folder() -> RunFolder:
    """Return a new folder for this run, and end and delete what is left of runs that were killed."""
    return RunFolder(_root(), _PREFIX, _end)


def _root() -> Path:
    """Return the first folder for temporary files that can be written and whose path leaves room for Ray's sockets.

    Raises `ConfigurationError` where there is none.
    """
    problems = []
    for root in (_usual_root(), *_SHORT_ROOTS):
        if len(os.fsencode(root)) > _longest_root():
            problems.append(f"{root}: the path is longer than the {_longest_root()} bytes that Ray's sockets leave")
        elif not os.access(root, os.W_OK | os.X_OK):
            problems.append(f"{root}: {'cannot be written' if root.is_dir() else 'is not a folder'}")
        elif (reason := open_to_others(root)) is not None:
            problems.append(f"{root}: {reason}")
        else:
            return root
    raise ConfigurationError(
        ["there is no folder for Ray's temporary files", *dict.fromkeys(problems)],
        hint="set TMPDIR to a folder with a short path, or run with --executor inline, which needs none",
    )


def _usual_root() -> Path:
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:  # neither TMPDIR nor any of the usual folders can be written
        return Path(os.environ.get("TMPDIR", _SHORT_ROOTS[0]))


def _longest_root() -> int:
    """Return how long the path of a folder may be in which Ray's sockets lie, in folders that it names itself."""
    pid = os.getpid()
    below = f"/{_PREFIX}{pid}-{'x' * 8}/r/session_2026-01-01_00-00-00_000000_{pid}/sockets/plasma_store"
    return _SOCKET_BYTES - len(below)


def _end(folder: Path) -> None:
    """End what is left of a run: what objectives have started outlives Ray, and agents of Ray's outlive a driver."""
    end_all(folder / WORKERS)
    deadline = time.monotonic() + _ENDING_SECONDS
    while kill_users_of(_MARK, folder) and time.monotonic() < deadline:
        time.sleep(0.01)


def _ended_at_once(kill: Callable[..., None]) -> Callable[..., None]:
    """Return Ray's own way to end its processes without the second that it waits for what a SIGTERM does."""

    def end(node: Any, **options: Any) -> None:
        kill(node, **{**options, "allow_graceful": False})

    return end


@contextmanager
def _environment(values: Mapping[str, str], *, authenticates: bool) -> Iterator[None]:
    """Set variables, for Ray's configuration and its token too where the session `authenticates`: it keeps both."""
    before = {name: os.environ.get(name) for name in (*values, *SET_BY_RAY)}
    os.environ.update(values)
    if authenticates:
        _reread()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        if authenticates:
            _reread()


def _reread() -> None:
    """Let Ray read its configuration and its token again: it would continue with those of the session before."""
    Config.initialize("")
    AuthenticationTokenLoader.instance().reset_cache()


@contextmanager
def quiet_loggers() -> Iterator[None]:
    """Silence Ray's loggers: what matters to people reaches them through the controller."""
    logger = logging.getLogger("ray")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    children = [logging.getLogger(name) for name in ("ray.tune", "ray.air", "ray.train", "ray.data")]
    levels = [child.level for child in children]
    for child in children:
        child.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
        for child, before in zip(children, levels, strict=True):
            child.setLevel(before)
