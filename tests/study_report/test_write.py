"""The files of a report: where they go, and what they may replace."""

import shutil
import struct
from pathlib import Path

import optuna
import pytest

import tuner
from tuner.domain.errors import ConfigurationError, StudyNotFoundError
from tuner.storage.store import Store, open_store
from tuner.study_report.write import ReportFormat, write_report


@pytest.fixture
def store(workplace: Path) -> Store:
    """A study of plain Optuna's of which nothing is known but two trials: its report is quickly written."""
    (workplace / ".tuner").mkdir()
    kept = optuna.create_study(storage=f"sqlite:///{workplace}/.tuner/studies.db", study_name="../plain study")
    for x in (1.0, 2.0):
        kept.add_trial(
            optuna.create_trial(
                params={"x": x}, distributions={"x": optuna.distributions.FloatDistribution(0, 3)}, value=x
            )
        )
    return open_store(None)


NAME = "../plain study"


def test_a_report_goes_into_the_working_directory_under_a_name_that_is_safe(store: Store, workplace: Path) -> None:
    written = write_report(store, NAME)
    assert written.path == Path("plain-study.html")
    assert written.size == (workplace / "plain-study.html").stat().st_size
    assert sorted(path.name for path in workplace.iterdir()) == [".tuner", "plain-study.html"]


def test_a_report_is_replaced_by_a_newer_one(store: Store) -> None:
    first = write_report(store, NAME).path
    before = first.stat().st_ino
    assert write_report(store, NAME).path.stat().st_ino != before


@pytest.mark.parametrize("form", [ReportFormat.HTML, ReportFormat.MARKDOWN])
def test_another_file_is_replaced_only_when_it_is_asked_for(store: Store, workplace: Path, form: ReportFormat) -> None:
    mine = workplace / "mine"
    mine.write_text("years of work")
    with pytest.raises(ConfigurationError, match="is not a report of tuner's"):
        write_report(store, NAME, output=mine, form=form)
    assert mine.read_text() == "years of work"
    write_report(store, NAME, output=mine, form=ReportFormat.HTML, replace=True)
    assert "years of work" not in mine.read_text()


def test_a_folder_can_be_given_and_has_to_be_there(store: Store, workplace: Path) -> None:
    (workplace / "reports").mkdir()
    assert write_report(store, NAME, output=workplace / "reports").path == workplace / "reports" / "plain-study.html"
    with pytest.raises(ConfigurationError, match="there is no folder"):
        write_report(store, NAME, output=workplace / "nowhere" / "report.html")


def test_a_file_that_cannot_be_written_is_said_and_nothing_is_left(store: Store, workplace: Path) -> None:
    output = workplace / ("n" * 300)
    with pytest.raises(ConfigurationError, match="cannot be"):
        write_report(store, NAME, output=output)
    assert [path.name for path in workplace.iterdir()] == [".tuner"]


@pytest.mark.skipif(
    not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    reason="there is no Chrome or Chromium on this machine",
)
def test_markdown_has_its_pictures_beside_it(store: Store, workplace: Path) -> None:
    written = write_report(store, NAME, output=Path("plain.md"))
    assert [picture.parent for picture in written.pictures] == [Path("plain-figures")]
    head = written.pictures[0].read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n")
    assert struct.unpack(">II", head[16:24]) == (1920, 760)
    assert "](plain-figures/course.png)" in written.path.read_text()
    assert written.size > written.pictures[0].stat().st_size


def test_a_study_that_is_not_there_has_no_report(store: Store, workplace: Path) -> None:
    with pytest.raises(StudyNotFoundError):
        write_report(store, "other")


def test_the_command_says_where_the_report_is(store: Store, cli: object) -> None:
    code, answer, _ = cli("report", NAME, "-o", "out.html")  # type: ignore[operator]
    assert (code, answer.split()[0]) == (0, "out.html")
    assert "maximize" not in Path("out.html").read_text().split("</title>")[0]
    assert tuner.load_study(NAME).metric == "value"
