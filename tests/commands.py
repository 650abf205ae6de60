"""Commands in processes of their own that begin with everything imported: each is a fork of one that waits.

A process is as real as one that is started anew: it has its own folder, environment, streams and exit code, and is
signalled and killed by its id. It costs a tenth. Where the start of an interpreter, what it imports, or a mark in
`/proc/PID/environ` is what a test is about, start a fresh one.
"""

import atexit
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, final

ROOT = Path(__file__).parent.parent
TUNER = "tuner.cli.__main__:main"
IMPORTED = (
    *("tuner.cli.__main__", "tuner.cli.run", "tuner.cli.resume", "tuner.cli.status", "tuner.cli.report"),
    *(
        "tuner.running.launch",
        "tuner.execution.inline",
        "tuner.execution.isolation.worker",
        "tuner.objectives.supervised",
    ),
    *("tuner.samplers.tpe", "tuner.samplers.random", "tuner.schedulers.asha", "tuner.objectives.training.checkpoints"),
    *("tuner.storage.store", "sqlalchemy.dialects.sqlite", "faults.driver", "torch", "optuna"),
    "tuner.execution.ray.loop",
    # What the first optimizer and the first preprocessing import late: seconds of each command that trains a model.
    *("torch._dynamo", "sklearn.impute", "sklearn.preprocessing", "tuner.objectives.training.cohort"),
)
"""What commands need. Ray is imported and not started: what it starts in a process must not be there in a fork."""
_LARGEST = 2**17
"""Bytes of a request; more than any environment here has."""


@final
class Command:
    """A process that was forked for one command; used as `subprocess.Popen` is."""

    def __init__(self, pid: int, pidfd: int, streams: tuple[int, int], ended: int) -> None:
        self.pid = pid
        self.stdout, self.stderr = (os.fdopen(stream, encoding="utf-8", errors="replace") for stream in streams)
        self.returncode: int | None = None
        self._pidfd, self._is_there = pidfd, threading.Lock()
        self._ended = threading.Event()
        self._told: dict[str, str] = {}
        self._readers: list[threading.Thread] = []
        threading.Thread(target=self._await, args=[ended], daemon=True).start()

    def _await(self, ended: int) -> None:
        with os.fdopen(ended) as told:
            code = int(told.read())
        with self._is_there:
            self.returncode = code
            os.close(self._pidfd)
        self._ended.set()

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, negative for a signal; raises `subprocess.TimeoutExpired` after so many seconds."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait until it ends; return what it wrote to stdout and stderr that nobody has read before."""
        if not self._readers:
            self._readers = [threading.Thread(target=self._read, args=[each]) for each in ("stdout", "stderr")]
            for reader in self._readers:
                reader.start()
        self.wait(timeout)
        for reader in self._readers:
            reader.join()
        return self._told["stdout"], self._told["stderr"]

    def _read(self, name: str) -> None:
        with getattr(self, name) as stream:
            self._told[name] = stream.read()

    def send_signal(self, number: signal.Signals) -> None:
        with self._is_there, suppress(ProcessLookupError):
            if self.returncode is None:
                signal.pidfd_send_signal(self._pidfd, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@final
class Template:
    """The process that waits to be forked; it is started with the first command.

    One that is to import `more` modules is itself a fork, of `TEMPLATE`.
    """

    def __init__(self, *more: str) -> None:
        self._more = more
        self._process: subprocess.Popen[bytes] | Command | None = None
        self._control: socket.socket | None = None

    def start(
        self, *words: str, main: str = TUNER, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> Command:
        """Start a command in a folder; `main` is the function that is called with `words` in `sys.argv`."""
        if self._control is None:
            self._begin()
        assert self._control is not None
        out, err, ended = os.pipe(), os.pipe(), os.pipe()
        request = {"words": words, "main": main, "cwd": str(cwd or Path.cwd()), "env": dict(env or os.environ)}
        given = [out[1], err[1], ended[1]]
        socket.send_fds(self._control, [json.dumps(request).encode()], given)
        for descriptor in given:
            os.close(descriptor)
        pid, descriptors, _, _ = socket.recv_fds(self._control, 16, 1)
        return Command(int(pid), descriptors[0], (out[0], err[0]), ended[0])

    def run(self, *words: str, **more: Any) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end, as `start` starts it."""
        process = self.start(*words, **more)
        out, err = process.communicate()
        assert process.returncode is not None
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def _begin(self) -> None:
        if self._more:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
                listener.bind("")  # the kernel chooses a name, which no file has
                listener.listen()
                address: bytes = listener.getsockname()
                self._process = TEMPLATE.start(address.hex(), *self._more, main=FURTHER)
                self._control, _ = listener.accept()
            return
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", "import commands; commands.main()", str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=environment, start_new_session=True,
            )  # fmt: skip

    def close(self) -> None:
        if self._control is not None and self._process is not None:
            self._control.close()
            self._process.communicate()
            self._control = self._process = None


def program() -> None:
    """Run a file as `python FILE` does; it is the first word."""
    sys.argv = sys.argv[1:]
    sys.path.insert(0, str(Path(sys.argv[0]).resolve().parent))
    runpy.run_path(sys.argv[0], run_name="__main__")


PROGRAM = "commands:program"
PYTEST = "pytest:console_main"

TEMPLATE = Template()
"""One for all tests of a process; `conftest` ends it."""


def main() -> None:
    """Import everything, fork for each request, and, in the fork, do what was asked for."""
    end = End()
    atexit.register(end.leave)  # before all others, so it is called after them
    function = _asked_of_a_fork(socket.socket(fileno=int(sys.argv[1])), IMPORTED)
    with end.noted():
        function()


def further() -> None:
    """Be a template that has imported more, in a fork of one: ADDRESS MODULE..., as `main` calls it."""
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    control.connect(bytes.fromhex(sys.argv[1]))
    _asked_of_a_fork(control, sys.argv[2:])()


FURTHER = "commands:further"


def _asked_of_a_fork(control: socket.socket, modules: Sequence[str]) -> Callable[[], object]:
    """Import modules and fork for each request; return, in the forks alone, the function that is asked for."""
    for name in modules:
        import_module(name)
    threads = [(each / "comm").read_text().strip() for each in Path("/proc/self/task").iterdir()]
    # jemalloc, which pyarrow brings, does without its own thread in a fork.
    assert len(threads) - threads.count("jemalloc_bg_thd") == 1, f"what has threads must not be forked: {threads}"
    gc.collect()
    gc.freeze()  # a fork shares what is here for good, and does not take it apart at its end
    module, _, name = _forked(control).partition(":")
    function: Callable[[], object] = getattr(import_module(module), name)
    return function


@final
class End:
    """The end of a fork: as of any process, but what the template has imported is not taken apart.

    That would touch, and so copy, all of its memory: most of the time that a short command needs.
    """

    def __init__(self) -> None:
        self._code: int | None = None

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note the exit code that a block ends with."""
        try:
            yield
        except SystemExit as exit_:
            self._code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
            raise
        except Exception:
            self._code = 1
            raise
        self._code = 0

    def leave(self) -> None:
        """End a fork; Python has waited for its threads and called what it has registered."""
        if self._code is not None:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(self._code)


def _forked(control: socket.socket) -> str:
    """Serve until there is nobody to serve; return, in a fork alone, the function that is to be called."""
    running: dict[int, tuple[int, int]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not control:
                    pid, ended = running.pop(key.fd)
                    selector.unregister(key.fd)
                    os.close(key.fd)
                    with os.fdopen(ended, "w") as told, suppress(BrokenPipeError):
                        told.write(str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))
                    continue
                request, given, _, _ = socket.recv_fds(control, _LARGEST, 3)
                if not request:
                    sys.exit()
                pid = os.fork()
                if pid == 0:
                    for descriptor in (*running, *(ended for _, ended in running.values()), given[2]):
                        os.close(descriptor)
                    control.close()
                    return _become(json.loads(request), given)
                pidfd = os.pidfd_open(pid)
                running[pidfd] = pid, given[2]
                selector.register(pidfd, selectors.EVENT_READ)
                for descriptor in given[:2]:
                    os.close(descriptor)
                socket.send_fds(control, [str(pid).encode()], [pidfd])


def _become(request: dict[str, Any], given: list[int]) -> str:
    """Take on the folder, the environment, the streams and the words of a command."""
    for descriptor, stream in zip(given, (1, 2), strict=False):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = ["tuner", *request["words"]]
    main: str = request["main"]
    return main
