"""What a confirmation says, in sentences."""

from dataclasses import replace

from tuner.analysis.queries import Summary, summarise
from tuner.cli._confirmation_text import looks, warnings, worth
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.row_values import RowValues
from tuner.domain.study import Direction
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord, TrialState


def summary(groups: dict[int, list[float]], *, rows: int = 0, tested: tuple[int, ...] = ()) -> Summary:
    """Return the summary of a study whose configurations gave these values when they were trained again."""
    study = StudyRecord(
        name="s",
        goal=Goal.of("accuracy", Direction.MAXIMIZE),
        space=None,
        rules=(),
        spec={"budget": {"trials": len(groups)}},
        source={},
        notes={"test": {"number": tested[-1], "metrics": {}, "earlier": [*tested[:-1]]}} if tested else {},
    )
    trials = [
        TrialRecord(number=number, state=TrialState.COMPLETE, config=Config({"x": number}), value=max(values))
        for number, values in groups.items()
    ]
    repetitions = [
        replace(trials[number], number=0, value=value, rows=RowValues.of([1.0, 0.0] * (rows // 2)) if rows else None)
        for number, values in groups.items()
        for value in values
    ]
    repetitions = [replace(each, number=number) for number, each in enumerate(repetitions)]
    return summarise(study, trials, repetitions)


def said(found: Summary) -> str:
    assert found.confirmation is not None
    return "\n".join([*worth(found.confirmation), *warnings(found, found.confirmation)])


GOOD = {0: [0.5, 0.51, 0.52], 1: [0.9, 0.91, 0.92]}


def test_each_number_says_which_claim_it_is() -> None:
    with_rows, without = said(summary(GOOD, rows=40)), said(summary(GOOD))
    assert "interval on new rows, from 40 rows and 3 seeds; another seed on these rows changes the mean by" in with_rows
    assert "at 95% on new rows" in with_rows
    assert "with another seed on these rows: what other rows would change is not known" in without
    assert "at 95% with another seed" in without


def test_trainings_that_diverged_are_a_warning() -> None:
    told = said(summary({0: [0.5, 0.51, 0.52], 1: [0.97, 0.96, 0.97, 0.96, 0.7]}))
    assert "1 of its 5 trainings did far worse than the others (0.7000)" in told


def test_trainings_that_were_all_the_same_are_a_warning() -> None:
    told = said(summary({0: [0.5, 0.51, 0.52], 1: [0.7, 0.7, 0.7]}))
    assert "the search had shown 0.7000, the same" in told
    assert "all of its trainings gave the same value, so the interval says nothing" in told
    assert "the same" not in said(summary(GOOD))


def test_the_test_split_is_a_warning_from_the_second_winner_on() -> None:
    assert [*looks(summary(GOOD, tested=(1,)))] == []
    (line,) = looks(summary(GOOD, tested=(0, 1)))
    assert "has measured 2 winners by now (trials 0, 1)" in line


def test_without_an_interval_nothing_is_claimed() -> None:
    assert "interval" not in said(summary({0: [0.5], 1: [0.9]}))
