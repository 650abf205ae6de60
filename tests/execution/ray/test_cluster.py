"""A cluster is joined, or the reason why it is not is said; what travels to its nodes is small enough."""

import socket
from pathlib import Path

import pytest

from tuner.domain.errors import ClusterError, ConfigurationError
from tuner.domain.places import Cluster
from tuner.execution.ray.cluster import ALWAYS_LEFT_OUT, join, refuse_large


@pytest.fixture(autouse=True)
def _no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether another test's Ray runs in this process does not matter here."""
    monkeypatch.setattr("ray.is_initialized", lambda: False)


def test_an_address_at_which_nothing_listens_is_refused_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ClusterError, match=f"nothing answers at 127.0.0.1:{port}"):
        join(Cluster(address=f"127.0.0.1:{port}"), None)


@pytest.mark.parametrize("address", ["nowhere", "host:", "host:port"])
def test_what_is_no_address_is_bad_input(address: str) -> None:
    with pytest.raises(ConfigurationError, match="is not auto, HOST:PORT"):
        join(Cluster(address=address), None)


def test_a_folder_that_is_too_large_is_named_with_what_is_large_in_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "all.bin").write_bytes(bytes(4000))
    (tmp_path / "mine.py").write_text("code")
    with pytest.raises(ConfigurationError, match="largest: data"):
        refuse_large(tmp_path, ALWAYS_LEFT_OUT, 1000)
    refuse_large(tmp_path, [*ALWAYS_LEFT_OUT, "data/"], 1000)


def test_what_git_ignores_and_our_own_files_stay(tmp_path: Path) -> None:
    for name in (".tuner", "ignored", ".git"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "large").write_bytes(bytes(4000))
    (tmp_path / ".gitignore").write_text("ignored/\n")
    refuse_large(tmp_path, ALWAYS_LEFT_OUT, 1000)
