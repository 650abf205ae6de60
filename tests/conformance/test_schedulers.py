"""What every scheduler promises."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner import Decision, Float, SearchSpace
from tuner.domain.errors import ConfigurationError
from tuner.domain.scheduler import Scheduler
from tuner.domain.study import Component, Direction, StudySpec
from tuner.domain.study_folders import StudyFolders
from tuner.running.builder import build_components
from tuner.running.lookup import SCHEDULERS

EPOCHS = 12
NAMES = SCHEDULERS.names
PRUNING = [name for name in NAMES if SCHEDULERS[name].prunes]
EXPLOITING = [name for name in NAMES if SCHEDULERS[name].exploits]

Curves = Mapping[int, Mapping[int, float]]
"""What each trial measures at each of its epochs."""

Decisions = Mapping[tuple[int, int], Decision]

whole_numbers = st.integers(-8, 8).map(float)
curves_of_trials = st.lists(st.lists(whole_numbers, min_size=EPOCHS, max_size=EPOCHS), min_size=1, max_size=14).map(
    lambda curves: {number: dict(enumerate(curve, start=1)) for number, curve in enumerate(curves)}
)
generated = settings(max_examples=40, deadline=None, derandomize=True)


def make(name: str, direction: Direction = Direction.MAXIMIZE, seed: int = 0, epochs: int = EPOCHS) -> Scheduler:
    scheduler: Scheduler = SCHEDULERS[name](epochs, direction, seed)
    return scheduler


def one_after_the_other(curves: Curves) -> Iterator[tuple[int, int]]:
    yield from ((number, epoch) for number in curves for epoch in range(1, EPOCHS + 1))


def side_by_side(curves: Curves) -> Iterator[tuple[int, int]]:
    yield from ((number, epoch) for epoch in range(1, EPOCHS + 1) for number in curves)


def played(
    scheduler: Scheduler,
    curves: Curves,
    order: Callable[[Curves], Iterator[tuple[int, int]]] = side_by_side,
    sign: float = 1.0,
) -> Decisions:
    """Report the curves, judge every report as it comes, and end the trials that are to end."""
    decisions: dict[tuple[int, int], Decision] = {}
    over: set[int] = set()
    for number, epoch in order(curves):
        if number not in over:
            scheduler.record(number, epoch, sign * curves[number][epoch])
            decisions[number, epoch] = scheduler.decide(number, epoch)
            over |= {number} if decisions[number, epoch] is not Decision.CONTINUE else set()
    return decisions


def rising(trials: int) -> Curves:
    """Return curves of which each is worse than the one before it."""
    return {number: {epoch: epoch / 100 - number for epoch in range(1, EPOCHS + 1)} for number in range(trials)}


@pytest.mark.parametrize("name", NAMES)
def test_a_scheduler_is_a_final_member_that_says_whether_it_prunes(name: str) -> None:
    assert issubclass(SCHEDULERS[name], Scheduler)
    assert SCHEDULERS[name].__final__
    assert isinstance(SCHEDULERS[name].prunes, bool)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("order", [one_after_the_other, side_by_side])
@generated
@given(curves=curves_of_trials)
def test_a_scheduler_rebuilt_from_the_reports_decides_the_same(
    name: str, order: Callable[[Curves], Iterator[tuple[int, int]]], curves: Curves
) -> None:
    went_on = make(name)
    reports = played(went_on, curves, order)
    rebuilt = make(name)
    for number, epoch in sorted(reports):
        rebuilt.record(number, epoch, curves[number][epoch])
    assert {report: rebuilt.decide(*report) for report in reports} == {
        report: went_on.decide(*report) for report in reports
    }


@pytest.mark.parametrize("name", NAMES)
@generated
@given(curves=curves_of_trials)
def test_the_order_in_which_trials_report_an_epoch_makes_no_difference(name: str, curves: Curves) -> None:
    forwards, backwards = make(name), make(name)
    for epoch in range(1, EPOCHS + 1):
        for number in curves:
            forwards.record(number, epoch, curves[number][epoch])
        for number in sorted(curves, reverse=True):
            backwards.record(number, epoch, curves[number][epoch])
        assert [forwards.decide(number, epoch) for number in curves] == [
            backwards.decide(number, epoch) for number in curves
        ]


@pytest.mark.parametrize("name", NAMES)
@generated
@given(curves=curves_of_trials)
def test_deciding_changes_nothing(name: str, curves: Curves) -> None:
    asked, unasked = make(name), make(name)
    for number, epoch in side_by_side(curves):
        for scheduler in (asked, unasked):
            scheduler.record(number, epoch, curves[number][epoch])
        assert asked.decide(number, epoch) is asked.decide(number, epoch)
    assert [asked.decide(*report) for report in side_by_side(curves)] == [
        unasked.decide(*report) for report in side_by_side(curves)
    ]


@pytest.mark.parametrize("name", NAMES)
@generated
@given(curves=curves_of_trials)
def test_the_mirror_image_of_the_values_in_the_other_direction_gives_the_same_decisions(
    name: str, curves: Curves
) -> None:
    up, down = make(name, Direction.MAXIMIZE), make(name, Direction.MINIMIZE)
    assert played(up, curves) == played(down, curves, sign=-1.0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("order", [one_after_the_other, side_by_side])
@generated
@given(curves=curves_of_trials)
def test_a_trial_that_is_as_good_as_the_best_so_far_is_never_stopped(
    name: str, order: Callable[[Curves], Iterator[tuple[int, int]]], curves: Curves
) -> None:
    scheduler = make(name)
    best: dict[int, float] = defaultdict(lambda: float("-inf"))
    for number, epoch in order(curves):
        value = curves[number][epoch]
        scheduler.record(number, epoch, value)
        best[epoch] = max(best[epoch], value)
        if value >= max(best.values()):
            assert scheduler.decide(number, epoch) is not Decision.STOP


@pytest.mark.parametrize("name", NAMES)
@generated
@given(curves=curves_of_trials)
def test_a_trial_is_only_stopped_at_an_epoch_that_is_said_to_be_one_of_decision(name: str, curves: Curves) -> None:
    scheduler = make(name)
    for (number, epoch), decision in played(scheduler, curves).items():
        epochs = scheduler.decision_epochs(number)
        assert decision is Decision.CONTINUE or epochs is None or epoch in epochs


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("epochs", [4, 12, 100])
def test_epochs_of_decision_rise_and_lie_before_the_last(name: str, epochs: int) -> None:
    scheduler = make(name, epochs=epochs)
    for number in range(20):
        judged = scheduler.decision_epochs(number) or ()
        assert list(judged) == sorted({epoch for epoch in judged if 1 <= epoch < epochs})


@pytest.mark.parametrize("name", NAMES)
def test_a_scheduler_stops_poor_trials_if_and_only_if_it_says_that_it_prunes(name: str) -> None:
    decisions = played(make(name), rising(30))
    assert (Decision.STOP in decisions.values()) is SCHEDULERS[name].prunes


@pytest.mark.parametrize("name", NAMES)
def test_a_lone_trial_is_never_stopped(name: str) -> None:
    falling = {0: {epoch: -float(epoch) for epoch in range(1, EPOCHS + 1)}}
    assert Decision.STOP not in played(make(name), falling).values()


@pytest.mark.parametrize("name", NAMES)
def test_a_report_that_comes_twice_counts_once(name: str) -> None:
    curves = rising(20)
    once, twice = make(name), make(name)
    for number, epoch in side_by_side(curves):
        once.record(number, epoch, curves[number][epoch])
        twice.record(number, epoch, curves[number][epoch])
        twice.record(number, epoch, curves[number][epoch])
    assert [once.decide(*report) for report in side_by_side(curves)] == [
        twice.decide(*report) for report in side_by_side(curves)
    ]


@pytest.mark.parametrize("name", NAMES)
@generated
@given(reports=st.permutations([(number, epoch) for number in range(8) for epoch in range(1, EPOCHS + 1)]))
def test_late_reports_in_any_order_do_not_raise(name: str, reports: list[tuple[int, int]]) -> None:
    scheduler = make(name)
    for number, epoch in reports:
        scheduler.record(number, epoch, float(number))
        assert scheduler.decide(number, epoch) in Decision


@pytest.mark.parametrize("name", NAMES)
@generated
@given(curves=curves_of_trials, population=st.sets(st.integers(0, 13)))
def test_a_trial_only_goes_on_from_one_of_the_population_that_is_no_worse(
    name: str, curves: Curves, population: set[int]
) -> None:
    scheduler = make(name)
    present = population & curves.keys()
    for number, epoch in side_by_side(curves):
        scheduler.record(number, epoch, curves[number][epoch])
    for number in present:
        for epoch in scheduler.decision_epochs(number) or ():
            source = scheduler.source(number, epoch, present)
            assert source is None or source in present - {number}
            assert source is None or curves[source][epoch] >= curves[number][epoch]


@pytest.mark.parametrize("name", NAMES)
def test_trials_go_on_from_others_if_and_only_if_the_scheduler_says_that_it_exploits(name: str) -> None:
    curves = rising(20)
    scheduler = make(name)
    for number, epoch in side_by_side(curves):
        scheduler.record(number, epoch, curves[number][epoch])
    sources = {scheduler.source(number, epoch, curves) for number, epoch in side_by_side(curves)}
    assert (sources != {None}) is SCHEDULERS[name].exploits


@pytest.mark.parametrize("name", EXPLOITING)
@generated
@given(curves=curves_of_trials)
def test_a_rebuilt_scheduler_and_one_of_mirrored_values_name_the_same_sources(name: str, curves: Curves) -> None:
    went_on, rebuilt, mirrored = make(name), make(name), make(name, Direction.MINIMIZE)
    for number, epoch in side_by_side(curves):
        went_on.record(number, epoch, curves[number][epoch])
        mirrored.record(number, epoch, -curves[number][epoch])
    for number, epoch in one_after_the_other(curves):
        rebuilt.record(number, epoch, curves[number][epoch])
    for number, epoch in side_by_side(curves):
        source = went_on.source(number, epoch, curves)
        assert source == rebuilt.source(number, epoch, curves) == mirrored.source(number, epoch, curves)


@pytest.mark.parametrize("name", PRUNING)
def test_a_trial_that_came_late_is_judged_against_those_before_it(name: str) -> None:
    scheduler = make(name)
    curves = {**rising(1), **{number: rising(1)[0] for number in range(1, 40)}}
    played(scheduler, curves, one_after_the_other)
    late = {number: dict.fromkeys(range(1, EPOCHS + 1), -1.0) for number in range(40, 60)}
    assert Decision.STOP in played(scheduler, late, one_after_the_other).values()


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_is_refused_by_name(name: str, tmp_path: Path) -> None:
    spec = StudySpec(
        objective="supervised",
        search_space=SearchSpace(lr=Float(0, 1)),
        metric="accuracy",
        scheduler=Component(name=name, options={"no_such_option": 1}),
        settings={"dataset": "iris"},
    )
    with pytest.raises(ConfigurationError, match="scheduler: unknown option 'no_such_option'"):
        build_components(spec, tmp_path, StudyFolders.within(tmp_path))
