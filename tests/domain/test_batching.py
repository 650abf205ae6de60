"""How many trials train as one is counted, with the reasons why not more."""

import json

from tuner.domain.batching import NOTE, Batching
from tuner.domain.trial import Failure, FailureReason, Report


def epoch(together: int, apart: str = "") -> Report:
    return Report(number=0, epoch=1, metrics={"accuracy": 0.5}, together=together, apart=apart)


def counted(*reports: Report, most: int = 0, bound: str = "") -> Batching:
    batching = Batching(most=most, bound=bound)
    for report in reports:
        batching = batching.counting(report)
    return batching


FEW = "fewer than 4 trials were left"


def test_epochs_in_batches_and_one_by_one_are_counted_with_the_reason() -> None:
    batching = counted(*[epoch(32)] * 6, *[epoch(16)] * 2, epoch(1, FEW), epoch(1, FEW), most=32, bound="no faster")
    assert (batching.epochs, batching.share, batching.size) == (10, 0.8, 28)
    assert str(batching) == (
        "80% of 10 epochs in batches of 28 trials on average; at most 32 together: no faster; "
        "the rest one by one: fewer than 4 trials were left"
    )


def test_where_all_train_one_by_one_it_says_why() -> None:
    assert str(counted(epoch(1, FEW), most=4)) == f"one by one: {FEW}"
    assert str(counted(epoch(1, FEW), most=1, bound="cohort = 1")) == "one by one: cohort = 1"


def test_failures_and_objectives_that_never_batch_count_as_nothing() -> None:
    failed = Report(number=0, epoch=0, failure=Failure(reason=FailureReason.RAISED, message="it broke"), together=4)
    assert counted(failed, epoch(0)).epochs == 0


def test_a_later_run_counts_on() -> None:
    batching = counted(epoch(8), epoch(1, FEW))
    again = Batching.of({NOTE: json.loads(json.dumps(batching.describe()))})
    assert again == batching
    assert again.counting(epoch(1, FEW)).alone == {FEW: 2}
    assert Batching.of({}) == Batching()
