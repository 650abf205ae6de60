"""The page in a real browser: with no network, in light and dark, and with what strangers wrote in it."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from made_studies import failed, material, searched, study
from playwright.sync_api import Browser, Page, sync_playwright

from tuner import Choice, SearchSpace
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord
from tuner.study_report.compose import compose
from tuner.study_report.page import as_page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run"
)
DRAWN = "html[data-drawn=yes]"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chrome or Chromium on this machine")


class Visit:
    """A page that was opened offline, and all that went wrong with it."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self.requests.append(request.url))
        page.context.set_offline(True)
        page.set_default_timeout(0)
        page.goto(file.as_uri())
        page.wait_for_selector(DRAWN)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "report.html"
    trials = [*searched(60), failed(60, "RuntimeError: no such layer", "Traceback ...")]
    file.write_text(as_page(compose(material(study(), trials))), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def visit(browser: Browser, report: Path) -> Iterator[Visit]:
    page = browser.new_page(viewport={"width": 1100, "height": 900}, color_scheme="light")
    yield Visit(page, report)
    page.close()


def test_a_page_opens_with_no_network_and_nothing_to_complain_about(visit: Visit, report: Path) -> None:
    assert visit.complaints == []
    assert [url for url in visit.requests if not url.startswith(("data:", "blob:"))] == [report.as_uri()]


def test_everything_that_is_promised_is_to_be_seen(visit: Visit) -> None:
    page = visit.page
    assert page.title() == "made-up: maximize accuracy: 61 of 64 trials finished, begun 2026-01-01 00:00 UTC"
    for slug in ("answer", "course", "curves", "parameters", "together", "sooner", "failures", "spent", "origin"):
        assert page.locator(f"section#{slug} h2").is_visible(), slug
    for plot in page.locator(".plot").all():
        assert plot.locator("svg.main-svg").first.bounding_box() is not None
        assert plot.get_attribute("aria-label")
    assert page.locator("#failures td", has_text="RuntimeError: no such layer").is_visible()


def test_every_link_of_the_contents_leads_somewhere(visit: Visit) -> None:
    links = [link.get_attribute("href") or "" for link in visit.page.locator("nav a").all()]
    assert len(links) >= 9
    assert all(visit.page.locator(f"section{href}").count() == 1 for href in links)


def ink(page: Page) -> tuple[str, str]:
    """The colour of the page's text, and of a figure's."""
    words = page.evaluate("getComputedStyle(document.body).color")
    figure = page.evaluate("getComputedStyle(document.querySelector('#figure-course .legendtext')).fill")
    return words, figure


def test_the_page_and_its_figures_are_dark_where_the_system_is_and_turn_at_a_click(
    browser: Browser, report: Path
) -> None:
    page = browser.new_page(color_scheme="dark")
    visit = Visit(page, report)
    dark = ink(page)
    assert dark[0] == dark[1]
    page.click("#theme")
    page.wait_for_function(f"getComputedStyle(document.querySelector('.legendtext')).fill !== '{dark[1]}'")
    light = ink(page)
    assert light[0] == light[1] != dark[0]
    assert visit.complaints == []
    page.close()


def test_it_is_read_on_a_telephone_without_scrolling_sideways(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 360, "height": 740})
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360
    visit.page.set_viewport_size({"width": 1100, "height": 900})


HOSTILE = "</script><script>window.taken = 1</script><img src=x onerror='window.taken = 1'>"


def test_what_strangers_wrote_is_shown_and_no_script_runs_even_if_one_got_in(browser: Browser, tmp_path: Path) -> None:
    space = SearchSpace(kind=Choice(HOSTILE, "plain"), other=Choice("a", "b"))
    trials = [
        replace(each, config=Config({"kind": (HOSTILE, "plain")[each.number % 2], "other": "ab"[each.number % 3 // 2]}))
        for each in searched(40)
    ]
    record = study(
        HOSTILE,
        goal=Goal.of(HOSTILE, Direction.MAXIMIZE),
        space=space,
        source={"study": HOSTILE, "overrides": {}, "folder": "/"},
    )
    file = tmp_path / "hostile.html"
    page_text = as_page(compose(material(record, [*trials, failed(40, HOSTILE, HOSTILE)])))
    broken_into = page_text.replace("</main>", "</main><script>window.taken = 1</script>")
    file.write_text(broken_into, encoding="utf-8")
    page = browser.new_page()
    visit = Visit(page, file)
    assert page.evaluate("window.taken") is None
    assert ["Content Security Policy" in complaint for complaint in visit.complaints] == [True]
    assert page.locator("img").count() == 0
    assert page.locator("h1").inner_text() == HOSTILE
    assert page.locator("#failures td", has_text=HOSTILE).count() == 1
    page.close()


@pytest.mark.parametrize("trials", [[], [failed(0, "no")]], ids=["none", "failed"])
def test_a_study_with_little_to_say_opens_too(browser: Browser, tmp_path: Path, trials: list[TrialRecord]) -> None:
    file = tmp_path / "little.html"
    file.write_text(as_page(compose(material(study(), trials))), encoding="utf-8")
    page = browser.new_page()
    visit = Visit(page, file)
    assert visit.complaints == []
    assert page.locator("section#answer h2").is_visible()
    page.close()


def test_figures_are_json_that_no_text_can_end(report: Path) -> None:
    text = as_page(compose(material(study(goal=Goal.of("</script>", Direction.MAXIMIZE)), searched(12))))
    found = re.search(r'<script type="application/json" id="figures">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    assert "figure-course" in json.loads(found[1])
    assert "<" not in found[1]
