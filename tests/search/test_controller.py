import itertools
from collections.abc import Mapping

import pytest
from fakes import MAXIMIZED, FakeJournal, FakeListener, FakeSampler, FakeScheduler, metrics, ticking_clock

from tuner import Choice, Decision, Float, Int, SearchSpace
from tuner.domain.assignment import Answer, Work, WorkKind
from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError
from tuner.domain.event import EventKind
from tuner.domain.goal import PARAMETERS, Goal
from tuner.domain.run_controller import StopCause
from tuner.domain.study import Direction
from tuner.domain.trial import Failure, FailureReason, Report, TrialState
from tuner.search.cohort_policy import Cohorts, KeyOf
from tuner.search.controller import MAX_RETRIES, Controller, Plan

SPACE = SearchSpace(x=Float(0, 1))
HALVES = SearchSpace(half=Choice("lower", "upper"), x=Float(0, 1))


class Bench:
    """A controller with fakes around it."""

    def __init__(
        self,
        trials: int = 3,
        max_epochs: int = 3,
        *,
        tests: bool = False,
        before: "Bench | None" = None,
        cohort: int = 1,
        key_of: KeyOf = lambda _: (),
        grows: bool = False,
        trial_seconds: float | None = None,
        goal: Goal = MAXIMIZED,
        stops_hopeless: bool = True,
        space: SearchSpace = SPACE,
    ) -> None:
        self.sampler = FakeSampler(space)
        self.scheduler = FakeScheduler()
        self.journal: FakeJournal = before.journal if before else FakeJournal()
        self.listener = FakeListener()
        plan = Plan(
            trials=trials,
            max_epochs=max_epochs,
            goal=goal,
            stops_hopeless=stops_hopeless,
            seed=0,
            default=space.default,
            tests=tests,
            grows=grows,
            trial_seconds=trial_seconds,
        )
        self.controller = Controller(
            plan,
            sampler=self.sampler,
            scheduler=self.scheduler,
            cohorts=Cohorts(space, key_of, size=cohort, trials=trials),
            journal=self.journal,
            now=ticking_clock(),
            listeners=[self.listener],
            trials=tuple(self.journal.trials.values()),
        )

    def take(self) -> Work:
        work = self.controller.next_work()
        assert work is not None
        return work

    def report(self, number: int, epoch: int, value: float) -> frozenset[int]:
        return self.report_all({number: value}, epoch).leaving

    def report_all(self, values: Mapping[int, float], epoch: int, *, admits: bool = True) -> Answer:
        """Report what the members of one cohort measured."""
        reports = [Report(number=number, epoch=epoch, metrics=metrics(value)) for number, value in values.items()]
        return self.controller.report(reports, admits=admits)

    def state(self, number: int) -> TrialState:
        return self.journal.trials[number].state


def failed(number: int, reason: FailureReason = FailureReason.RAISED) -> Report:
    return Report(number=number, epoch=0, failure=Failure(reason=reason, message="it broke"))


def test_trial_0_is_the_default_configuration() -> None:
    bench = Bench()
    (member,) = bench.take().members
    assert member.number == 0
    assert member.config == SPACE.default


def test_a_trial_is_stored_before_it_is_handed_out() -> None:
    bench = Bench()
    bench.take()
    assert bench.state(0) is TrialState.RUNNING


def test_the_target_counts_every_trial_whatever_became_of_it() -> None:
    bench = Bench(trials=2)
    bench.take()
    bench.take()
    assert bench.controller.next_work() is None
    bench.controller.report([failed(0)])
    bench.controller.report([failed(1)])
    assert bench.controller.is_finished
    assert len(bench.journal.trials) == 2


def test_all_reports_of_an_epoch_are_recorded_before_any_is_decided() -> None:
    bench = Bench(cohort=2)
    bench.take()
    bench.report_all({0: 0.5, 1: 0.5}, epoch=1)
    assert bench.scheduler.calls == [("record", 0, 1), ("record", 1, 1), ("decide", 0, 1), ("decide", 1, 1)]


def test_the_reports_of_a_cohorts_epoch_are_one_transaction() -> None:
    bench = Bench(cohort=2)
    bench.take()
    before = len(bench.journal.transactions)
    bench.report_all({0: 0.5, 1: 0.5}, epoch=1)
    assert len(bench.journal.transactions) == before + 1


def test_a_stopped_trial_leaves_and_is_pruned_with_its_best_value() -> None:
    bench = Bench()
    bench.take()
    bench.take()
    bench.scheduler.answers[1, 2] = Decision.STOP
    assert bench.report(1, 1, 0.9) == frozenset()
    assert bench.report(1, 2, 0.4) == {1}
    trial = bench.journal.trials[1]
    assert (trial.state, trial.value, trial.epoch) == (TrialState.PRUNED, 0.9, 1)
    assert trial.metrics == metrics(0.9)


def test_the_default_configuration_is_never_stopped_early() -> None:
    bench = Bench()
    bench.take()
    bench.scheduler.answers[0, 1] = Decision.STOP
    assert bench.report(0, 1, 0.0) == frozenset()


def test_a_trial_that_has_converged_is_complete() -> None:
    bench = Bench()
    bench.take()
    bench.scheduler.answers[0, 2] = Decision.FINISH
    bench.report(0, 1, 0.9)
    assert bench.report(0, 2, 0.9) == {0}
    assert bench.state(0) is TrialState.COMPLETE


def test_the_last_epoch_completes_a_trial_without_asking_the_scheduler() -> None:
    bench = Bench(max_epochs=1)
    bench.take()
    assert bench.report(0, 1, 0.7) == {0}
    assert bench.state(0) is TrialState.COMPLETE
    assert ("decide", 0, 1) not in bench.scheduler.calls


def test_a_trial_that_ends_by_itself_is_complete_if_it_measured_anything() -> None:
    bench = Bench(cohort=2)
    bench.take()
    bench.report(0, 1, 0.7)
    bench.controller.report([Report(number=0, epoch=1), Report(number=1, epoch=0)])
    assert bench.state(0) is TrialState.COMPLETE
    failure = bench.journal.trials[1].failure
    assert failure is not None
    assert failure.reason is FailureReason.NO_METRICS


def test_a_failure_fails_its_trial_and_never_the_study() -> None:
    bench = Bench()
    bench.take()
    assert bench.controller.report([failed(0)]).leaving == {0}
    assert bench.state(0) is TrialState.FAIL
    assert bench.take().numbers == {1}


def test_a_metric_that_the_first_report_lacks_ends_the_study() -> None:
    bench = Bench()
    bench.take()
    with pytest.raises(ConfigurationError, match="it broke"):
        bench.controller.report([failed(0, FailureReason.MISSING_METRIC)])


def test_a_metric_that_a_later_trial_lacks_fails_that_trial() -> None:
    bench = Bench()
    bench.take()
    bench.take()
    bench.report(0, 1, 0.5)
    bench.controller.report([failed(1, FailureReason.MISSING_METRIC)])
    assert bench.state(1) is TrialState.FAIL


def test_a_repeated_epoch_changes_nothing() -> None:
    bench = Bench()
    bench.take()
    bench.report(0, 1, 0.5)
    transactions = len(bench.journal.transactions)
    assert bench.report(0, 1, 0.9) == frozenset()
    assert bench.journal.trials[0].curve == {1: 0.5}
    assert sum(map(len, bench.journal.transactions[transactions:])) == 0


def test_a_report_of_a_trial_that_is_over_is_ignored() -> None:
    bench = Bench(max_epochs=1)
    bench.take()
    bench.report(0, 1, 0.5)
    bench.report(0, 2, 0.9)
    assert bench.journal.trials[0].curve == {1: 0.5}


def test_a_lost_trial_is_handed_out_again_from_where_it_was_recorded() -> None:
    bench = Bench()
    work = bench.take()
    bench.report(0, 1, 0.5)
    bench.controller.lost(work, "its worker died")
    assert bench.state(0) is TrialState.WAITING
    (member,) = bench.take().members
    assert (member.number, member.epoch, member.best_epoch, member.best) == (0, 1, 1, 0.5)
    assert bench.state(0) is TrialState.RUNNING
    assert EventKind.LOST in [event.kind for event in bench.listener.events]


def test_a_trial_that_keeps_losing_its_worker_fails() -> None:
    bench = Bench()
    for _ in range(MAX_RETRIES + 1):
        bench.controller.lost(bench.take(), "its worker died")
    failure = bench.journal.trials[0].failure
    assert failure is not None
    assert failure.reason is FailureReason.WORKER_LOST
    assert bench.take().numbers == {1}


def test_after_a_stop_nothing_is_handed_out_and_running_trials_wait() -> None:
    bench = Bench()
    bench.take()
    bench.controller.stop(StopCause.INTERRUPT)
    assert bench.controller.next_work() is None
    assert not bench.controller.is_finished
    assert bench.report(0, 1, 0.5) == {0}
    assert bench.state(0) is TrialState.WAITING
    assert bench.controller.is_finished
    assert bench.controller.stop_cause is StopCause.INTERRUPT


@pytest.mark.parametrize("cause", [StopCause.TERMINATE, StopCause.INTERRUPT])
def test_what_fails_once_a_signal_stops_the_run_goes_on_later(cause: StopCause) -> None:
    bench = Bench(trials=2)
    bench.take()
    lost = bench.take()
    for _ in range(MAX_RETRIES):
        bench.controller.lost(lost, "its worker died")
        lost = bench.take()
    bench.controller.stop(cause)
    answer = bench.controller.report([failed(0)])
    assert (answer.suspended, answer.is_over) == (frozenset({0}), True)
    bench.controller.lost(lost, "its worker died")
    assert [bench.state(number) for number in (0, 1)] == [TrialState.WAITING] * 2
    assert bench.controller.is_finished


def test_a_test_that_a_signal_ends_is_done_again_later() -> None:
    bench = Bench(trials=1, max_epochs=1, tests=True)
    bench.take()
    bench.report(0, 1, 0.5)
    test = bench.take()
    bench.controller.stop(StopCause.TERMINATE)
    bench.controller.tested(test, Failure(reason=FailureReason.RAISED, message="SystemExit: 1"))
    assert bench.journal.notes == {}
    assert bench.controller.is_finished


def test_the_first_cause_of_a_stop_stands() -> None:
    bench = Bench()
    bench.controller.stop(StopCause.TIME)
    bench.controller.stop(StopCause.TERMINATE)
    assert bench.controller.stop_cause is StopCause.TIME


def test_abandoning_puts_everything_that_runs_back() -> None:
    bench = Bench()
    bench.take()
    bench.take()
    bench.controller.abandon()
    assert {bench.state(0), bench.state(1)} == {TrialState.WAITING}


def test_a_resumed_study_goes_on_with_its_unfinished_trials_first() -> None:
    first = Bench()
    first.take()
    first.take()
    first.report(1, 1, 0.5)
    second = Bench(before=first)
    assert second.take().numbers == {0}
    (member,) = second.take().members
    assert (member.number, member.epoch) == (1, 1)
    assert second.take().numbers == {2}
    assert second.controller.next_work() is None


def test_a_resumed_study_replays_what_was_stored() -> None:
    first = Bench()
    first.take()
    first.report(0, 1, 0.5)
    first.report(0, 2, 0.6)
    second = Bench(before=first)
    assert second.scheduler.calls == [("record", 0, 1), ("record", 0, 2)]
    assert [trial.number for trial in second.sampler.observed] == [0]


def test_a_trial_has_the_same_seed_whenever_it_runs() -> None:
    first = Bench()
    seed = first.take().members[0].seed
    assert Bench(before=first).take().members[0].seed == seed
    assert first.take().members[0].seed != seed


def test_an_exhausted_sampler_ends_the_study_before_its_target() -> None:
    bench = Bench(trials=10)
    bench.sampler.limit = 0
    bench.take()
    assert bench.controller.next_work() is None
    bench.controller.report([failed(0)])
    assert bench.controller.is_finished


def test_the_best_trial_is_tested_once_when_all_else_is_done() -> None:
    bench = Bench(trials=2, max_epochs=1, tests=True)
    bench.take()
    bench.take()
    bench.report(0, 1, 0.5)
    assert bench.controller.next_work() is None
    bench.report(1, 1, 0.9)
    assert not bench.controller.is_finished
    work = bench.take()
    assert work.kind is WorkKind.TEST
    assert work.numbers == {1}
    assert bench.controller.next_work() is None
    bench.controller.tested(work, metrics(0.8))
    assert bench.journal.notes == {"test": {"number": 1, "metrics": metrics(0.8)}}
    assert bench.controller.is_finished
    assert bench.listener.events[-1].kind is EventKind.TESTED


def test_each_epoch_is_told_with_all_that_was_measured() -> None:
    bench = Bench(trials=1, max_epochs=2)
    bench.take()
    bench.report(0, 1, 0.5)
    bench.report(0, 2, 0.75)
    told = [(event.kind, event.report.epoch, event.report.metrics) for event in bench.listener.events if event.report]
    assert told == [(EventKind.REPORTED, 1, metrics(0.5)), (EventKind.FINISHED, 2, metrics(0.75))]


def test_a_test_that_fails_is_noted_and_ends_the_study() -> None:
    bench = Bench(trials=1, max_epochs=1, tests=True)
    bench.take()
    bench.report(0, 1, 0.5)
    bench.controller.lost(bench.take(), "its worker died")
    assert bench.journal.notes["test"]["failure"] == "its worker died"
    assert bench.controller.is_finished


def test_an_objective_without_test_data_is_asked_once_and_has_no_test_metrics() -> None:
    bench = Bench(trials=1, max_epochs=1, tests=True)
    bench.take()
    bench.report(0, 1, 0.5)
    bench.controller.tested(bench.take(), None)
    assert bench.journal.notes["test"] == {"number": 0}
    assert bench.controller.is_finished


def halves(config: Config) -> str:
    """Two shapes: the lower and the upper half of the space."""
    return str(config["half"])


def test_a_cohort_is_of_one_shape_and_stored_in_one_transaction() -> None:
    bench = Bench(trials=8, cohort=4, key_of=halves, space=HALVES)
    work = bench.take()
    assert {halves(member.config) for member in work.members} == {halves(HALVES.default)}
    assert len(bench.journal.transactions) == 1


def test_what_makes_the_shape_is_held_and_everything_else_varies() -> None:
    space = SearchSpace(width=Int(1, 9), lr=Float(0, 1))
    cohorts = Cohorts(space, lambda config: config["width"], size=4, trials=8)
    assert cohorts.held(space.default) == {"width": 5}


def test_a_proposal_of_another_shape_waits_for_a_cohort_of_its_own() -> None:
    bench = Bench(trials=6, cohort=6, key_of=lambda config: config["x"] > 0.9)
    bench.sampler.ignores_held = True
    seen: list[int] = []
    while not bench.controller.is_finished:
        work = bench.take()
        seen += sorted(work.numbers)
        assert len({member.config["x"] > 0.9 for member in work.members}) == 1
        for epoch in (1, 2, 3):
            bench.report_all(dict.fromkeys(work.numbers, 0.5), epoch)
    assert sorted(seen) == list(range(6))


def test_a_free_place_goes_to_a_new_trial_of_the_same_shape() -> None:
    bench = Bench(trials=40, cohort=3, grows=True)
    bench.take()
    bench.scheduler.answers[1, 1] = Decision.STOP
    answer = bench.report_all({0: 0.5, 1: 0.4, 2: 0.6}, epoch=1)
    assert answer.leaving == {1}
    assert [member.number for member in answer.joining] == [3]
    assert bench.state(3) is TrialState.RUNNING
    assert not answer.is_over


def test_a_worker_that_is_to_be_replaced_finishes_its_trials_and_is_given_none() -> None:
    bench = Bench(trials=40, cohort=2, grows=True)
    bench.take()
    bench.scheduler.answers[1, 1] = Decision.STOP
    answer = bench.report_all({0: 0.5, 1: 0.4}, epoch=1, admits=False)
    assert answer.leaving == {1}
    assert answer.joining == ()
    assert not answer.is_over
    assert bench.report_all({0: 0.6}, epoch=3, admits=False).is_over
    assert bench.take().numbers == {2, 3}


def test_a_cohort_that_cannot_grow_runs_empty() -> None:
    bench = Bench(trials=5, cohort=2)
    bench.take()
    bench.scheduler.answers[1, 1] = Decision.STOP
    assert bench.report_all({0: 0.5, 1: 0.4}, epoch=1).joining == ()


def test_a_cohort_is_over_when_nobody_is_left_or_joins() -> None:
    bench = Bench(trials=2, cohort=2, grows=True)
    bench.take()
    assert not bench.report_all({0: 0.5, 1: 0.4}, epoch=2).is_over
    assert bench.report_all({0: 0.5, 1: 0.4}, epoch=3).is_over


def lasting(bench: Bench, members: frozenset[int], reports: int) -> tuple[list[int], list[int]]:
    """Report a cohort's epochs, of which each member needs three, and return how many and who it has had."""
    sizes, epochs, seen = [], dict.fromkeys(members, 0), sorted(members)
    for _ in range(reports):
        sizes.append(len(epochs))
        epochs = {number: epoch + 1 for number, epoch in epochs.items()}
        answer = bench.controller.report(
            [Report(number=number, epoch=epoch, metrics=metrics(0.5)) for number, epoch in epochs.items()]
        )
        epochs = {number: epoch for number, epoch in epochs.items() if number not in answer.leaving}
        epochs |= {member.number: 0 for member in answer.joining}
        seen += sorted(member.number for member in answer.joining)
        if answer.is_over or bench.controller.trials[-1].state is TrialState.WAITING:
            break
    return sizes, seen


def test_where_a_space_has_one_shape_no_trial_is_trained_alone() -> None:
    bench = Bench(trials=40, cohort=4, grows=True)
    trained: list[int] = []
    while (work := bench.controller.next_work()) is not None:
        sizes, seen = lasting(bench, work.numbers, 999)
        assert set(sizes) == {4}
        trained += seen
    assert trained == list(range(40))


def test_the_sampler_is_asked_for_a_shape_again_and_again_and_a_trial_of_another_one_waits() -> None:
    bench = Bench(trials=64, cohort=3, key_of=halves, space=HALVES, grows=True)
    bench.scheduler.answers = {(number, 1): Decision.STOP for number in range(1, 64, 3)}
    lasting(bench, bench.take().numbers, 200)
    *trained, waiting = bench.controller.trials
    assert waiting.state is TrialState.WAITING
    assert {halves(trial.config) for trial in trained} == {"lower"}
    assert halves(waiting.config) == "upper"
    assert len(trained) % (64 / 8) == 0


def test_a_cohort_of_one_is_followed_by_whatever_the_sampler_says() -> None:
    bench = Bench(trials=64, cohort=1, key_of=lambda config: config["x"], grows=True)
    cohorts: list[list[int]] = []
    while (work := bench.controller.next_work()) is not None:
        sizes, seen = lasting(bench, work.numbers, 999)
        assert set(sizes) == {1}
        cohorts.append(seen)
    assert cohorts == [[*range(64)]]
    free = FakeSampler(SPACE)
    assert [trial.config for trial in bench.controller.trials[1:]] == [free.suggest(number) for number in range(1, 64)]


def test_members_that_do_not_fit_into_memory_go_on_in_halves() -> None:
    bench = Bench(trials=4, cohort=4)
    bench.take()
    answer = bench.controller.report([failed(number, FailureReason.OUT_OF_MEMORY) for number in range(4)])
    assert answer.is_over
    assert [sorted(bench.take().numbers) for _ in range(2)] == [[0, 1], [2, 3]]
    assert list(bench.journal.notes["cohorts"].values()) == [2]


def test_a_trial_that_does_not_fit_into_memory_alone_fails() -> None:
    bench = Bench(trials=1)
    bench.take()
    bench.controller.report([failed(0, FailureReason.OUT_OF_MEMORY)])
    assert bench.state(0) is TrialState.FAIL


def test_the_members_of_a_cohort_that_fails_as_a_whole_go_on_alone() -> None:
    bench = Bench(trials=3, cohort=3)
    bench.take()
    bench.report_all({0: 0.1, 1: 0.1, 2: 0.1}, epoch=1)
    bench.controller.report([failed(number, FailureReason.COHORT_RAISED) for number in range(3)])
    works = [bench.take() for _ in range(3)]
    assert [work.numbers for work in works] == [{0}, {1}, {2}]
    assert [member.epoch for work in works for member in work.members] == [1, 1, 1]
    bench.controller.report([failed(1)])
    assert bench.state(1) is TrialState.FAIL
    assert bench.state(0) is TrialState.RUNNING


def test_a_lost_worker_gives_every_member_back_those_who_joined_too() -> None:
    bench = Bench(trials=32, cohort=2, grows=True)
    work = bench.take()
    bench.report_all({0: 0.5, 1: 0.5}, epoch=3)
    bench.controller.lost(work, "its worker died")
    assert bench.take().numbers == {2, 3}


def test_a_stopping_study_suspends_a_cohort_and_lets_nobody_join() -> None:
    bench = Bench(trials=8, cohort=2, grows=True)
    bench.take()
    bench.scheduler.answers[1, 1] = Decision.STOP
    bench.controller.stop(StopCause.INTERRUPT)
    answer = bench.report_all({0: 0.5, 1: 0.4}, epoch=1)
    assert answer.suspended == {0}
    assert answer.leaving == {0, 1}
    assert answer.joining == ()
    assert answer.is_over


def test_a_resumed_cohort_has_the_members_it_would_have_had() -> None:
    def run(bench: Bench, steps: int) -> list[frozenset[int]]:
        """Advance one cohort after the other, each member by an epoch, and return who was trained together."""
        together = []
        epochs = {number: trial.last_epoch for number, trial in bench.journal.trials.items()}
        members: set[int] = set()
        for _ in range(steps):
            if not members:
                work = bench.controller.next_work()
                if work is None:
                    break
                members = set(work.numbers)
            together.append(frozenset(members))
            reports = []
            for number in sorted(members):
                epochs[number] = epochs.get(number, 0) + 1
                reports.append(Report(number=number, epoch=epochs[number], metrics=metrics(number / 100)))
            answer = bench.controller.report(reports)
            members = members - answer.leaving | {member.number for member in answer.joining}
        return together

    def bench(before: Bench | None = None) -> Bench:
        made = Bench(trials=48, cohort=3, grows=True, before=before, key_of=halves, space=HALVES)
        made.scheduler.answers = {(number, 1): Decision.STOP for number in range(1, 48, 3)}
        return made

    whole = run(bench(), 999)
    assert any(later - sooner and later & sooner for sooner, later in itertools.pairwise(whole))
    for steps in range(1, len(whole)):
        first = bench()
        begun = run(first, steps)
        first.controller.stop(StopCause.INTERRUPT)
        first.controller.abandon()
        assert begun + run(bench(first), 999) == whole


TOO_LATE = Failure(reason=FailureReason.TIMEOUT, message="it reported nothing")


def test_a_trial_whose_worker_was_ended_because_of_a_limit_fails_and_is_not_tried_again() -> None:
    bench = Bench(trials=2)
    work = bench.take()
    bench.report(0, 1, 0.5)
    bench.controller.overran(work, TOO_LATE)
    assert bench.state(0) is TrialState.FAIL
    assert bench.journal.trials[0].failure == TOO_LATE
    assert bench.take().numbers == {1}


def test_of_a_cohort_that_was_ended_because_of_a_limit_each_goes_on_alone() -> None:
    bench = Bench(trials=3, cohort=3)
    work = bench.take()
    bench.report_all({0: 0.1, 1: 0.2, 2: 0.3}, epoch=1)
    bench.controller.overran(work, TOO_LATE)
    works = [bench.take() for _ in range(3)]
    assert [[(member.number, member.epoch) for member in each.members] for each in works] == [
        [(0, 1)],
        [(1, 1)],
        [(2, 1)],
    ]
    bench.controller.overran(works[1], TOO_LATE)
    assert [bench.state(number) for number in range(3)] == [TrialState.RUNNING, TrialState.FAIL, TrialState.RUNNING]


def test_a_cohort_beyond_its_memory_goes_on_in_halves() -> None:
    bench = Bench(trials=4, cohort=4)
    bench.controller.overran(bench.take(), Failure(reason=FailureReason.MEMORY_LIMIT, message="5 GiB"))
    assert [sorted(bench.take().numbers) for _ in range(2)] == [[0, 1], [2, 3]]


def test_a_test_that_was_ended_because_of_a_limit_is_noted_as_failed() -> None:
    bench = Bench(trials=1, max_epochs=1, tests=True)
    bench.take()
    bench.report(0, 1, 0.5)
    bench.controller.overran(bench.take(), TOO_LATE)
    assert bench.journal.notes["test"] == {"number": 0, "failure": "it reported nothing"}
    assert bench.controller.is_finished


def test_a_trial_that_takes_too_long_in_all_fails_but_a_finished_one_is_never_too_late() -> None:
    bench = Bench(trials=2, max_epochs=9, trial_seconds=3)
    bench.take()
    for epoch in range(1, 9):
        bench.report(0, epoch, 0.5)
    failure = bench.journal.trials[0].failure
    assert failure is not None
    assert failure.reason is FailureReason.TIMEOUT
    assert "limits.time" in failure.message
    patient = Bench(trials=1, max_epochs=1, trial_seconds=0)
    patient.take()
    patient.report(0, 1, 0.5)
    assert patient.state(0) is TrialState.COMPLETE


def test_five_trials_that_fail_alike_end_the_study() -> None:
    bench = Bench(trials=30)
    for number in range(5):
        assert bench.controller.stop_cause is None
        bench.take()
        bench.controller.report([failed(number)])
    assert bench.controller.stop_cause is StopCause.FAILURES
    assert bench.controller.next_work() is None
    assert bench.controller.is_finished


def test_members_that_train_on_keep_a_study_whose_first_five_members_fail_from_ending() -> None:
    bench = Bench(trials=30, cohort=8)
    work = bench.take()
    healthy = [Report(number=number, epoch=1, metrics=metrics(0.5)) for number in (5, 6, 7)]
    bench.controller.report([*map(failed, range(5)), *healthy])
    assert bench.controller.stop_cause is None
    assert [number for number in work.numbers if not bench.state(number).is_finished] == [5, 6, 7]


def test_members_that_a_broken_cohort_has_put_back_are_tried_before_the_study_ends() -> None:
    bench = Bench(trials=8, max_epochs=1, cohort=8)
    work = bench.take()
    bench.controller.report([failed(number, FailureReason.COHORT_RAISED) for number in work.numbers])
    for number in range(5):
        assert bench.take().numbers == {number}
        bench.controller.report([failed(number)])
    for number in range(5, 8):
        assert bench.take().numbers == {number}
        bench.report(number, 1, 0.5)
    assert bench.controller.stop_cause is None
    assert bench.controller.is_finished


def test_what_failed_before_a_resumption_is_forgiven() -> None:
    before = Bench(trials=30)
    for number in range(5):
        before.take()
        before.controller.report([failed(number)])
    bench = Bench(trials=30, before=before)
    bench.take()
    bench.controller.report([failed(5)])
    assert bench.controller.stop_cause is None


def test_what_a_worker_notes_is_told_once() -> None:
    bench = Bench()
    bench.take()
    for epoch in (1, 2):
        bench.controller.report([Report(number=0, epoch=epoch, metrics=metrics(0.5), note="epoch-000002 is damaged")])
    assert bench.listener.warnings == ["trial 0: epoch-000002 is damaged"]


SMALL = Goal.of("accuracy", Direction.MAXIMIZE, "parameters <= 10", "accuracy >= 0.5")


def sized(number: int, epoch: int, value: float, parameters: float) -> Report:
    return Report(number=number, epoch=epoch, metrics={**metrics(value), PARAMETERS: parameters})


def test_a_trial_that_breaks_a_constraint_for_good_is_stopped_at_its_first_report_but_never_the_default() -> None:
    bench = Bench(goal=SMALL)
    for number, parameters in ((0, 11), (1, 11), (2, 10)):
        bench.take()
        bench.controller.report([sized(number, 1, 0.25, parameters)])
    assert [bench.state(number) for number in range(3)] == [TrialState.RUNNING, TrialState.PRUNED, TrialState.RUNNING]


def test_a_trial_that_breaks_a_constraint_for_good_stands_in_nobodys_way() -> None:
    bench = Bench(goal=SMALL)
    for number, parameters in ((0, 11), (1, 11), (2, 10)):
        bench.take()
        bench.controller.report([sized(number, 1, 0.75, parameters)])
    assert bench.scheduler.calls == [("record", 2, 1), ("decide", 2, 1)]
    resumed = Bench(goal=SMALL, before=bench)
    assert resumed.scheduler.calls == [("record", 2, 1)]


def test_a_sampler_that_needs_complete_trials_gets_those_that_break_a_constraint_too() -> None:
    bench = Bench(goal=SMALL, trials=2, stops_hopeless=False)
    for number in range(2):
        (member,) = bench.take().members
        assert member.decision_epochs is None
        for epoch in range(1, 4):
            bench.controller.report([sized(number, epoch, 0.75, 11)])
    assert bench.state(1) is TrialState.COMPLETE
    assert bench.controller.best is None


def test_a_worker_asks_at_once_whether_a_trial_can_be_of_any_use() -> None:
    bench = Bench(goal=SMALL)
    bench.scheduler.epochs = (2,)
    (member,) = bench.take().members
    assert member.decision_epochs == (1, 2)
    free = Bench()
    free.scheduler.epochs = (2,)
    (member,) = free.take().members
    assert member.decision_epochs == (2,)


def test_the_best_and_the_tested_trial_meet_the_constraints() -> None:
    bench = Bench(goal=SMALL, trials=3, max_epochs=1, tests=True)
    for number, (value, parameters) in enumerate([(0.9, 11), (0.25, 1), (0.625, 10)]):
        bench.take()
        bench.controller.report([sized(number, 1, value, parameters)])
    assert bench.controller.best == bench.journal.trials[2]
    assert [member.number for member in bench.take().members] == [2]
