"""How sure the answer is."""

from dataclasses import replace

from made_studies import failed, material, repeated, trial

from tuner.study_report.document import Picture, Table, Text
from tuner.study_report.sections import confirmation

TRIALS = [trial(number, value=value) for number, value in enumerate((0.5, 0.9))]


def test_a_study_that_was_not_confirmed_has_no_such_section() -> None:
    assert confirmation.section(material(trials=TRIALS)) is None


def test_it_shows_every_candidate_with_its_interval_the_best_first() -> None:
    section = confirmation.section(material(trials=TRIALS, repetitions=repeated(TRIALS, [0, 1], 0.01, 0.02, 0.03)))
    assert section is not None
    (text,), (picture,), (table,) = (
        [block for block in section.blocks if isinstance(block, kind)] for kind in (Text, Picture, Table)
    )
    assert "shown the winner at 0.9000; against its mean that is 0.0200 better: the best of many noisy" in text.words  # type: ignore[union-attr]
    assert [row[0] for row in table.rows] == ["trial 1", "trial 0, default"]  # type: ignore[union-attr]
    assert [row[1] for row in table.rows] == ["0.8800", "0.4800"]  # type: ignore[union-attr]
    means = picture.figure.data[-1]  # type: ignore[union-attr]
    assert list(means.x) == [0.48, 0.88]
    assert all(margin > 0 for margin in means.error_x.array)


def test_a_single_training_has_no_interval_and_failed_ones_are_counted() -> None:
    again = [*repeated(TRIALS, [1], 0.01), failed(7, "no")]
    again[1] = replace(again[1], config=TRIALS[1].config)
    section = confirmation.section(material(trials=TRIALS, repetitions=again))
    assert section is not None
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert table.rows[0][2:5] == ("-", "0.9000", "1, 1 failed")
