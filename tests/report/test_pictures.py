"""Pictures, drawn by a real browser."""

import shutil
import struct
from pathlib import Path

import pytest
from made_studies import material, searched

from tuner.domain.errors import ConfigurationError
from tuner.report.document import Picture
from tuner.report.pictures import write_pictures
from tuner.report.sections import course

needs_browser = pytest.mark.skipif(
    not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    reason="there is no Chrome or Chromium on this machine",
)


def picture() -> Picture:
    section = course.section(material(trials=searched(5)))
    assert section is not None
    return section.pictures[0]


@needs_browser
def test_a_picture_is_a_png_of_its_size(tmp_path: Path) -> None:
    drawn = picture()
    (file,) = write_pictures([drawn], tmp_path)
    head = file.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n")
    assert struct.unpack(">II", head[16:24]) == (1920, 2 * drawn.height)


def test_without_a_browser_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "nowhere"))
    with pytest.raises(ConfigurationError, match="Chrome or Chromium") as told:
        write_pictures([picture()], tmp_path)
    assert "apt install chromium" in told.value.hint
