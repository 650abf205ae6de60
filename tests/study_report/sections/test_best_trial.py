"""The top of a report: what was found, what it is worth, or why there is nothing."""

from pathlib import Path

from made_studies import SPACE, failed, material, repeated, searched, study, trial

from tuner.domain.goal import Goal
from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord, TrialState
from tuner.storage.location import locate
from tuner.study_report.data import ReportData
from tuner.study_report.document import Block, Fact, Facts, Listing, Table, Tables, Text
from tuner.study_report.sections import best_trial


def blocks(made: ReportData) -> list[Block]:
    return list(best_trial.section(made).blocks)


def facts(made: ReportData) -> dict[str, Fact]:
    return {fact.label: fact for block in blocks(made) if isinstance(block, Facts) for fact in block.facts}


def words(made: ReportData) -> str:
    return " ".join(block.words for block in blocks(made) if isinstance(block, Text))


def valued(*values: float) -> list[TrialRecord]:
    return [trial(number, value=value, epoch=3, metrics={"accuracy": value}) for number, value in enumerate(values)]


def test_the_best_trial_leads_and_its_gain_over_the_default_follows() -> None:
    found = facts(material(trials=valued(0.5, 0.75)))
    assert next(iter(found)) == "best accuracy"
    assert (found["best accuracy"].value, found["best accuracy"].note) == ("0.7500", "trial 1, epoch 3")
    assert found["gain by tuning"].value == "0.2500"
    assert "0.5000" in found["gain by tuning"].note


def test_where_less_is_better_a_gain_is_still_a_gain() -> None:
    record = study(goal=Goal.of("accuracy", Direction.MINIMIZE))
    assert facts(material(record, valued(0.75, 0.5)))["gain by tuning"].value == "0.2500"


def test_a_default_that_nothing_beats_is_said_to_be() -> None:
    gain = facts(material(trials=valued(0.75, 0.5)))["gain by tuning"]
    assert (gain.value, gain.note) == ("none", "no trial beat the default configuration")


def test_an_answer_that_was_not_confirmed_is_told_to_be_lucky() -> None:
    assert "lucky" in words(material(trials=valued(0.5, 0.75)))


def test_a_confirmed_answer_is_a_mean_with_its_interval_and_no_word_of_luck() -> None:
    trials = valued(0.5, 0.75)
    made = material(trials=trials, repetitions=repeated(trials, [0, 1], 0.01, 0.02, 0.03))
    found = facts(made)
    assert next(iter(found)) == "accuracy to expect"
    assert found["accuracy to expect"].value == "0.7300"
    assert "95% interval 0.7" in found["accuracy to expect"].note
    assert found["gain by tuning"].value == "0.2500"
    assert found["on the test split"].value == "0.5000"
    assert "lucky" not in words(made)


def test_a_gain_whose_interval_holds_nothing_may_be_none() -> None:
    trials = valued(0.74, 0.75)
    made = material(trials=trials, repetitions=repeated(trials, [0, 1], 0.0, 0.1, 0.2))
    assert facts(made)["gain by tuning"].note.endswith("it may be no better")


def test_the_configuration_is_shown_with_its_branches_below_their_choice() -> None:
    (tables,) = [block for block in blocks(material(trials=valued(0.5))) if isinstance(block, Tables)]
    configuration: Table = tables.tables[0]
    assert [name.strip("\N{NO-BREAK SPACE}") for name, _ in configuration.rows] == [
        "optimizer",
        "lr",
        "depth",
        "activation",
    ]
    assert configuration.rows[1][0].startswith("\N{NO-BREAK SPACE}")
    assert SPACE.default["optimizer"]["name"] == configuration.rows[0][1]


def test_without_a_complete_trial_it_says_why_and_what_to_type() -> None:
    made = material(trials=[failed(0, "no such layer"), failed(1, "no such layer")])
    assert "None of the 2 trials is complete" in words(made)
    assert "2 failed with: no such layer" in words(made)
    assert [block.text for block in blocks(made) if isinstance(block, Listing)] == ["tuner resume made-up"]


def test_where_no_trial_meets_the_constraints_it_names_the_nearest() -> None:
    goal = Goal.of("accuracy", Direction.MAXIMIZE, "accuracy >= 0.9")
    assert "trial 1 comes nearest: accuracy >= 0.9" in words(material(study(goal=goal), valued(0.5, 0.75)))


def test_a_study_without_trials_says_so() -> None:
    assert "No trial was run yet" in words(material())


def test_a_study_that_is_not_at_its_end_says_how_far_it_is() -> None:
    made = material(trials=[*valued(0.5), trial(1, TrialState.RUNNING)])
    assert "1 of 64 trials are finished, 1 are under way" in words(made)


def test_a_study_kept_elsewhere_is_asked_for_there(workplace: Path) -> None:
    made = material(trials=searched(1), location=locate("a b.db"))
    assert [block.text for block in blocks(made) if isinstance(block, Listing)] == [
        f"tuner confirm made-up --storage '{workplace}/a b.db'"
    ]
