from pathlib import Path

import pytest

from tuner.domain.errors import ConfigurationError
from tuner.storage.location import locate


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TUNER_STORAGE", raising=False)


def test_the_usual_place_is_in_the_working_directory(tmp_path: Path) -> None:
    assert locate(None).file == tmp_path / ".tuner" / "studies.db"
    assert locate(None).is_default


def test_the_environment_moves_the_usual_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TUNER_STORAGE", "sqlite:///elsewhere/a.db")
    assert locate(None).file == tmp_path / "elsewhere" / "a.db"
    assert locate("b.db").file == tmp_path / "b.db"


@pytest.mark.parametrize("text", ["x/y.db", "sqlite:///x/y.db"])
def test_relative_paths_become_absolute(text: str, tmp_path: Path) -> None:
    location = locate(text)
    assert location.file == tmp_path / "x" / "y.db"
    assert location.folder == tmp_path / "x"
    assert not location.is_default


def test_a_command_is_quoted_and_says_where_the_study_is_when_it_is_not_where_commands_look() -> None:
    assert locate(None).command("best", "mine", "--top", 5) == "tuner best mine --top 5"
    assert locate(".tuner/studies.db").command("best", "a study") == "tuner best 'a study'"
    elsewhere = locate("a b.db")
    assert elsewhere.command("resume", "mine") == f"tuner resume mine --storage '{elsewhere.file}'"


def test_a_command_never_shows_a_password() -> None:
    command = locate("postgresql+psycopg://me:s3cret@host/db").command("resume", "mine")
    assert command == "tuner resume mine --storage 'postgresql+psycopg://me:***@host/db'"


def test_a_password_is_never_shown() -> None:
    location = locate("postgresql+psycopg://me:s3cret@host/db")
    assert "s3cret" not in str(location)
    assert location.file is None


@pytest.mark.parametrize("text", ["sqlite://", "sqlite:///:memory:"])
def test_a_study_in_memory_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="in memory"):
        locate(text)


def test_a_url_that_makes_no_sense_is_refused_without_repeating_it() -> None:
    with pytest.raises(ConfigurationError) as raised:
        locate("postgresql://me:s3cret@host:port/db")
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("postgresql", "postgresql+psycopg"),
        ("postgres", "postgresql+psycopg"),
        ("mysql", "mysql+pymysql"),
        ("mariadb", "mysql+pymysql"),
        ("postgresql+psycopg2", "postgresql+psycopg2"),
    ],
)
def test_a_server_without_a_driver_gets_the_one_that_we_install(given: str, driver: str) -> None:
    assert locate(f"{given}://me@host/db").url.drivername == driver


def test_a_home_folder_that_nobody_has_is_told() -> None:
    with pytest.raises(ConfigurationError, match="cannot be found"):
        locate("~nobody-is-called-so/studies.db")
