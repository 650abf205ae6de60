from pathlib import Path

import pytest
from search_quality.environments import PeerUnavailableError, dependencies, interpreter
from search_quality.peer_system import PEERS


def script(folder: Path, needed: str) -> Path:
    path = folder / "peer.py"
    path.write_text(f'# /// script\n# dependencies = ["{needed}"]\n# ///\n"""A peer."""\n')
    return path


@pytest.mark.parametrize("name", PEERS)
def test_every_peer_says_what_it_needs_with_versions(name: str) -> None:
    assert all("==" in each for each in dependencies(PEERS[name]))
    assert dependencies(PEERS[name])


def test_a_script_that_says_nothing_of_what_it_needs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "peer.py"
    path.write_text("import json\n")
    with pytest.raises(ValueError, match="PEP 723"):
        dependencies(path)


def test_what_cannot_be_installed_is_reported_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    unknown = script(tmp_path, "a-package-that-is-not-there==1.0")
    with pytest.raises(PeerUnavailableError, match="a-package-that-is-not-there"):
        interpreter(unknown, tmp_path / "cache")
    assert "installing peer in" in capsys.readouterr().err
    (folder,) = (tmp_path / "cache").iterdir()
    assert not (folder / "installed.txt").exists()

    (folder / "installed.txt").touch()  # what a successful installation leaves
    assert interpreter(unknown, tmp_path / "cache") == folder / "bin" / "python"
    assert capsys.readouterr().err == ""
