"""What every scheduler promises."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuner.domain.decision import Decision
from tuner.domain.scheduler import Scheduler
from tuner.domain.study import Direction

EPOCHS = 12

Curves = Mapping[int, Mapping[int, float]]
"""What each trial measures at each of its epochs."""

Decisions = Mapping[tuple[int, int], Decision]

_whole_numbers = st.integers(-8, 8).map(float)
_curves_of_trials = st.lists(st.lists(_whole_numbers, min_size=EPOCHS, max_size=EPOCHS), min_size=1, max_size=14).map(
    lambda curves: {number: dict(enumerate(curve, start=1)) for number, curve in enumerate(curves)}
)
_generated = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.differing_executors]
)


def _make(member: type[Scheduler], direction: Direction = Direction.MAXIMIZE, epochs: int = EPOCHS) -> Scheduler:
    return member(epochs, direction, 0)


def _one_after_the_other(curves: Curves) -> Iterator[tuple[int, int]]:
    yield from ((number, epoch) for number in curves for epoch in range(1, EPOCHS + 1))


def _side_by_side(curves: Curves) -> Iterator[tuple[int, int]]:
    yield from ((number, epoch) for epoch in range(1, EPOCHS + 1) for number in curves)


def _played(
    scheduler: Scheduler,
    curves: Curves,
    order: Callable[[Curves], Iterator[tuple[int, int]]] = _side_by_side,
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


def _rising(trials: int) -> Curves:
    """Return curves of which each is worse than the one before it."""
    return {number: {epoch: epoch / 100 - number for epoch in range(1, EPOCHS + 1)} for number in range(trials)}


class SchedulerConformance:
    """Tests of a class that inherits `tuner.Scheduler`."""

    scheduler: ClassVar[type[Scheduler]]
    """The class to test, with the defaults of its options."""

    def test_it_says_whether_it_prunes(self) -> None:
        assert issubclass(self.scheduler, Scheduler)
        assert isinstance(self.scheduler.prunes, bool)

    @pytest.mark.parametrize("order", [_one_after_the_other, _side_by_side])
    @_generated
    @given(curves=_curves_of_trials)
    def test_a_scheduler_rebuilt_from_the_reports_decides_the_same(
        self, order: Callable[[Curves], Iterator[tuple[int, int]]], curves: Curves
    ) -> None:
        went_on = _make(self.scheduler)
        reports = _played(went_on, curves, order)
        rebuilt = _make(self.scheduler)
        for number, epoch in sorted(reports):
            rebuilt.record(number, epoch, curves[number][epoch])
        assert {report: rebuilt.decide(*report) for report in reports} == {
            report: went_on.decide(*report) for report in reports
        }

    @_generated
    @given(curves=_curves_of_trials)
    def test_the_order_in_which_trials_report_an_epoch_makes_no_difference(self, curves: Curves) -> None:
        forwards, backwards = _make(self.scheduler), _make(self.scheduler)
        for epoch in range(1, EPOCHS + 1):
            for number in curves:
                forwards.record(number, epoch, curves[number][epoch])
            for number in sorted(curves, reverse=True):
                backwards.record(number, epoch, curves[number][epoch])
            assert [forwards.decide(number, epoch) for number in curves] == [
                backwards.decide(number, epoch) for number in curves
            ]

    @_generated
    @given(curves=_curves_of_trials)
    def test_one_that_compares_several_metrics_decides_the_same_when_it_is_rebuilt(self, curves: Curves) -> None:
        if not self.scheduler.compares_several:
            return
        went_on, rebuilt = _make(self.scheduler), _make(self.scheduler)
        merits = {each: (curves[each[0]][each[1]], float(-each[0] % 3)) for each in _side_by_side(curves)}
        for (number, epoch), both in merits.items():
            went_on.record_several(number, epoch, both)
        for (number, epoch), both in sorted(merits.items()):
            rebuilt.record_several(number, epoch, both)
        assert [went_on.decide(*each) for each in merits] == [rebuilt.decide(*each) for each in merits]

    @_generated
    @given(curves=_curves_of_trials)
    def test_deciding_changes_nothing(self, curves: Curves) -> None:
        asked, unasked = _make(self.scheduler), _make(self.scheduler)
        for number, epoch in _side_by_side(curves):
            for scheduler in (asked, unasked):
                scheduler.record(number, epoch, curves[number][epoch])
            assert asked.decide(number, epoch) is asked.decide(number, epoch)
        assert [asked.decide(*report) for report in _side_by_side(curves)] == [
            unasked.decide(*report) for report in _side_by_side(curves)
        ]

    @_generated
    @given(curves=_curves_of_trials)
    def test_the_mirror_image_of_the_values_in_the_other_direction_gives_the_same_decisions(
        self, curves: Curves
    ) -> None:
        up, down = _make(self.scheduler, Direction.MAXIMIZE), _make(self.scheduler, Direction.MINIMIZE)
        assert _played(up, curves) == _played(down, curves, sign=-1.0)

    @pytest.mark.parametrize("order", [_one_after_the_other, _side_by_side])
    @_generated
    @given(curves=_curves_of_trials)
    def test_a_trial_that_is_as_good_as_the_best_so_far_is_never_stopped(
        self, order: Callable[[Curves], Iterator[tuple[int, int]]], curves: Curves
    ) -> None:
        scheduler = _make(self.scheduler)
        best: dict[int, float] = defaultdict(lambda: float("-inf"))
        for number, epoch in order(curves):
            value = curves[number][epoch]
            scheduler.record(number, epoch, value)
            best[epoch] = max(best[epoch], value)
            if value >= max(best.values()):
                assert scheduler.decide(number, epoch) is not Decision.STOP

    @_generated
    @given(curves=_curves_of_trials)
    def test_a_trial_is_only_stopped_at_an_epoch_that_is_said_to_be_one_of_decision(self, curves: Curves) -> None:
        scheduler = _make(self.scheduler)
        for (number, epoch), decision in _played(scheduler, curves).items():
            epochs = scheduler.decision_epochs(number)
            assert decision is Decision.CONTINUE or epochs is None or epoch in epochs

    @pytest.mark.parametrize("epochs", [4, 12, 100])
    def test_epochs_of_decision_rise_and_lie_before_the_last(self, epochs: int) -> None:
        scheduler = _make(self.scheduler, epochs=epochs)
        for number in range(20):
            judged = scheduler.decision_epochs(number) or ()
            assert list(judged) == sorted({epoch for epoch in judged if 1 <= epoch < epochs})

    def test_a_scheduler_stops_poor_trials_if_and_only_if_it_says_that_it_prunes(self) -> None:
        decisions = _played(_make(self.scheduler), _rising(30))
        assert (Decision.STOP in decisions.values()) is self.scheduler.prunes

    def test_a_lone_trial_is_never_stopped(self) -> None:
        falling = {0: {epoch: -float(epoch) for epoch in range(1, EPOCHS + 1)}}
        assert Decision.STOP not in _played(_make(self.scheduler), falling).values()

    def test_a_report_that_comes_twice_counts_once(self) -> None:
        curves = _rising(20)
        once, twice = _make(self.scheduler), _make(self.scheduler)
        for number, epoch in _side_by_side(curves):
            once.record(number, epoch, curves[number][epoch])
            twice.record(number, epoch, curves[number][epoch])
            twice.record(number, epoch, curves[number][epoch])
        assert [once.decide(*report) for report in _side_by_side(curves)] == [
            twice.decide(*report) for report in _side_by_side(curves)
        ]

    @_generated
    @given(reports=st.permutations([(number, epoch) for number in range(8) for epoch in range(1, EPOCHS + 1)]))
    def test_late_reports_in_any_order_do_not_raise(self, reports: list[tuple[int, int]]) -> None:
        scheduler = _make(self.scheduler)
        for number, epoch in reports:
            scheduler.record(number, epoch, float(number))
            assert scheduler.decide(number, epoch) in Decision

    @_generated
    @given(curves=_curves_of_trials, population=st.sets(st.integers(0, 13)))
    def test_a_trial_only_goes_on_from_one_of_the_population_that_is_no_worse(
        self, curves: Curves, population: set[int]
    ) -> None:
        scheduler = _make(self.scheduler)
        present = population & curves.keys()
        for number, epoch in _side_by_side(curves):
            scheduler.record(number, epoch, curves[number][epoch])
        for number in present:
            for epoch in scheduler.decision_epochs(number) or ():
                source = scheduler.source(number, epoch, present)
                assert source is None or source in present - {number}
                assert source is None or curves[source][epoch] >= curves[number][epoch]

    def test_trials_go_on_from_others_if_and_only_if_the_scheduler_says_that_it_exploits(self) -> None:
        curves = _rising(20)
        scheduler = _make(self.scheduler)
        for number, epoch in _side_by_side(curves):
            scheduler.record(number, epoch, curves[number][epoch])
        sources = {scheduler.source(number, epoch, curves) for number, epoch in _side_by_side(curves)}
        assert (sources != {None}) is self.scheduler.exploits

    @_generated
    @given(curves=_curves_of_trials)
    def test_a_rebuilt_scheduler_and_one_of_mirrored_values_name_the_same_sources(self, curves: Curves) -> None:
        if not self.scheduler.exploits:
            return
        went_on, rebuilt, mirrored = (
            _make(self.scheduler),
            _make(self.scheduler),
            _make(self.scheduler, Direction.MINIMIZE),
        )
        for number, epoch in _side_by_side(curves):
            went_on.record(number, epoch, curves[number][epoch])
            mirrored.record(number, epoch, -curves[number][epoch])
        for number, epoch in _one_after_the_other(curves):
            rebuilt.record(number, epoch, curves[number][epoch])
        for number, epoch in _side_by_side(curves):
            source = went_on.source(number, epoch, curves)
            assert source == rebuilt.source(number, epoch, curves) == mirrored.source(number, epoch, curves)

    def test_a_trial_that_came_late_is_judged_against_those_before_it(self) -> None:
        if not self.scheduler.prunes:
            return
        scheduler = _make(self.scheduler)
        curves = {**_rising(1), **{number: _rising(1)[0] for number in range(1, 40)}}
        _played(scheduler, curves, _one_after_the_other)
        late = {number: dict.fromkeys(range(1, EPOCHS + 1), -1.0) for number in range(40, 60)}
        assert Decision.STOP in _played(scheduler, late, _one_after_the_other).values()
