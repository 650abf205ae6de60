"""A report as Markdown."""

import pytest
from made_studies import failed, material, searched, study

from tuner.domain.goal import Goal
from tuner.domain.study import Direction
from tuner.study_report.compose import compose
from tuner.study_report.document import Document, Fact, Facts, Gallery, Listing, Picture, Section, Table, Tables, Text
from tuner.study_report.markdown import MARK, as_markdown
from tuner.study_report.sections import best_trial

PICTURE = Picture(name="course", caption="What it shows.", description="Dots", figure=None)
TABLE = Table(headers=("a", "b"), rows=[("x|y", "1")], right=("b",), caption="said below")


def written(*blocks: object) -> str:
    section = Section(slug="s", title="Title", blocks=blocks)  # type: ignore[arg-type]
    return as_markdown(Document(title="n", subtitle="s", sections=[section], written="now"), "n-figures")


@pytest.mark.parametrize(
    ("block", "text"),
    [
        (Text("one * two"), "one \\* two"),
        (
            Facts([Fact(label="time", value="4 s", note="about"), Fact(label="epochs", value="3")]),
            "- time: **4 s**, about\n- epochs: **3**",
        ),
        (TABLE, "| a | b |\n| --- | ---: |\n| x\\|y | 1 |\n\nsaid below"),
        (Tables([TABLE, TABLE]), "said below\n\n| a | b |"),
        (PICTURE, "![Dots](n-figures/course.png)\n\nWhat it shows."),
        (Gallery([PICTURE]), "![Dots](n-figures/course.png)"),
        (Listing(text="tuner best n\n"), "```text\ntuner best n\n```"),
        (Listing(text="a ``` b", title="File"), "File:\n\n````text\na ``` b\n````"),
    ],
)
def test_every_kind_of_block_has_its_form(block: object, text: str) -> None:
    assert text in written(block)


def test_it_says_first_that_it_is_a_report_of_ours() -> None:
    assert written().startswith(f"{MARK}\n\n# n\n")


def test_it_has_the_sections_and_the_pictures_of_the_page() -> None:
    document = compose(material(study(), [*searched(40), failed(40, "no")]))
    text = as_markdown(document, "figures")
    assert [f"## {section.title}" for section in document.sections] == [
        line for line in text.splitlines() if line.startswith("## ")
    ]
    assert text.count("](figures/") == len(document.pictures)


def test_what_strangers_wrote_is_no_markup() -> None:
    hostile = "<script>alert(1)</script> [x](javascript:y) | `z`"
    record = study(goal=Goal.of(hostile, Direction.MAXIMIZE))
    text = as_markdown(
        Document(title="n", subtitle="s", sections=[best_trial.section(material(record, searched(3)))], written=""), "f"
    )
    assert "<script>" not in text
    assert "\\<script\\>" in text
    assert "[x](" not in text
