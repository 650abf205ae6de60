"""The running trial, for code that nobody hands it to; and what that code does where no trial runs."""

import subprocess
import sys

import pytest

import tuner

CHILD = "import tuner\ntry:\n    tuner.report(loss=1)\nexcept tuner.NoTrialError as error:\n    print(error)"


def test_a_program_runs_unchanged_where_no_trial_runs() -> None:
    assert tuner.current_trial(default=None) is None
    tuner.report({"loss": 0.5}, step=3, accuracy=1.0)
    with pytest.raises(tuner.NoTrialError, match="outside of a trial"):
        tuner.current_trial()


def test_what_could_not_be_reported_is_refused_without_a_trial_too() -> None:
    with pytest.raises(TypeError, match="give what was measured"):
        tuner.report()
    with pytest.raises(ValueError, match="a whole number from 1"):
        tuner.report(loss=0.5, step=0)


@pytest.mark.parametrize(("variable", "told"), [({"TUNER_TRIAL_PROCESS": "1"}, "is a child of process 1"), ({}, "")])
def test_a_program_that_a_trial_has_started_does_not_report(
    variable: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variable.items():
        monkeypatch.setenv(name, value)
    printed = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True).stdout
    assert told in printed
    assert bool(printed) is bool(told)
