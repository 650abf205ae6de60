"""What a run that a signal stops says."""

import os
import signal
from collections.abc import Iterator

import pytest

import tuner
from tuner.domain.errors import StudyInterrupted

pytestmark = pytest.mark.usefixtures("workplace")


def interrupted(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    """Is stopped by Ctrl-C as it trains."""
    os.kill(os.getpid(), signal.SIGINT)
    yield {"loss": trial.config["x"]}


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        (tuner.Budget(trials=2, epochs=2), "as soon as the epochs that are being trained are over"),
        (tuner.Budget(trials=2, steps=200), "as soon as the trials that are being trained have reported again"),
    ],
)
def test_it_says_when_it_will_stop_in_the_words_of_its_unit(
    budget: tuner.Budget, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = tuner.StudySpec(
        objective=interrupted,
        search_space=tuner.SearchSpace(x=tuner.Float(0, 1)),
        metric="loss",
        budget=budget,
        executor="inline",
    )
    with pytest.raises(StudyInterrupted):
        tuner.run(asked)
    assert words in capfd.readouterr().err
