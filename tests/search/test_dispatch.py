"""Which trials make a cohort, and which take its free places."""

import itertools

from fakes import FakeSampler, metrics
from search_bench import HALVES, SMALL, SPACE, Bench, failed, halves

from tuner import Decision
from tuner.domain.run_controller import StopCause
from tuner.domain.trial import Report, TrialState


def lasting(bench: Bench, members: frozenset[int], reports: int) -> tuple[list[int], list[int]]:
    """Report a cohort's epochs, of which each member needs three, and return how many and who it has had."""
    sizes, epochs, seen = [], dict.fromkeys(members, 0), sorted(members)
    for _ in range(reports):
        sizes.append(len(epochs))
        epochs = {number: epoch + 1 for number, epoch in epochs.items()}
        update = bench.controller.report(
            [Report(number=number, epoch=epoch, metrics=metrics(0.5)) for number, epoch in epochs.items()]
        )
        epochs = {number: epoch for number, epoch in epochs.items() if number not in update.leaving}
        epochs |= {member.number: 0 for member in update.joining}
        seen += sorted(member.number for member in update.joining)
        if update.is_over or bench.controller.trials[-1].state is TrialState.WAITING:
            break
    return sizes, seen


def test_a_cohort_is_of_one_shape_and_stored_in_one_transaction() -> None:
    bench = Bench(trials=8, cohort=4, key_of=halves, space=HALVES)
    assignment = bench.take()
    assert {halves(member.config) for member in assignment.members} == {halves(HALVES.default)}
    assert len(bench.writer.transactions) == 1


def test_a_proposal_of_another_shape_waits_for_a_cohort_of_its_own() -> None:
    bench = Bench(trials=6, cohort=6, key_of=lambda config: config["x"] > 0.9)
    bench.sampler.ignores_held = True
    seen: list[int] = []
    while not bench.controller.is_finished:
        assignment = bench.take()
        seen += sorted(assignment.numbers)
        assert len({member.config["x"] > 0.9 for member in assignment.members}) == 1
        for epoch in (1, 2, 3):
            bench.report_all(dict.fromkeys(assignment.numbers, 0.5), epoch)
    assert sorted(seen) == list(range(6))


def test_a_free_place_goes_to_a_new_trial_of_the_same_shape() -> None:
    bench = Bench(trials=40, cohort=3, grows=True)
    bench.take()
    bench.scheduler.answers[1, 1] = Decision.STOP
    update = bench.report_all({0: 0.5, 1: 0.4, 2: 0.6}, epoch=1)
    assert update.leaving == {1}
    assert [member.number for member in update.joining] == [3]
    assert bench.state(3) is TrialState.RUNNING
    assert not update.is_over


def test_a_worker_that_is_to_be_replaced_finishes_its_trials_and_is_given_none() -> None:
    bench = Bench(trials=40, cohort=2, grows=True)
    bench.take()
    bench.scheduler.answers[1, 1] = Decision.STOP
    update = bench.report_all({0: 0.5, 1: 0.4}, epoch=1, admits=False)
    assert update.leaving == {1}
    assert update.joining == ()
    assert not update.is_over
    assert bench.report_all({0: 0.6}, epoch=3, admits=False).is_over
    assert bench.take().numbers == {2, 3}


def test_a_cohort_that_cannot_grow_runs_empty() -> None:
    bench = Bench(trials=5, cohort=2)
    bench.take()
    bench.scheduler.answers[1, 1] = Decision.STOP
    assert bench.report_all({0: 0.5, 1: 0.4}, epoch=1).joining == ()


def test_where_a_space_has_one_shape_no_trial_is_trained_alone() -> None:
    bench = Bench(trials=40, cohort=4, grows=True)
    trained: list[int] = []
    while (assignment := bench.controller.next_work()) is not None:
        sizes, seen = lasting(bench, assignment.numbers, 999)
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
    while (assignment := bench.controller.next_work()) is not None:
        sizes, seen = lasting(bench, assignment.numbers, 999)
        assert set(sizes) == {1}
        cohorts.append(seen)
    assert cohorts == [[*range(64)]]
    free = FakeSampler(SPACE)
    assert [trial.config for trial in bench.controller.trials[1:]] == [free.suggest(number) for number in range(1, 64)]


def test_a_resumed_cohort_has_the_members_it_would_have_had() -> None:
    def run(bench: Bench, steps: int) -> list[frozenset[int]]:
        """Advance one cohort after the other, each member by an epoch, and return who was trained together."""
        together = []
        epochs = {number: trial.last_epoch for number, trial in bench.writer.trials.items()}
        members: set[int] = set()
        for _ in range(steps):
            if not members:
                assignment = bench.controller.next_work()
                if assignment is None:
                    break
                members = set(assignment.numbers)
            together.append(frozenset(members))
            reports = []
            for number in sorted(members):
                epochs[number] = epochs.get(number, 0) + 1
                reports.append(Report(number=number, epoch=epochs[number], metrics=metrics(number / 100)))
            update = bench.controller.report(reports)
            members = members - update.leaving | {member.number for member in update.joining}
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


def test_an_exhausted_sampler_ends_the_study_before_its_target() -> None:
    bench = Bench(trials=10)
    bench.sampler.limit = 0
    bench.take()
    assert bench.controller.next_work() is None
    bench.controller.report([failed(0)])
    assert bench.controller.is_finished


def test_a_trial_has_the_same_seed_whenever_it_runs() -> None:
    first = Bench()
    seed = first.take().members[0].seed
    assert Bench(before=first).take().members[0].seed == seed
    assert first.take().members[0].seed != seed


def test_a_worker_asks_at_once_whether_a_trial_can_be_of_any_use() -> None:
    bench = Bench(goal=SMALL)
    bench.scheduler.epochs = (2,)
    (member,) = bench.take().members
    assert member.decision_epochs == (1, 2)
    free = Bench()
    free.scheduler.epochs = (2,)
    (member,) = free.take().members
    assert member.decision_epochs == (2,)
