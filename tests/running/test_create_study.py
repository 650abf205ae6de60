"""A study that is asked and told is created, refused, opened again after anything, and looked at by every query."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from commands import PROGRAM, TEMPLATE

import tuner
from tuner import AskTellStudy, TrialState
from tuner.domain.errors import (
    ConfigurationError,
    ResumeRefusedError,
    StudyExistsError,
    StudyHeldError,
    TooManyFailuresError,
)
from tuner.storage.store import open_store

pytestmark = pytest.mark.usefixtures("workplace")

Cli = Callable[..., tuple[int, str, str]]

SPACE = tuner.SearchSpace(x=tuner.Float(0, 1))


def create(space: Any = SPACE, **overrides: Any) -> AskTellStudy:
    given = {"metric": "loss", "direction": "minimize", "name": "asked", "trials": 3, "epochs": 4, "sampler": "random"}
    return tuner.create_study(space, **{**given, **overrides})


def tell(study: AskTellStudy, count: int) -> list[dict[str, Any]]:
    configs = []
    for _ in range(count):
        trial = study.ask()
        assert trial is not None
        study.tell(trial, trial.config["x"])
        configs.append(dict(trial.config))
    return configs


def test_a_spec_without_an_objective_creates_the_same_study() -> None:
    spec = tuner.StudySpec(
        search_space=SPACE, metric="loss", direction="minimize", sampler="random", budget=tuner.Budget(trials=3)
    )
    with tuner.create_study(spec, name="by-spec") as study, create(name="by-space") as other:
        assert tell(study, 3) == tell(other, 3)


def test_a_search_space_may_be_named() -> None:
    with create("image_classifier") as study:
        trial = study.ask()
    assert trial is not None
    assert "architecture" in trial.config


def test_all_mistakes_are_said_at_once_in_the_words_of_the_call() -> None:
    with pytest.raises(ConfigurationError) as raised:
        create(sampler="tpee", trials=0, executor="ray", log="nothing")
    told = "\n".join(raised.value.problems)
    for part in ("unknown sampler 'tpee'", "trials: 0 is below 1", "executor: is for runs", "'nothing'"):
        assert part in told
    assert open_store(None).names == ()


def test_an_override_that_is_none_is_as_good_as_none() -> None:
    with create(executor=None, parallel=None, trials=None) as study:
        assert study.ask() is not None


def test_a_metric_is_required() -> None:
    with pytest.raises(ConfigurationError, match="metric"):
        tuner.create_study(SPACE)


def test_an_objective_and_a_scheduler_that_continues_from_other_states_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="objective: a program that asks and tells has none"):
        tuner.create_study(tuner.StudySpec(objective="supervised", search_space=SPACE, metric="loss"))
    with pytest.raises(ConfigurationError, match="scheduler pbt: trials continue from others' states"):
        create(scheduler={"name": "pbt", "interval": 1})


def test_a_run_needs_an_objective() -> None:
    with pytest.raises(ConfigurationError, match=r"objective: is missing; .* see tuner\.create_study"):
        tuner.run(tuner.StudySpec(search_space=SPACE, metric="loss", direction="minimize"))


def test_a_taken_name_is_refused_unless_it_is_opened() -> None:
    create().close()
    with pytest.raises(StudyExistsError, match="study 'asked' exists already") as raised:
        create()
    assert "resume=True" in raised.value.hint
    create(resume=True).close()


def test_only_one_has_a_study_at_a_time_until_it_is_closed() -> None:
    study = create()
    with pytest.raises(StudyHeldError, match="study 'asked' runs already"):
        create(resume=True)
    study.close()
    create(resume=True).close()


def test_an_opened_study_proposes_what_the_uninterrupted_one_would_have() -> None:
    with create(name="at-once") as study:
        expected = tell(study, 3)
    with create(resume=True) as study:
        begun = tell(study, 2)
    with create(resume=True) as study:
        assert begun + tell(study, 1) == expected
        assert study.ask() is None


def test_a_budget_may_grow_and_nothing_else_may_change() -> None:
    with create() as study:
        tell(study, 3)
    with create(resume=True, trials=5) as study:
        tell(study, 2)
    with pytest.raises(ResumeRefusedError, match=r"~ x: float 0 \.\. 1"):
        create(tuner.SearchSpace(x=tuner.Float(0, 2)), resume=True, trials=5)
    with pytest.raises(ConfigurationError, match="4 is below the 5 trials that study 'asked' has finished"):
        create(resume=True, trials=4)
    assert len(tuner.load_study("asked").trials) == 5


def test_what_the_call_names_as_how_far_a_trial_is_trained_may_grow_and_stays() -> None:
    with create(scheduler="none") as study:
        tell(study, 1)
    with create(scheduler="none", epochs=9, resume=True) as study:
        trial = study.ask()
        assert trial is not None
        assert trial.max_epochs == 9
        study.tell(trial, 0.5)
    with create(scheduler="none", epochs=None, resume=True) as study:
        assert [trial.max_epochs for trial in iter(study.ask, None)] == [9]
    with pytest.raises(ConfigurationError, match="epochs: 4 is below the 9 epochs of study 'asked'"):
        create(scheduler="none", resume=True)
    with pytest.raises(ConfigurationError, match="steps: study 'asked' counts epochs"):
        create(scheduler="none", epochs=None, steps=90, resume=True)


def test_a_budget_that_the_call_does_not_name_does_not_grow() -> None:
    create().close()
    with pytest.raises(ResumeRefusedError, match=r"~ budget\.epochs: 4 -> 27"):
        create(epochs=None, resume=True)


def test_a_study_may_be_opened_with_fewer_trials_down_to_those_that_are_finished() -> None:
    with create(trials=6) as study:
        tell(study, 1)
    with create(trials=2, resume=True) as study:
        tell(study, 1)
        assert study.is_finished


def test_log_may_be_none_and_has_to_name_trackers() -> None:
    create(log=None).close()
    for wrong in (5, [5]):
        with pytest.raises(ConfigurationError, match=r"log: .*5.* names no tracker"):
            create(name="logged", log=wrong)
    assert "logged" not in open_store(None).names


def test_a_study_that_failures_have_ended_with_its_last_trial_has_to_be_given_more() -> None:
    with create(trials=5) as study:
        for trial in iter(study.ask, None):
            with suppress(TooManyFailuresError):
                study.tell(trial, failure="no licence")
            if trial.number == 4:
                break
        with pytest.raises(TooManyFailuresError) as raised:
            study.ask()
    assert raised.value.hint.endswith("resume=True), in its program, with more trials")


def test_a_study_with_rules_is_opened_with_its_space() -> None:
    space = tuner.SearchSpace(x=tuner.Float(0, 1)).require("x is not tiny", lambda config: config["x"] > 0.1)
    with create(space) as study:
        tell(study, 1)
    with create(space, resume=True) as study:
        tell(study, 2)


def test_an_interrupted_trial_comes_first_and_keeps_what_was_recorded() -> None:
    with create(scheduler="none") as study:
        first, second = study.ask(), study.ask()
        assert first is not None
        assert second is not None
        second.report(loss=0.5)
        second.report(loss=0.4)
    with create(scheduler="none", resume=True) as study:
        assert [trial.number for trial in (study.ask(), study.ask()) if trial] == [0, 1]
    with create(scheduler="none", resume=True) as study:
        _, again = study.ask(), study.ask()
        assert again is not None
        assert again.epoch == 2
        again.report(loss=9, step=1)  # anew: what was recorded first stands
        again.report(loss=0.3, step=3)
        assert study.tell(again).curve == {1: 0.5, 2: 0.4, 3: 0.3}


def interrupted_after_two_reports() -> None:
    with create(scheduler="none") as study:
        trial = study.ask()
        assert trial is not None
        trial.report(loss=0.5)
        trial.report(loss=0.4)


def test_a_trial_that_begins_anew_counts_from_the_first_step_that_it_gives() -> None:
    interrupted_after_two_reports()
    with create(scheduler="none", resume=True) as study:
        trial = study.ask()
        assert trial is not None
        trial.report(loss=0.6, step=1)
        trial.report(loss=0.7)
        trial.report(loss=0.3)
        assert study.tell(trial).curve == {1: 0.5, 2: 0.4, 3: 0.3}


def test_the_first_report_of_an_interrupted_trial_has_to_say_its_step() -> None:
    interrupted_after_two_reports()
    with create(scheduler="none", resume=True) as study:
        trial = study.ask()
        assert trial is not None
        trained = "trial 0 was trained to epoch 2 before, and its first rep"
        with pytest.raises(ConfigurationError, match=trained) as raised:
            trial.report(loss=0.3)
        assert "above trial.epoch" in raised.value.hint
        trial.report(loss=0.3, step=trial.epoch + 1)
        assert study.tell(trial, 0.2).curve == {1: 0.5, 2: 0.4, 3: 0.3, 4: 0.2}


def test_a_retried_trial_has_to_say_its_step_as_well() -> None:
    with create(scheduler="none", retries=1) as study:
        trial = study.ask()
        assert trial is not None
        trial.report(loss=0.5)
        study.tell(trial, failure="a power cut")
        again = study.ask()
        assert again is not None
        assert (again.number, again.epoch) == (0, 1)
        with pytest.raises(ConfigurationError, match="trial 0 was trained to epoch 1 before"):
            again.report(loss=0.4)


KILLED = """
import os, signal, tuner
study = tuner.create_study(
    tuner.SearchSpace(x=tuner.Float(0, 1)), metric="loss", direction="minimize", name="asked", trials=3, epochs=4,
    sampler="random", scheduler="none",
)
study.tell(study.ask(), 0.5)
study.ask().report(loss=0.7)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_study_whose_program_was_killed_is_opened_at_once() -> None:
    Path("killed.py").write_text(KILLED)
    assert TEMPLATE.run("killed.py", main=PROGRAM).returncode == -9
    assert [trial.state.value for trial in tuner.load_study("asked").trials] == ["COMPLETE", "WAITING"]
    with create(resume=True, scheduler="none") as study:
        trial = study.ask()
        assert trial is not None
        assert (trial.number, trial.epoch) == (1, 1)
        study.tell(trial, 0.1)
        tell(study, 1)
        assert study.is_finished
    assert tuner.load_study("asked").best_trial.number == 1


def test_commands_answer_and_say_what_resumes_it(cli: Cli) -> None:
    with create() as study:
        tell(study, 2)
    code, answer, _ = cli("status", "asked")
    assert code == 0
    assert "continue with: tuner.create_study(..., name='asked', resume=True), in its program" in " ".join(
        answer.split()
    )
    assert cli("best", "asked")[0] == 0
    assert cli("trials", "asked")[0] == 0


def test_what_needs_an_objective_says_that_there_is_none(cli: Cli) -> None:
    with create() as study:
        tell(study, 1)
    assert "study 'asked' has no models: its program trains" in cli("export", "asked", "out")[2]
    assert "its program asks and tells, which no study file can" in cli("init", "--from", "asked", "new.toml")[2]


@pytest.mark.parametrize("command", ["resume", "confirm", "retry"])
def test_what_would_train_it_says_plainly_that_its_program_does(command: str) -> None:
    create().close()
    study = tuner.load_study("asked")
    with pytest.raises(ResumeRefusedError, match="its program asks for trials and tells their results"):
        getattr(study, command)()


def test_earlier_studies_begin_a_new_one() -> None:
    with create(trials=10) as study:
        tell(study, 10)
    best = tuner.load_study("asked").best_trial.config
    with create(name="later", warm_start="asked") as study:
        assert tell(study, 2)[1] == best


def test_a_trial_that_was_asked_for_is_running_for_everyone_who_looks() -> None:
    with create() as study:
        study.ask()
        assert [trial.state for trial in tuner.load_study("asked").trials] == [TrialState.RUNNING]


def fail_second() -> None:
    with create() as study:
        for index in range(3):
            trial = study.ask()
            assert trial is not None
            study.tell(trial, failure="no power") if index == 1 else study.tell(trial, 0.5)


@pytest.mark.parametrize("retry", ["failed", [1]])
def test_failed_trials_are_handed_out_again_where_that_is_asked_for(retry: Any) -> None:
    fail_second()
    with create(resume=True) as study:
        assert study.ask() is None
    with create(resume=True, retry=retry) as study:
        trial = study.ask()
        assert trial is not None
        assert trial.number == 1
        study.tell(trial, 0.25)
        assert study.ask() is None
        assert [each.state for each in study.trials] == [TrialState.COMPLETE] * 3
        assert study.best_trial.number == 1
    with create(resume=True, retry="failed") as study:  # a program may ask for it whenever it is started
        assert study.is_finished


def test_what_cannot_be_retried_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="retry: is for a study that is opened again, with resume=True"):
        create(retry="failed")
    fail_second()
    with pytest.raises(ConfigurationError) as raised:
        create(resume=True, retry=[0, 9])
    assert raised.value.problems == ("trials: trial 0 has not failed, it is COMPLETE", "trials: there is no trial 9")
    for strange in ("all", 1):
        with pytest.raises(ConfigurationError, match=r"retry: .* is neither \"failed\" nor a list of numbers"):
            create(resume=True, retry=strange)
