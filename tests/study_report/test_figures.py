"""What the figures of a search show, and what they leave out."""

import math
from dataclasses import replace
from typing import Any

import pytest
from made_studies import failed, material, searched, study, trial

from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.study import Direction
from tuner.domain.trial import TrialRecord, TrialState
from tuner.study_report.document import Section, Table, Text
from tuner.study_report.sections import curves, optimization_history, parallel_coordinates, time_trade_off, trade_offs


def traces(section: Section | None) -> dict[str, Any]:
    assert section is not None
    return {trace.name: trace for trace in section.pictures[0].figure.data}


def words(section: Section | None) -> str:
    assert section is not None
    return " ".join(block.words for block in section.blocks if isinstance(block, Text))


def valued(*values: float, state: TrialState = TrialState.COMPLETE) -> list[TrialRecord]:
    return [trial(number, state, value=value) for number, value in enumerate(values)]


def test_the_course_has_every_trial_and_steps_up_at_each_record() -> None:
    found = traces(optimization_history.section(material(trials=[*valued(0.5, 0.4, 0.7, 0.6), failed(4, "no")])))
    assert list(found["complete"].x) == [0, 1, 2, 3]
    assert list(found["failed"].x) == [4]
    assert (list(found["best so far"].x), list(found["best so far"].y)) == ([0, 2, 4], [0.5, 0.7, 0.7])


def test_a_trial_far_worse_is_drawn_at_the_edge_as_a_triangle() -> None:
    stopped = [replace(each, number=number + 5) for number, each in enumerate(valued(-1e9, state=TrialState.PRUNED))]
    found = traces(optimization_history.section(material(trials=[*valued(0.50, 0.51, 0.52, 0.53, 0.54), *stopped])))
    assert list(found["stopped early"].marker.symbol) == ["triangle-down"]
    assert found["stopped early"].y[0] == pytest.approx(0.42)


def test_the_course_says_when_the_last_record_was_set() -> None:
    assert "2 times, most recently trial 2; the 2 after it" in words(
        optimization_history.section(material(trials=valued(0.5, 0.4, 0.7, 0.6, 0.1)))
    )
    assert "the last one: a longer search may well" in words(
        optimization_history.section(material(trials=valued(0.5, 0.4, 0.7)))
    )
    assert "no complete trial has beaten it" in words(optimization_history.section(material(trials=valued(0.5, 0.4))))


def test_curves_say_where_trials_were_stopped() -> None:
    trials = searched(9)
    stopped = [each for each in trials if each.state is TrialState.PRUNED]
    section = curves.section(material(trials=trials))
    assert f"{len(stopped)} trials were stopped early" in words(section)
    assert sorted(traces(section)["stopped here"].x) == sorted(each.last_epoch for each in stopped)


def test_too_many_curves_are_thinned_evenly_and_it_is_said() -> None:
    longest = dict.fromkeys(range(1, 1001), 0.5)
    trials = [
        trial(number, value=0.5, epoch=1, config=Config({"x": 1}), curve={**longest, 1: number / 300})
        for number in range(300)
    ]
    section = curves.section(material(study(space=None), trials))
    assert "100 of 300 curves are drawn" in words(section)
    points = sum(len(trace.x) for trace in traces(section).values())
    assert points < 2 * 12_000


def test_a_study_of_a_single_epoch_has_no_curves() -> None:
    assert curves.section(material(trials=[trial(0, value=0.5, curve={1: 0.5})])) is None


def test_together_groups_the_trials_by_how_good_they_are() -> None:
    found = traces(parallel_coordinates.section(material(trials=searched(9))))
    assert list(found) == ["the others", "rest of the best third", "best tenth", "best, trial 0"]
    lines = {name: sum(x is None for x in trace.x) for name, trace in found.items()}
    assert lines == {"the others": 6, "rest of the best third": 2, "best tenth": 1, "best, trial 0": 1}


def test_together_needs_parameters_and_trials_to_compare() -> None:
    assert parallel_coordinates.section(material(trials=searched(2))) is None


def test_sooner_draws_the_trials_that_none_beats_in_both() -> None:
    found = traces(time_trade_off.section(material(trials=searched(9))))["Pareto front"]
    assert list(found.x) == sorted(found.x)
    assert list(found.y) == sorted(found.y)


BOTH = Goal(metrics=("accuracy", "parameters"), directions=(Direction.MAXIMIZE, Direction.MINIMIZE))


def sized(*pairs: tuple[float, float]) -> list[TrialRecord]:
    return [
        trial(number, value=accuracy, metrics={"accuracy": accuracy, "parameters": float(size)})
        for number, (accuracy, size) in enumerate(pairs)
    ]


def test_trade_offs_are_for_several_metrics() -> None:
    assert trade_offs.section(material(trials=searched(3))) is None
    section = trade_offs.section(material(study(goal=BOTH), sized((0.9, 100), (0.8, 10), (0.7, 50))))
    assert section is not None
    assert (list(traces(section)["Pareto front"].x), list(traces(section)["complete"].x)) == ([10, 100], [50])
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert [row[:3] for row in table.rows] == [("0", "0.9000", "100"), ("1", "0.8000", "10")]


def test_a_trial_that_breaks_a_constraint_is_shown_as_such() -> None:
    goal = replace(BOTH, constraints=Goal.of("x", Direction.MAXIMIZE, "parameters <= 60").constraints)
    section = trade_offs.section(material(study(goal=goal), sized((0.9, 100), (0.8, 10), (0.7, 50))))
    assert "2 of 3 complete trials meet the constraints: parameters <= 60." in words(section)
    assert list(traces(section)["breaks a constraint"].x) == [100]


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_a_value_that_plain_optuna_kept_though_it_is_infinite_breaks_nothing(value: float) -> None:
    trials = [replace(each, config=Config({"x": each.number})) for each in valued(0.5, value, 0.6, 0.7)]
    made = material(study(space=None, spec={}, source={}), trials)
    assert optimization_history.section(made) is not None
    assert time_trade_off.section(made) is not None
