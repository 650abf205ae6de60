"""How far a running study is, in numbers."""

from fakes import MAXIMIZED
from made_studies import trial

from tuner.analysis.progress import ProgressTracker, Target
from tuner.domain.event import Event, EventKind
from tuner.domain.expected_gain import LEAST_FINISHED, expected_gain


def test_the_expected_gain_is_that_of_all_trials_that_are_over() -> None:
    trials = [trial(number, value=0.9 - 0.8 / (1 + number)) for number in range(LEAST_FINISHED)]
    tracker = ProgressTracker(Target(goal=MAXIMIZED, trials=64, max_epochs=1), trials[:-1], lambda: 0.0)
    assert tracker.expected_gain is None
    tracker.update(Event(kind=EventKind.FINISHED, trial=trials[-1]))
    assert tracker.expected_gain == expected_gain(trials, MAXIMIZED, 64)
    assert tracker.expected_gain is not None
