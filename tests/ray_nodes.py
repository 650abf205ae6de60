"""A Ray cluster of several nodes on this machine, which share no working directory, for tests that lose some of them.

Each node has a loopback address of its own. Where this user may make mount namespaces, worker nodes see an empty folder
in the place of the driver's, so whatever would be read from there is not found.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

import psutil

ROOT = Path(__file__).parent.parent
_HEAD = "127.0.7.1"
_STARTING_SECONDS = 240


def surroundings() -> dict[str, str]:
    """Return the environment of nodes and drivers."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_health_check_period_ms": "1000",
    }


def hides_folders() -> bool:
    """Whether a process can be given its own view of the file system here."""
    command = ["unshare", "-m", "true"]
    return (
        shutil.which("unshare") is not None
        and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


class Nodes:
    """The nodes of one cluster, whose processes are known by the folders that they were given."""

    def __init__(self, hidden: Path) -> None:
        # Ray's sockets need a short path.
        self._folder = Path(mkdtemp(prefix="rn-", dir="/tmp"))
        self._hidden = hidden
        self._started = 0
        with socket.create_server((_HEAD, 0)) as free:
            self._port = free.getsockname()[1]
        self.address = f"{_HEAD}:{self._port}"

    def start_head(self) -> str:
        """Start the head, on which no trial runs."""
        return self._start(_HEAD, ["--head", f"--port={self._port}", "--num-cpus=0", "--include-dashboard=false"])

    def start_worker(self, cpus: int = 1) -> str:
        """Start a node with so many processors; return the name by which it is killed."""
        return self._start(f"127.0.7.{self._started + 1}", [f"--address={self.address}", f"--num-cpus={cpus}"])

    def kill(self, name: str) -> None:
        """Kill all processes of a node at once."""
        processes = [each for each in psutil.process_iter(["cmdline"]) if self._is_of(each, name)]
        for process in [*processes, *(child for each in processes for child in _children(each))]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def kill_all(self) -> None:
        """Kill every node, and delete what they have written."""
        for number in range(1, self._started + 1):
            self.kill(f"n{number}")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, address: str, options: Sequence[str]) -> str:
        self._started += 1
        name = f"n{self._started}"
        command = [
            *(sys.executable, "-m", "ray.scripts.scripts", "start", f"--node-ip-address={address}", *options),
            *(f"--temp-dir={self._folder / name}", "--object-store-memory=100000000", "--disable-usage-stats"),
        ]
        if "--head" not in options and hides_folders():
            hide = 'mount -t tmpfs none "$0" && cd / && exec "$@"'
            command = ["unshare", "-m", "sh", "-c", hide, str(self._hidden), *command]
        subprocess.run(
            command, env=surroundings(), cwd=self._folder, check=True, capture_output=True, timeout=_STARTING_SECONDS
        )
        return name

    def _is_of(self, process: psutil.Process, name: str) -> bool:
        return any(
            f"{self._folder / name}/" in word or word.endswith(str(self._folder / name)) for word in _words(process)
        )


def _words(process: psutil.Process) -> Sequence[str]:
    words: Sequence[str] | None = process.info["cmdline"]
    return words or ()


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        found: list[psutil.Process] = process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return found


@contextmanager
def ray_nodes(hidden: Path) -> Iterator[Nodes]:
    """Give a cluster with a head alone; worker nodes see nothing in the folder `hidden`."""
    nodes = Nodes(hidden)
    try:
        nodes.start_head()
        yield nodes
    finally:
        nodes.kill_all()
