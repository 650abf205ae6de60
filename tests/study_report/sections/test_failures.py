"""What failed, and why."""

from made_studies import failed, material, trial

from tuner.study_report.document import Listing, Table, Text
from tuner.study_report.sections import failures


def test_a_study_without_failures_has_no_such_section() -> None:
    assert failures.section(material(trials=[trial(0, value=0.5)])) is None


def test_reasons_are_counted_and_the_commonest_comes_first_with_its_traceback() -> None:
    section = failures.section(material(trials=[failed(0, "a"), failed(1, "b", "Traceback b"), failed(2, "b")]))
    assert section is not None
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert table.rows == [("2", "raised", "b", "1, 2"), ("1", "raised", "a", "0")]
    assert [(block.title, block.text) for block in section.blocks if isinstance(block, Listing)] == [
        ("Traceback of trial 1", "Traceback b")
    ]


def test_many_reasons_are_not_all_listed_but_the_command_that_lists_them_is() -> None:
    section = failures.section(material(trials=[failed(number, f"reason {number}") for number in range(20)]))
    assert section is not None
    assert any(
        isinstance(block, Text) and "tuner trials made-up --state fail" in block.words for block in section.blocks
    )
