"""A Ray that starts with no more than one machine and one run need, in a third less processor time."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from ray import _raylet
from ray._private import services, state, worker
from ray._private.node import Node

_REGISTERING_SECONDS = 5.0

_STAND_IN = subprocess.list2cmdline(["sh", "-c", "exec cat"])
"""What does nothing, whatever words Ray adds, and ends when Ray has: it reads from a pipe of Ray's."""

_NO_PORT = 9
"""The port that Ray is given for its agents: that of a service that discards everything."""

_PORTS = (
    _raylet.METRICS_AGENT_PORT_NAME,  # type: ignore[attr-defined]
    _raylet.METRICS_EXPORT_PORT_NAME,  # type: ignore[attr-defined]
    _raylet.DASHBOARD_AGENT_LISTEN_PORT_NAME,  # type: ignore[attr-defined]
    _raylet.RUNTIME_ENV_AGENT_PORT_NAME,  # type: ignore[attr-defined]
)


@contextmanager
def lean_start(parallel: int) -> Iterator[None]:
    """Start Ray for `parallel` workers without what one machine does not need, and without a second of sleep.

    The autoscaler, the log reader, the API server and two agents are a process each that imports Ray, and Ray waits for
    the agents. The second is slept whenever Ray asks for the new node before that has registered, which takes less than
    half of one.
    """
    with (
        silent_about_deaths(),
        replaced(Node, "start_monitor", lambda _: None),
        replaced(Node, "start_log_monitor", lambda _: None),
        replaced(Node, "start_api_server", _no_api_server),
        replaced(services, "get_node", _registered(services.get_node)),
        replaced(services, "ConsolePopen", _starting(parallel)),
        # Ray takes the loopback address for the one under which others reach this machine, which they must not.
        replaced(services, "resolve_ip_for_localhost", lambda host: host),
    ):
        yield


def silent_about_deaths() -> AbstractContextManager[None]:
    """Keep a Ray that starts from printing an essay for each worker that dies: the study says it in a line."""
    return replaced(worker, "listen_error_messages", lambda *_: None)


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Let an attribute have another value meanwhile."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


_POPEN = services.ConsolePopen


def _starting(parallel: int) -> Callable[..., subprocess.Popen[bytes]]:
    """Return what starts a process of Ray's that no SIGTERM ends: the driver gets it too, saves the study, ends others.

    `timeout` sends it to the whole process group, a service manager to every process of a service.
    """

    def start(words: Sequence[str], *more: Any, preexec_fn: Callable[[], None], **options: Any) -> Any:
        def shield() -> None:
            preexec_fn()
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

        if words[0] == services.RAYLET_EXECUTABLE:
            words = _without_agents(words, parallel)
        return _POPEN(words, *more, preexec_fn=shield, start_new_session=True, **options)

    return start


def _without_agents(words: Sequence[str], parallel: int) -> list[str]:
    """Return a node's command with stand-ins for its agents, and workers from the start for `parallel` cohorts only.

    One agent measures for the dashboard, which is not there, the other makes environments, which no run has. A node
    does without neither, and waits until each has written down where it listens.
    """
    given = dict(word.removeprefix("--").split("=", 1) for word in words if word.startswith("--") and "=" in word)
    for name in _PORTS:
        _raylet.persist_port(given["session_dir"], given["node_id"], name, _NO_PORT)  # type: ignore[attr-defined]
    started = min(parallel, int(given["num_prestart_python_workers"]))
    changed = {
        "dashboard_agent_command": _STAND_IN,
        "runtime_env_agent_command": _STAND_IN,
        "num_prestart_python_workers": str(started),
    }
    return [
        f"--{name}={changed[name]}" if (name := word.removeprefix("--").partition("=")[0]) in changed else word
        for word in words
    ]


def _no_api_server(node: Any, **_: Any) -> None:
    node._webui_url = None  # noqa: SLF001 - what it is on a node without one


def _registered(get_node: Callable[[str, str], Any]) -> Callable[[str, str], Any]:
    def get(gcs_address: str, node_id: str) -> Any:
        nodes = state.GlobalState()
        nodes._initialize_global_state(services._get_gcs_client_options(gcs_address))  # noqa: SLF001 - as Ray does
        deadline = time.monotonic() + _REGISTERING_SECONDS
        while time.monotonic() < deadline and not any(node["NodeID"] == node_id for node in nodes.node_table()):
            time.sleep(0.01)
        return get_node(gcs_address, node_id)

    return get
