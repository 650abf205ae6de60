"""What a study cost, and what stopping saved."""

from datetime import timedelta

from made_studies import BEGAN, failed, material, trial

from tuner.domain.trial import TrialRecord, TrialState
from tuner.study_report.data import ReportData
from tuner.study_report.document import Fact, Facts, Table
from tuner.study_report.sections import cost


def trained(
    number: int, epochs: int, seconds: tuple[float, float], state: TrialState = TrialState.PRUNED
) -> TrialRecord:
    began, ended = (BEGAN + timedelta(seconds=each) for each in seconds)
    curve = dict.fromkeys(range(1, epochs + 1), 0.5)
    return trial(number, state, value=0.5, epoch=1, curve=curve, started=began, finished=ended)


def facts(made: ReportData) -> dict[str, Fact]:
    section = cost.section(made)
    assert section is not None
    return {fact.label: fact for block in section.blocks if isinstance(block, Facts) for fact in block.facts}


def test_what_is_saved_is_what_full_training_would_have_taken() -> None:
    found = facts(
        material(trials=[trained(0, 27, (0, 9), TrialState.COMPLETE), trained(1, 3, (9, 10)), trained(2, 6, (10, 12))])
    )
    assert found["epochs trained"].value == "36"
    assert (found["saved by stopping"].value, found["time"].value) == ("56%", "12.0 s")
    assert found["saved by stopping"].note.startswith("45 of the 81 epochs")
    assert found["time saved, about"].value == "15.0 s"


def test_time_in_which_several_ran_counts_once_and_a_pause_not_at_all() -> None:
    assert (
        facts(material(trials=[trained(0, 1, (0, 10)), trained(1, 1, (5, 12)), trained(2, 1, (100, 103))]))[
            "time"
        ].value
        == "15.0 s"
    )


def test_failed_trials_save_nothing() -> None:
    found = facts(material(trials=[trained(0, 27, (0, 9), TrialState.COMPLETE), failed(1, "no")]))
    assert "saved by stopping" not in found


def test_trials_are_counted_by_what_became_of_them() -> None:
    section = cost.section(
        material(trials=[trained(0, 27, (0, 9), TrialState.COMPLETE), trained(1, 3, (9, 10)), failed(2, "no")])
    )
    assert section is not None
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert [row[:3] for row in table.rows] == [
        ("complete", "1", "27"),
        ("stopped early", "1", "3"),
        ("failed", "1", "0"),
    ]


def test_a_study_in_which_nothing_was_trained_has_no_costs() -> None:
    assert cost.section(material()) is None
