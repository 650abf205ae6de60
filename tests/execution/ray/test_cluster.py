"""A cluster is joined, or the reason why it is not is said; what travels to its nodes is small enough."""

import socket
from pathlib import Path

import pytest

from tuner.domain.errors import ClusterError, ConfigurationError
from tuner.domain.places import Cluster
from tuner.execution.ray.cluster import ALWAYS_LEFT_OUT, join, refuse_large, refuse_stand_ins


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


def test_modules_that_would_be_imported_on_nodes_in_place_of_installed_ones_are_refused_all_at_once(
    tmp_path: Path,
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit")
    (tmp_path / "json").mkdir()
    (tmp_path / "json" / "__init__.py").touch()
    (tmp_path / "train.py").touch()
    (tmp_path / "torch").mkdir()  # without __init__.py what is installed is found before it
    with pytest.raises(ConfigurationError) as refused:
        refuse_stand_ins(tmp_path, ALWAYS_LEFT_OUT)
    assert [problem.partition(" would")[0] for problem in refused.value.problems] == [
        f"cluster: {tmp_path / name}" for name in ("json", "numpy.py")
    ]
    assert 'cluster.exclude = ["json", "numpy.py"]' in str(refused.value.hint)
    refuse_stand_ins(tmp_path, [*ALWAYS_LEFT_OUT, "json/", "numpy.py"])
