"""How far a study is, in a command."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tuner
from tuner.domain.expected_gain import LEAST_FINISHED

Cli = Callable[..., tuple[int, str, str]]


def flat(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    yield {"score": min(0.5, trial.config["x"])}


@pytest.fixture
def study(workplace: Path) -> tuner.Study:
    """A study that has found the best that there is long before its last trial."""
    spec = tuner.StudySpec(
        objective=flat,
        search_space=tuner.SearchSpace(x=tuner.Float(0, 1)),
        metric="score",
        direction="maximize",
        name="flat",
        budget=tuner.Budget(trials=400, epochs=1, until="no gain"),
        sampler="random",
        executor="inline",
    )
    return tuner.run(spec)


def test_a_study_ends_once_no_gain_is_expected_and_says_so(study: tuner.Study, cli: Cli) -> None:
    assert study.stop_cause is tuner.StopCause.NO_GAIN
    assert LEAST_FINISHED <= len(study.trials) < 400
    assert all(trial.state.is_finished for trial in study.trials)
    gain = study.summary.expected_gain
    assert gain is not None
    assert gain.is_negligible
    left = 400 - len(study.trials)
    assert f"expected gain of {left} more trials: {gain}" in cli("status", "flat")[1]
    assert json.loads(cli("status", "flat", "--json")[1])["expected_gain"] == gain.describe()
