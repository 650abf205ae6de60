"""What tests of user code share: no trial stays behind in the tests' own process."""

from collections.abc import Iterator
from typing import Any

import pytest

from tuner.execution.generator import GeneratorCohort

_MORE_THAN_THERE_ARE = 100


@pytest.fixture(autouse=True)
def _no_trial_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """End, after each test, the trials that it has left in training: they would be the process's current ones."""
    begun: list[GeneratorCohort] = []
    begin = GeneratorCohort.__init__

    def noting(cohort: GeneratorCohort, *arguments: Any) -> None:
        begin(cohort, *arguments)
        begun.append(cohort)

    monkeypatch.setattr(GeneratorCohort, "__init__", noting)
    yield
    for cohort in begun:
        cohort.drop(range(_MORE_THAN_THERE_ARE))
