"""Pictures; that a browser draws them is shown where a report is written."""

from pathlib import Path

import pytest
from made_studies import material, searched

from tuner.domain.errors import ConfigurationError
from tuner.study_report.document import Picture
from tuner.study_report.png import write_pictures
from tuner.study_report.sections import optimization_history


def picture() -> Picture:
    section = optimization_history.section(material(trials=searched(5)))
    assert section is not None
    return section.pictures[0]


def test_without_a_browser_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigurationError, match="Chrome or Chromium") as told:
        write_pictures([picture()], tmp_path)
    assert "apt install chromium" in told.value.hint


def test_a_browser_that_ends_at_once_is_no_bug_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tmp_path / "chromium"
    browser.write_text("#!/bin/sh\nexit 3\n")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER_PATH", str(browser))
    with pytest.raises(ConfigurationError, match="the pictures could not be drawn") as told:
        write_pictures([picture()], tmp_path)
    assert "--format html" in told.value.hint
