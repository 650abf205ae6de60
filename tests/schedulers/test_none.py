"""No early stopping at all."""

from tuner import Decision
from tuner.domain.study import Direction
from tuner.schedulers.none import NoScheduler


def test_even_a_trial_that_only_gets_worse_goes_on() -> None:
    scheduler = NoScheduler(20, Direction.MAXIMIZE, 0)
    for epoch in range(1, 21):
        for number in range(8):
            scheduler.record(number, epoch, -float(number * epoch))
        assert {scheduler.decide(number, epoch) for number in range(8)} == {Decision.CONTINUE}


def test_no_epoch_waits_for_a_decision() -> None:
    assert NoScheduler(20, Direction.MAXIMIZE, 0).decision_epochs(3) == ()
