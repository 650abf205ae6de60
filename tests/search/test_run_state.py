"""What the controller remembers of a run."""

from datetime import timedelta

from fakes import metrics, ticking_clock

from tuner import Float, SearchSpace
from tuner.domain.trial import TrialRecord, TrialState
from tuner.search.run_state import RunState

SPACE = SearchSpace(x=Float(0, 1))
NOW = ticking_clock()()


def record(number: int, state: TrialState = TrialState.RUNNING, epochs: int = 0) -> TrialRecord:
    curve = dict.fromkeys(range(1, epochs + 1), 0.5)
    return TrialRecord(number=number, state=state, config=SPACE.default, curve=curve, epoch=min(epochs, 1))


def test_unfinished_trials_of_an_earlier_run_wait_in_their_order() -> None:
    state = RunState([record(0, TrialState.COMPLETE), record(1), record(2, TrialState.WAITING)], target=4)
    assert list(state.waiting) == [1, 2]
    assert state.running == ()
    assert (state.left, state.unfinished) == (1, 2)


def test_unfinished_trials_get_the_metrics_of_their_best_epoch_back() -> None:
    stored = {1: metrics(0.5), 2: metrics(0.25)}
    state = RunState([record(0, epochs=2)], {0: stored}, target=1)
    assert state.trial(0).metrics == metrics(0.5)
    assert state.metrics(0) == stored


def test_a_started_trial_is_a_member_of_its_cohort_until_it_finishes() -> None:
    state = RunState(target=2)
    state.start([record(1), record(0)], 7, NOW)
    assert [trial.number for trial in state.members(7)] == [0, 1]
    assert state.cohort_of(0) == 7
    assert state.seconds(0, NOW + timedelta(seconds=3)) == 3
    state.finish(record(0, TrialState.COMPLETE))
    assert not state.is_running(0)
    assert [trial.number for trial in state.members(7)] == [1]


def test_a_trial_that_is_put_back_is_the_first_that_waits_and_one_that_gathers_the_last() -> None:
    state = RunState([record(0, TrialState.WAITING)], target=3)
    state.start([record(1), record(2)], 1, NOW)
    state.requeue(record(1, TrialState.WAITING))
    state.enqueue(record(2, TrialState.WAITING))
    assert list(state.waiting) == [1, 0, 2]
    assert state.running == ()
    state.take([0])
    assert list(state.waiting) == [1, 2]


def test_a_cohort_has_the_shape_of_those_that_began_it_until_others_begin_it_anew() -> None:
    state = RunState(target=3)
    first, second, third = (SPACE.at({"x": x}) for x in (0.25, 0.5, 0.75))
    state.start([TrialRecord(number=0, state=TrialState.RUNNING, config=first)], 1, NOW)
    state.start([TrialRecord(number=1, state=TrialState.RUNNING, config=second)], 1, NOW)
    assert state.shape(1) == first
    for number in (0, 1):
        state.finish(record(number, TrialState.COMPLETE))
    state.start([TrialRecord(number=2, state=TrialState.RUNNING, config=third)], 1, NOW)
    assert state.shape(1) == third


def test_the_furthest_epoch_is_that_of_running_and_waiting_trials_only() -> None:
    state = RunState([record(0, TrialState.COMPLETE, epochs=9), record(1, TrialState.WAITING, epochs=2)], target=4)
    assert state.furthest == 2
    state.start([record(2, epochs=3)], 1, NOW)
    assert state.furthest == 3


def test_no_more_trials_are_wanted_at_the_target_or_from_an_exhausted_sampler() -> None:
    assert not RunState([record(0)], target=1).wants_trials
    state = RunState([record(0)], target=2)
    assert state.wants_trials
    state.exhaust()
    assert not state.wants_trials
