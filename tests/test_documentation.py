"""What the documentation shows works, and what it names is there."""

import os
import re
from pathlib import Path

import pytest
from commands import PYTEST, TEMPLATE
from guides import blocks

import tuner

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = (*ROOT.glob("*.md"), ROOT / "examples" / "README.md", *DOCS.rglob("*.md"))
EXTENDING = sorted(page for page in (DOCS / "extending").glob("*.md") if page.name != "index.md")


def test_every_example_of_an_extension_passes_the_test_that_its_page_shows(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    for page in EXTENDING:
        folder = tmp_path / page.stem
        folder.mkdir()
        module = re.search(r"`(\w+)\.py`", page.read_text())
        assert module is not None
        member, test = blocks(page, "python")
        (folder / f"{module[1]}.py").write_text(member)
        (folder / f"test_{page.stem.replace('-', '_')}.py").write_text(test)
        words = ("-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder))
        ran = TEMPLATE.run(*words, main=PYTEST, cwd=folder, env=environment)
        assert ran.returncode == 0, ran.stdout
        assert " passed" in ran.stdout


def test_every_page_on_extensions_is_linked_from_their_table() -> None:
    table = (DOCS / "extending" / "index.md").read_text()
    assert all(f"({page.name})" in table for page in EXTENDING)


@pytest.mark.parametrize(
    "page", [*ROOT.glob("*.md"), ROOT / "examples" / "README.md", *DOCS.rglob("*.md")], ids=lambda page: page.name
)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[\w-]+)?\)", page.read_text())
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_every_place_that_the_tour_names_is_there() -> None:
    rows = re.findall(r"^\| .*\?.* \| .* \| `(.+)` \| `(.+)` \|$", (DOCS / "tour.md").read_text(), re.MULTILINE)
    assert len(rows) > 20
    assert [folder + file for folder, file in rows if not (ROOT / folder / file).is_file()] == []


def test_every_page_is_in_the_sites_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text()
    pages = [str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if page.parent.name != "decisions"]
    assert [page for page in pages if f": {page}\n" not in navigation] == []
    listed = (DOCS / "decisions" / "index.md").read_text()
    assert [page.name for page in (DOCS / "decisions").glob("0*.md") if f"({page.name})" not in listed] == []


def test_the_reference_has_every_public_name() -> None:
    reference = (DOCS / "reference.md").read_text()
    assert [name for name in tuner.__all__ if not re.search(rf"^::: [\w.]+\.{name}$", reference, re.MULTILINE)] == []
