"""How many epochs were trained in batches is stored seldom, and whenever a cohort is over."""

from fakes import FakeWriter, metrics

from tuner import Float, SearchSpace
from tuner.domain.batching import Batching
from tuner.domain.trial import Report
from tuner.search.batching_statistics import BatchingStatistics
from tuner.search.cohort_policy import CohortPolicy, CohortSettings
from tuner.search.unit_of_work import UnitOfWork

SPACE = SearchSpace(x=Float(0, 1))
REPORT = Report(number=0, epoch=1, metrics=metrics(0.5), together=4)


def statistics(batching: Batching) -> BatchingStatistics:
    return BatchingStatistics(CohortPolicy(SPACE, lambda _: (), CohortSettings(size=4), trials=8), batching)


def stored(counted: BatchingStatistics) -> dict[str, object]:
    writer, unit = FakeWriter(), UnitOfWork()
    counted.store(SPACE.default, unit)
    unit.store(writer)
    return writer.notes


def test_counts_are_due_once_they_have_doubled() -> None:
    counted = statistics(Batching(batched=2, sizes=8))
    for _ in range(2):
        counted.count(REPORT)
        assert not counted.is_due
    counted.count(REPORT)
    assert counted.is_due
    stored(counted)
    assert not counted.is_due


def test_counts_are_stored_with_the_bound_of_a_cohort_and_not_twice() -> None:
    counted = statistics(Batching())
    counted.count(REPORT)
    assert stored(counted) == {
        "batching": {"batched": 1, "sizes": 4, "alone": {}, "most": 4, "bound": "cohort = 4"},
    }
    assert stored(counted) == {}
