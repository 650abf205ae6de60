"""A configuration that was trained again."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import final

from tuner.analysis.estimate import NO_ROWS, Estimate, RowError
from tuner.domain.config import Config
from tuner.domain.trial import TrialRecord, TrialState


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A configuration that was trained again: the search's trial `number`, which had measured `search_value`.

    `failed` of its repetitions gave no value, and `diverged` are the values that are far worse than its others.
    """

    number: int
    config: Config
    estimate: Estimate
    search_value: float | None
    failed: int
    repetitions: tuple[TrialRecord, ...] = field(repr=False)
    diverged: tuple[float, ...] = ()

    @property
    def complete(self) -> tuple[TrialRecord, ...]:
        """The repetitions that gave a value."""
        return complete(self.repetitions)

    @property
    def is_unreliable(self) -> bool:
        """Whether half of its repetitions or more gave no value."""
        return 2 * self.failed >= len(self.repetitions)


def complete(repetitions: Sequence[TrialRecord]) -> tuple[TrialRecord, ...]:
    """Return the repetitions that gave a value."""
    return tuple(each for each in repetitions if each.state is TrialState.COMPLETE and each.value is not None)


def row_error(repetitions: Sequence[TrialRecord], metric: str) -> RowError:
    """Return the standard error over rows of the mean of repetitions' `metric`; 0 where they have kept none."""
    if all(each.rows is None for each in repetitions):
        return NO_ROWS
    from tuner.analysis.row_noise import row_means  # noqa: PLC0415 - NumPy, for studies that have rows alone

    means = row_means((each.rows for each in repetitions), metric)
    return NO_ROWS if means is None else means.error


def row_error_of_difference(
    ones: Sequence[TrialRecord], others: Sequence[TrialRecord], metric: str, *, is_paired: bool = True
) -> RowError:
    """Return the standard error over rows of the difference of two means of `metric`; 0 where rows were not kept.

    It is paired by row where the two were measured on the same rows.
    """
    if not all(any(each.rows is not None for each in side) for side in (ones, others)):
        return NO_ROWS
    from tuner.analysis.row_noise import row_means  # noqa: PLC0415 - as above

    one, other = (row_means((each.rows for each in side), metric) for side in (ones, others))
    if one is None or other is None:
        return NO_ROWS
    return one.error_of_difference(other) if is_paired else one.error_of_unpaired(other)


def as_tested(repetitions: Sequence[TrialRecord], metric: str) -> tuple[TrialRecord, ...]:
    """Return tested repetitions with what they have on the test split in place of what they have on validation rows."""
    return tuple(
        replace(each, value=each.test_metrics[metric], metrics=each.test_metrics, rows=each.test_rows)
        for each in repetitions
        if each.test_metrics is not None and metric in each.test_metrics
    )
