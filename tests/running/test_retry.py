"""Failed trials are trained again under their own numbers, and nothing else is touched."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tuner
from tuner import TrialState
from tuner.domain.errors import ConfigurationError, TooManyFailuresError
from tuner.storage.store import open_store

pytestmark = pytest.mark.usefixtures("workplace")

Cli = Callable[..., tuple[int, str, str]]

SPACE = tuner.SearchSpace(x=tuner.Float(0, 1))


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    for epoch in range(trial.epoch, trial.max_epochs):
        if epoch == 1 and trial.number in (1, 3) and not Path("mended").exists():
            raise OSError("the disk is gone")
        yield {"loss": trial.config["x"] + trial.seed % 7}


SPEC = tuner.StudySpec(
    objective=train,
    search_space=SPACE,
    metric="loss",
    name="tried",
    sampler="random",
    scheduler="none",
    budget=tuner.Budget(trials=5, epochs=2),
    executor="inline",
)


def states() -> list[str]:
    return [trial.state.value for trial in open_store(None).read("tried")[1]]


def test_failed_trials_end_as_those_of_a_study_in_which_nothing_failed() -> None:
    study = tuner.run(SPEC)
    assert states() == ["COMPLETE", "FAIL", "COMPLETE", "FAIL", "COMPLETE"]
    Path("mended").touch()
    retried = study.retry().trials
    tuner.run(SPEC, name="never-failed")
    expected = tuner.load_study("never-failed").trials
    assert [trial.state for trial in retried] == [TrialState.COMPLETE] * 5
    assert [(trial.config, trial.curve, trial.metrics) for trial in retried] == [
        (trial.config, trial.curve, trial.metrics) for trial in expected
    ]
    assert {trial.failure for trial in retried} == {None}


def test_chosen_trials_alone_are_trained_again() -> None:
    study = tuner.run(SPEC)
    Path("mended").touch()
    study.retry([3])
    assert states() == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]


def test_one_that_fails_again_has_failed_again() -> None:
    study = tuner.run(SPEC).retry()
    assert [trial.number for trial in study.trials if trial.failure] == [1, 3]
    assert [trial.number for trial in study.retry().trials if trial.failure] == [1, 3]


def test_what_has_not_failed_is_refused_all_at_once_and_changes_nothing() -> None:
    study = tuner.run(SPEC)
    with pytest.raises(ConfigurationError) as raised:
        study.retry([0, 1, 9])
    assert raised.value.problems == ("trials: trial 0 has not failed, it is COMPLETE", "trials: there is no trial 9")
    assert states() == ["COMPLETE", "FAIL", "COMPLETE", "FAIL", "COMPLETE"]
    Path("mended").touch()
    study.retry("failed")
    with pytest.raises(ConfigurationError, match="study 'tried' has no failed trial"):
        study.retry()


@pytest.mark.parametrize(
    ("key", "budget"),
    [
        ("target", tuner.Budget(trials=5, epochs=2, target=10.0)),
        ("patience", tuner.Budget(trials=5, epochs=2, patience=1)),
    ],
)
def test_a_study_that_has_ended_early_keeps_its_failed_trials(key: str, budget: tuner.Budget) -> None:
    tuner.run(SPEC)
    ended = tuner.load_study("tried", spec=replace(SPEC, budget=budget))
    with pytest.raises(ConfigurationError, match=r"has ended, .*its trials are not trained further") as raised:
        ended.retry([3])
    assert f"budget.{key}=none" in raised.value.hint
    assert [trial.number for trial in ended.refresh().trials if trial.failure] == [1, 3]


def test_trials_that_an_early_end_has_left_out_of_a_retry_have_failed_still() -> None:
    tuner.run(SPEC)
    before = tuner.load_study("tried").trials[3]
    Path("mended").touch()
    ending = replace(SPEC, budget=tuner.Budget(trials=5, epochs=2, patience=2))  # trial 2 is the best
    study = tuner.load_study("tried", spec=ending).retry([1, 3])
    assert study.stop_cause is tuner.StopCause.PATIENCE
    assert states() == ["COMPLETE", "COMPLETE", "COMPLETE", "FAIL", "COMPLETE"]
    assert tuner.load_study("tried").trials[3] == before
    tuner.load_study("tried", spec=ending).resume(patience="none")
    tuner.load_study("tried", spec=ending).retry("failed")
    assert states() == ["COMPLETE"] * 5


def test_the_numbers_of_trials_may_be_numpys() -> None:
    study = tuner.run(SPEC)
    Path("mended").touch()
    study.retry(np.array([1, 3]))  # type: ignore[arg-type]
    assert states() == ["COMPLETE"] * 5


def test_the_command_takes_numbers_or_all_that_failed(user_folder: Path, cli: Cli) -> None:
    (user_folder / "flaky.py").write_text(
        "from pathlib import Path\n"
        "import tuner\n"
        "space = tuner.SearchSpace(x=tuner.Float(0, 1))\n"
        "def train(trial):\n"
        "    if trial.number == 1 and not Path('mended').exists():\n"
        "        raise OSError('the disk is gone')\n"
        "    yield {'loss': trial.config['x']}\n"
    )
    (user_folder / "tried.toml").write_text(
        'objective = "flaky:train"\nsearch_space = "flaky:space"\nmetric = "loss"\nexecutor = "inline"\n'
        "[budget]\ntrials = 3\nepochs = 1\n"
    )
    assert cli("run", "tried.toml")[0] == 0
    for words, told in [
        ((), "say which trials: either --trials 3,7 or --failed"),
        (("--failed", "--trials", "1"), "say which trials"),
        (("--trials", "1,x"), "'x' is not a trial's number"),
        (("--trials", "0"), "trial 0 has not failed, it is COMPLETE"),
    ]:
        code, _, messages = cli("retry", "tried", *words)
        assert (code, told in messages) == (2, True)
    (user_folder / "mended").touch()
    code, answer, messages = cli("retry", "tried", "--failed")
    assert code == 0
    assert "trial 1 is tried again; it had failed with: OSError: the disk is gone" in messages
    assert "3 trials: 3 complete" in answer


def failing(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    if not Path("mended").exists():
        raise OSError("the disk is gone")
    yield {"loss": trial.config["x"]}


@pytest.mark.parametrize(("trials", "command"), [(5, "tuner retry all-fail --failed"), (9, "tuner resume all-fail")])
def test_what_continues_a_study_that_failures_have_ended_is_named_and_continues_it(
    trials: int, command: str, cli: Cli
) -> None:
    budget = tuner.Budget(trials=trials, epochs=1)
    with pytest.raises(TooManyFailuresError) as raised:
        tuner.run(replace(SPEC, name="all-fail", objective=failing, budget=budget))
    assert raised.value.hint == f"mend the cause, then continue with: {command}"
    Path("mended").touch()
    assert cli(*command.split()[1:], "--trust")[0] == 0
    counts = [trial.state for trial in tuner.load_study("all-fail").trials]
    assert (len(counts), counts.count(TrialState.COMPLETE)) == (trials, 5 if trials == 5 else 4)
