"""The words for how a run ended."""

import pytest

from tuner import Budget
from tuner.domain.run_controller import StopCause
from tuner.running.outcome import beyond, early_end


@pytest.mark.parametrize("cause", [cause for cause in StopCause if cause.is_early_end])
def test_an_early_end_names_the_key_of_the_budget_that_ended_the_study_and_lets_it_continue(cause: StopCause) -> None:
    key, _ = beyond(cause)
    assert key in early_end(cause, Budget(target=0.5, patience=3, until="no gain"))
    assert hasattr(Budget(), key.removeprefix("budget."))


def test_another_stop_is_no_early_end() -> None:
    assert early_end(StopCause.TIME, Budget()) == ""
