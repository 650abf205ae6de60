"""A private, quiet Ray on this machine, for one run."""

import logging
import math
import os
import secrets
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import ray

from tuner.domain.study import Resources
from tuner.execution.machine import cpu_count, gpu_count

_OBJECT_STORE_BYTES = 256 * 2**20

_PREFIX = "tuner-ray-"

_ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",  # the older output can be silenced, the newer one cannot
    "RAY_CHDIR_TO_TRIAL_DIR": "0",  # an objective finds its files where the user started the study
    "RAY_DEDUP_LOGS": "0",
    "RAY_TRAIN_ENABLE_V2_MIGRATION_WARNINGS": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # what happened is in the storage
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # ours saves the study
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",  # nothing that Ray saves is ever read
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_WARN_THRESHOLD_S": "1000000000",
}


@contextmanager
def quiet_session(resources: Resources, parallel: int) -> Iterator[Path]:
    """Start Ray for `parallel` cohorts and give a folder for what it writes; stop it and delete the folder at the end.

    Loopback only, no dashboard, a token of its own, files for their owner alone. A Ray that the caller started is used
    as it is and left running.
    """
    folder = _private_folder()
    previous_umask = os.umask(0o077)
    own = not ray.is_initialized()
    environment = {**_ENVIRONMENT, "TUNE_MAX_PENDING_TRIALS_PG": str(parallel)}
    if own:
        environment["RAY_AUTH_TOKEN"] = secrets.token_hex(32)  # instead of the one Ray keeps in the home folder
    try:
        with _environment(environment), _quiet_loggers():
            if own:
                _start(resources, parallel, folder)
            yield folder
            if own:
                ray.shutdown()
    finally:
        if own and ray.is_initialized():
            ray.shutdown()
        os.umask(previous_umask)
        shutil.rmtree(folder, ignore_errors=True)


def _start(resources: Resources, parallel: int, folder: Path) -> None:
    # Ray puts a handler of its own in place of the one that saves the study.
    with _kept_handler(signal.SIGTERM):
        _init(resources, parallel, folder)


@contextmanager
def _kept_handler(number: signal.Signals) -> Iterator[None]:
    handler = signal.getsignal(number)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(number, handler)


def _init(resources: Resources, parallel: int, folder: Path) -> None:
    ray.init(
        address="local",  # never joins a cluster that happens to be running
        num_cpus=max(cpu_count(), math.ceil(parallel * resources.cpu)),
        num_gpus=gpu_count(),
        include_dashboard=False,
        object_store_memory=_OBJECT_STORE_BYTES,
        log_to_driver=False,
        logging_level=logging.ERROR,
        _temp_dir=str(folder),
    )


def _private_folder() -> Path:
    """Return a new folder for this run, and delete those of runs that were killed."""
    root = Path(tempfile.gettempdir())
    if len(str(root)) > 40:  # noqa: PLR2004 - a socket's path has 107 bytes at most, Ray's part of it needs the rest
        root = Path("/tmp")  # noqa: S108 - the folder itself is private
    for folder in root.glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if folder.stat().st_uid == os.getuid() and pid.isdigit() and not _is_alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=root))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _quiet_loggers() -> Iterator[None]:
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
