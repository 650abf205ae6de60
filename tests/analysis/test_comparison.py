"""How the answers of studies differ, and how sure that is."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner import Direction, Float, Int, SearchSpace, TrialRecord, TrialState
from tuner.analysis.comparison import Comparison, compare
from tuner.analysis.queries import summarise
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.goal import Goal
from tuner.domain.row_values import RowValues
from tuner.domain.study_record import StudyRecord

SPEC: dict[str, Any] = {
    "name": "any",
    "objective": "supervised",
    "search_space": "mine",
    "metric": "score",
    "seed": 0,
    "settings": {"dataset": "iris"},
    "budget": {"trials": 2, "epochs": 3, "seconds": None},
    "scheduler": {"name": "asha", "options": {"eta": 3}},
}
SPACE = SearchSpace(x=Float(0, 1, default=0.5))


def record(
    name: str, direction: Direction = Direction.MAXIMIZE, space: SearchSpace = SPACE, **spec: Any
) -> StudyRecord:
    return StudyRecord(
        name=name,
        goal=Goal.of("score", direction),
        space=space,
        rules=(),
        spec={**SPEC, "name": name, **spec},
        source={},
        notes={},
    )


def trial(number: int, x: float, value: float) -> TrialRecord:
    return TrialRecord(
        number=number, state=TrialState.COMPLETE, config=Config({"x": x}), value=value, epoch=1, curve={1: value}
    )


def compared(one: tuple[float, ...], other: tuple[float, ...], direction: Direction = Direction.MAXIMIZE) -> Comparison:
    """Compare two studies whose best configurations gave these values when they were trained again."""
    found = [trial(0, 0.5, -100 * direction.sign), trial(1, 0.9, 0.5)]
    repeated = [[trial(number, 0.9, value) for number, value in enumerate(values)] for values in (one, other)]
    return compare([summarise(record(name, direction), found, each) for name, each in zip("ab", repeated, strict=True)])


def test_a_difference_beyond_the_noise_is_sure_and_one_within_it_is_not() -> None:
    (verdict,) = compared((0.80, 0.81, 0.79, 0.80, 0.80), (0.90, 0.91, 0.89, 0.90, 0.90)).verdicts
    assert (verdict.study, verdict.than, verdict.is_sure) == ("b", "a", True)
    assert verdict.difference is not None
    assert verdict.difference.mean == pytest.approx(0.1)
    (verdict,) = compared((0.80, 0.90, 0.70, 0.85, 0.75), (0.81, 0.91, 0.71, 0.86, 0.76)).verdicts
    assert not verdict.is_sure


@given(
    *[st.lists(st.floats(0, 1), min_size=2, max_size=6).map(tuple) for _ in "ab"],
)
def test_the_mirror_image_in_the_other_direction_gives_the_same_verdict(
    one: tuple[float, ...], other: tuple[float, ...]
) -> None:
    (up,) = compared(one, other).verdicts
    (down,) = compared(tuple(-value for value in one), tuple(-value for value in other), Direction.MINIMIZE).verdicts
    (back,) = compared(other, one).verdicts
    assert up.difference is not None
    assert down.difference == up.difference
    assert back.difference is not None
    assert (back.difference.low, back.difference.high) == pytest.approx((-up.difference.high, -up.difference.low))


def test_the_interval_holds_the_true_difference_as_often_as_it_says() -> None:
    import numpy as np  # noqa: PLC0415

    draw = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        one, other = draw.normal(0.80, 0.02, 5), draw.normal(0.82, 0.01, 5)
        (verdict,) = compared(tuple(map(float, one)), tuple(map(float, other))).verdicts
        assert verdict.difference is not None
        held += verdict.difference.low <= 0.02 <= verdict.difference.high
    assert held / 400 >= 0.93


def with_rows(values: tuple[float, ...], rows: list[float]) -> list[TrialRecord]:
    return [replace(trial(number, 0.9, value), rows=RowValues.of(rows)) for number, value in enumerate(values)]


def test_studies_of_one_split_are_paired_by_row_and_others_are_not() -> None:
    found, rows = [trial(0, 0.5, 0.1), trial(1, 0.9, 0.5)], [1.0, 0.0] * 20
    one = summarise(record("a"), found, with_rows((0.5, 0.51, 0.52), rows))
    better = with_rows((0.55, 0.56, 0.57), rows)
    (paired,) = compare([one, summarise(record("b"), found, better)]).verdicts
    (apart,) = compare([one, summarise(record("b", seed=1), found, better)]).verdicts
    (resplit,) = compare(
        [one, summarise(record("b", settings={"dataset": "iris", "test": 0.4}), found, better)]
    ).verdicts
    assert (paired.is_paired, apart.is_paired, resplit.is_paired) == (True, False, False)
    assert (paired.is_sure, apart.is_sure, resplit.is_sure) == (True, False, False)
    assert paired.detectable is not None
    assert apart.detectable is not None
    assert paired.detectable < apart.detectable


def test_what_was_not_confirmed_has_a_difference_that_is_not_sure() -> None:
    found = [trial(0, 0.5, 0.1), trial(1, 0.9, 0.5)]
    better = [trial(0, 0.5, 0.1), trial(1, 0.9, 0.75)]
    (verdict,) = compare([summarise(record("a"), found), summarise(record("b"), better)]).verdicts
    assert verdict.difference is not None
    assert (verdict.difference.mean, verdict.difference.margin) == (0.25, math.inf)
    assert not verdict.is_confirmed
    assert not verdict.is_sure
    (verdict,) = compare([summarise(record("a"), found), summarise(record("b"), [])]).verdicts
    assert verdict.difference is None


def test_what_differs_is_told_and_what_does_not_is_not() -> None:
    wider = SearchSpace(x=Float(0, 2, default=0.5), depth=Int(1, 3, default=2))
    studies = [
        record("a"),
        record("b", space=wider, seed=1, scheduler={"name": "none", "options": {}}, warm_start=["a"]),
        record("c"),
    ]
    comparison = compare([summarise(study, []) for study in studies])
    assert comparison.asked == {
        "seed": ("0", "1", "0"),
        "scheduler.name": ("asha", "none", "asha"),
        "scheduler.options.eta": ("3", None, "3"),
        "warm_start": (None, '["a"]', None),
    }
    assert comparison.parameters == {
        "x": ("float 0 .. 1, default 0.5", "float 0 .. 2, default 0.5", "float 0 .. 1, default 0.5"),
        "depth": (None, "int 1 .. 3, default 2", None),
    }
    assert comparison.doubts == (
        "the seeds differ: where a seed splits the data, values come from different parts of it",
    )
    assert [verdict.study for verdict in comparison.verdicts] == ["b", "c"]


def test_values_of_different_data_get_no_verdict() -> None:
    other = record("b", settings={"dataset": "wine"})
    comparison = compare([summarise(record("a"), []), summarise(other, [])])
    assert comparison.doubts == ("the dataset is not the same: the values say nothing about each other",)
    assert comparison.verdicts == ()


def test_studies_of_different_metrics_or_directions_are_refused() -> None:
    other = record("b", Direction.MINIMIZE)
    with pytest.raises(ConfigurationError, match="a is to maximize score, b is to minimize score"):
        compare([summarise(record("a"), []), summarise(other, [])])
