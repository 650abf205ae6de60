"""What a resume says of a study's end holds for later resumes, until the study's file says something else."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import tuner

pytestmark = pytest.mark.usefixtures("workplace")

Cli = Callable[..., tuple[int, str, str]]

MODULE = """
from tuner import Float, SearchSpace

space = SearchSpace(x=Float(0, 1))

def train(trial):
    yield {"loss": trial.config["x"]}
"""

STUDY = """
objective = "ended:train"
search_space = "ended:space"
metric = "loss"
sampler = "random"
executor = "inline"

[budget]
trials = 2
epochs = 1
"""


@pytest.fixture
def study_file(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delitem(sys.modules, "ended", raising=False)  # another test's, of another folder
    (workplace / "ended.py").write_text(MODULE)
    file = workplace / "ended.toml"
    file.write_text(STUDY)
    return file


@pytest.fixture
def stopped(study_file: Path) -> Path:
    """A study of two trials that was resumed to eight, and interrupted before."""

    class Interrupt(tuner.Callback):
        def trial_finished(self, trial: tuner.TrialRecord) -> None:
            if trial.number == 3:
                raise tuner.StopStudy

    tuner.run(str(study_file))
    tuner.load_study("ended").resume(trials=8, callbacks=[Interrupt()])
    assert 2 < len(tuner.load_study("ended").trials) < 6
    return study_file


@pytest.mark.usefixtures("stopped")
def test_the_command_that_is_named_after_an_interruption_continues_to_the_trials_that_were_asked_for(cli: Cli) -> None:
    assert cli("resume", "ended")[0] == 0
    assert len(tuner.load_study("ended").trials) == 8
    assert "8 of 8 trials finished" in cli("status", "ended")[1]


def test_what_the_study_file_says_later_counts(stopped: Path) -> None:
    stopped.write_text(STUDY.replace("trials = 2", "trials = 6"))
    assert len(tuner.load_study("ended").resume().trials) == 6
    stopped.write_text(STUDY)
    assert len(tuner.load_study("ended").resume(trials=7).trials) == 7


def test_every_end_is_kept_and_the_latest_word_counts(study_file: Path) -> None:
    tuner.run(str(study_file))
    study = tuner.load_study("ended")
    study.resume(trials=20, patience=1, until="no gain")
    ended = study.resume()
    assert ended.stop_cause is tuner.StopCause.PATIENCE
    assert len(ended.trials) < 20
    assert len(study.resume(patience=100, until="trials").trials) == 20


def test_a_target_of_the_study_file_is_taken_away_by_the_command_that_the_end_names(study_file: Path, cli: Cli) -> None:
    study_file.write_text(STUDY + "target = 2\n")  # which the first trial reaches
    assert cli("run", str(study_file))[0] == 0
    assert len(tuner.load_study("ended").trials) == 1
    assert "--set budget.target=none" in cli("resume", "ended")[2]
    assert cli("resume", "ended", "--set", "budget.target=none")[0] == 0
    assert len(tuner.load_study("ended").trials) == 2
    assert len(tuner.load_study("ended").resume(trials=3).trials) == 3, "it holds for later resumes"


def test_mistakes_in_an_end_are_said_as_they_were_given(study_file: Path, cli: Cli) -> None:
    tuner.run(str(study_file))
    code, _, messages = cli("resume", "ended", "--trials", "0", "--set", "budget.until=never", "--set", "retries=-1")
    assert code == 2
    assert "--trials: 0 is below 1" in messages
    assert "--set budget.until: 'never' is not 'trials' or 'no gain'" in messages
    assert "--set retries: -1 is below 0" in messages
