from collections.abc import Sequence
from typing import final

import pytest
from search_quality.simulation import Simulation, simulated
from search_quality.system import Proposal, System
from tiny_task import EPOCHS, tiny_task

TASK = tiny_task()


@final
class InOrder(System):
    """Proposes what it is made with, and then nothing; stops the trials in `stopped` after their first epoch."""

    def __init__(self, proposals: Sequence[Proposal], stopped: Sequence[int] = ()) -> None:
        self._proposals = list(proposals)
        self._stopped = stopped

    def ask(self) -> Proposal | None:
        return self._proposals.pop(0) if self._proposals else None

    @property
    def processor_seconds(self) -> float:
        return 0.0

    def report(self, trial: int, epoch: int, value: float) -> bool:
        return trial not in self._stopped


def proposal(trial: int, x: float, start: int = 0, until: int = EPOCHS) -> Proposal:
    config = TASK.space.unflatten({"x": x, "kind": "plain"})
    return Proposal(trial=trial, config=config, start=start, until=until)


def test_a_run_ends_when_its_budget_is_spent() -> None:
    needed = TASK.budget // EPOCHS + 1
    run = simulated(TASK, InOrder([proposal(trial, trial / needed) for trial in range(needed)]), seed=0, workers=1)
    assert run.trials == needed
    assert run.values[-1] == pytest.approx((needed - 2) / needed)  # the last one has not come far


def test_a_continued_trial_pays_its_further_epochs_only() -> None:
    system = InOrder([proposal(0, 0.5, until=3), proposal(1, 0.4, until=3), proposal(0, 0.5, start=3, until=9)])
    simulation = Simulation(TASK, system, seed=0, workers=1)
    for _ in range(3 + 3 + 6):
        simulation.advance()
    assert simulation.spent == 12
    assert simulation.trials == 2


def test_a_stopped_trial_gives_its_worker_to_the_next_one() -> None:
    simulation = Simulation(TASK, InOrder([proposal(0, 0.5), proposal(1, 0.4)], stopped=[0]), seed=0, workers=1)
    for _ in range(1 + EPOCHS):
        simulation.advance()
    assert simulation.incumbent == 1


def test_the_incumbent_is_worth_its_last_epoch_whatever_it_has_reached() -> None:
    simulation = Simulation(TASK, InOrder([proposal(0, 0.5)]), seed=0, workers=1)
    simulation.advance()
    assert simulation.final(simulation.incumbent) == pytest.approx(0.5)


def test_so_many_trials_are_in_flight_as_there_are_workers() -> None:
    simulation = Simulation(TASK, InOrder([proposal(trial, 0.5) for trial in range(5)]), seed=0, workers=3)
    simulation.advance()
    assert simulation.trials == 3


@pytest.mark.parametrize(("start", "until"), [(4, 9), (0, 9), (3, 3), (3, EPOCHS + 1)])
def test_a_trial_continues_where_it_was_and_not_beyond_the_last_epoch(start: int, until: int) -> None:
    system = InOrder([proposal(0, 0.5, until=3), proposal(0, 0.5, start=start, until=until)])
    simulation = Simulation(TASK, system, seed=0, workers=1)
    for _ in range(3):
        simulation.advance()
    with pytest.raises(ValueError, match="has reached epoch 3 of 9"):
        simulation.advance()
