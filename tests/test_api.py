"""The Python interface, beside what the end-to-end tests show of it."""

import dataclasses
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import MAXIMIZED

import tuner
from tuner import NoUsableTrialError, StopCause, TooManyFailuresError, TrialState
from tuner.domain.errors import ConfigurationError, StudyExistsError
from tuner.domain.study import Confirm
from tuner.domain.study_folders import StudyFolders
from tuner.domain.study_record import StudyRecord
from tuner.execution.inline import InlineExecutor
from tuner.running.builder import build_components
from tuner.running.outcome import no_usable_trial
from tuner.storage.location import locate


@pytest.fixture(autouse=True)
def _forgotten_modules(user_folder: Path) -> Iterator[None]:
    yield
    sys.path[:] = [path for path in sys.path if path != str(user_folder)]
    sys.modules.pop("mytask", None)


def scored(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    yield {"score": trial.config["x"] * trial.settings.get("factor", 1)}


def losing(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    yield {"val_loss": trial.config["x"]}


class Timer:
    """Stands in for the run's time limit: it is over when a trial says so."""

    current: "Timer"

    def __init__(self, seconds: float, act: Callable[..., None], arguments: list[Any]) -> None:
        self.fire = functools.partial(act, *arguments)
        self.daemon = False

    def start(self) -> None:
        Timer.current = self

    def cancel(self) -> None:
        self.fire = functools.partial(lambda: None)


def slow(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    if trial.number == 1:
        Timer.current.fire()
    yield {"score": 1.0}


def shifted(trial: tuner.Trial, by: Any) -> dict[str, float]:
    return {"score": trial.config["x"] + by}


class Scorer:
    def __init__(self, held: object = None) -> None:
        self.held = held

    def __call__(self, trial: tuner.Trial) -> dict[str, float]:
        return self.measure(trial)

    def measure(self, trial: tuner.Trial) -> dict[str, float]:
        return {"score": trial.config["x"]}


def failing(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    raise RuntimeError("no such layer")
    yield {}


def spec(objective: object = scored, name: str = "") -> tuner.StudySpec:
    return tuner.StudySpec(
        objective=objective,  # type: ignore[arg-type]
        search_space=tuner.SearchSpace(x=tuner.Float(0, 1, default=0.5)),
        metric="score",
        name=name,
        budget=tuner.Budget(trials=3, epochs=1),
        executor="inline",
    )


def test_a_study_without_a_name_is_called_like_its_objective() -> None:
    assert tuner.run(spec()).name == "scored"
    assert tuner.load_study("scored").metric == "score"


def test_overrides_count_and_those_that_are_none_do_not() -> None:
    study = tuner.run("mine.toml", name="other", executor="inline", trials=2, epochs=1, seed=None)
    assert study.name == "other"
    assert [list(trial.curve) for trial in study.trials] == [[1], [1]]


def test_settings_reach_the_objective() -> None:
    study = tuner.run(spec(), settings={"factor": 10})
    assert study.trials[0].value == 5


def test_an_override_that_does_not_exist_is_refused_before_anything_is_written(user_folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="trails"):
        tuner.run("mine.toml", executor="inline", trails=3)  # type: ignore[call-arg]
    assert not (user_folder / ".tuner").exists()


def test_mistakes_in_arguments_name_them_all_at_once(user_folder: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        tuner.run("mine.toml", trials=0, time="soon", sampler="tpee", trails=3, log="paper")  # type: ignore[call-arg]
    assert raised.value.problems == (
        "unknown override 'trails'; did you mean 'trials'?",
        "unknown tracker 'paper'",
        "trials: 0 is below 1",
        "time: 'soon' is not a duration; write it as 90s, 10m, 1h30m or 2d",
        "unknown sampler 'tpee'; did you mean 'tpe'?",
    )
    assert not (user_folder / ".tuner").exists()


def test_mistakes_in_data_name_the_arguments(user_folder: Path) -> None:
    (user_folder / "rows.csv").write_text("x,y\n" + "1,2\n" * 40)
    with pytest.raises(ConfigurationError, match=r"^target: there is no column 'z' \(columns: x, y\)$"):
        tuner.run(data="rows.csv", target="z")
    with pytest.raises(ConfigurationError, match=r"^data: there is no no\.csv"):
        tuner.run(data="no.csv", target="z")


def test_mistakes_in_a_spec_and_beside_it_are_told_apart() -> None:
    wrong = dataclasses.replace(spec(), budget=tuner.Budget(trials=-1, seconds="soon"))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError) as raised:
        tuner.run(wrong, trials=0, sampler="tpee")
    assert [problem.partition(" is")[0] for problem in raised.value.problems[:2]] == [
        "trials: 0",
        "the study's spec: budget.seconds: 'soon'",
    ]
    assert "unknown sampler 'tpee'" in raised.value.problems[2]


def test_a_name_that_is_taken_is_refused_and_the_study_can_go_on() -> None:
    tuner.run(spec())
    with pytest.raises(StudyExistsError):
        tuner.run(spec())
    assert len(tuner.load_study("scored").trials) == 3


def test_a_study_is_what_it_was_when_it_was_loaded_until_it_looks_again() -> None:
    study = tuner.run("mine.toml", executor="inline", trials=2)
    tuner.load_study("mine").resume(trials=3)
    assert len(study.trials) == 2
    assert len(study.refresh().trials) == 3


def test_a_study_is_kept_where_it_was_asked_to_be(user_folder: Path) -> None:
    place = str(user_folder / "elsewhere.db")
    study = tuner.run(spec(), storage=place)
    assert len(study.resume(trials=4).trials) == 4
    assert tuner.load_study("scored", place).trials == study.trials
    with pytest.raises(KeyError):
        tuner.load_study("scored")


def test_a_study_whose_trials_all_failed_says_why_they_did() -> None:
    with pytest.raises(NoUsableTrialError, match="3 failed with: RuntimeError: no such layer"):
        tuner.run(spec(failing))
    study = tuner.load_study("failing")
    assert [trial.state for trial in study.trials] == [TrialState.FAIL] * 3
    with pytest.raises(NoUsableTrialError, match="3 failed with: RuntimeError: no such layer"):
        _ = study.best_trial
    assert study.top(3) == ()
    assert repr(study) == "Study('failing', 3 trials, no usable trial)"


def test_a_study_without_a_complete_trial_and_without_a_failure_says_how_to_go_on() -> None:
    study = StudyRecord(name="waiting", goal=MAXIMIZED, space=None, rules=(), spec={}, source={}, notes={})
    error = no_usable_trial(locate(None), study, ())
    assert (error.message, error.hint) == ("no trial of study 'waiting' is complete", "tuner resume waiting")


def test_curves_of_a_metric_that_nobody_measured_are_empty() -> None:
    study = tuner.run("mine.toml", executor="inline", trials=2)
    assert study.learning_curves("unheard_of") == {0: {}, 1: {}}


def test_a_dataframe_has_the_values_of_the_trials() -> None:
    study = tuner.run(spec())
    frame = study.to_dataframe()
    assert list(frame["number"]) == [0, 1, 2]
    assert list(frame["params.x"]) == [trial.config["x"] for trial in study.trials]
    assert list(frame["metrics.score"]) == [trial.value for trial in study.trials]


def test_a_run_that_ended_early_says_so_then_and_later(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TooManyFailuresError, match="5 of 5 trials failed"):
        tuner.run(spec(failing), trials=9)
    assert tuner.load_study("failing").stop_cause is StopCause.FAILURES
    with monkeypatch.context() as replaced:
        replaced.setattr("tuner.running.signals.threading.Timer", Timer)
        with pytest.warns(UserWarning, match="stopped at its time limit, 2 of 9 trials finished"):
            study = tuner.run(spec(slow), trials=9, time=60)
    assert study.stop_cause is tuner.load_study("slow").stop_cause is StopCause.TIME
    assert study.resume(trials=9, time="1h").stop_cause is None
    assert tuner.load_study("slow").stop_cause is None


def test_any_callable_is_an_objective_and_goes_on_as_an_object() -> None:
    def inner(trial: tuner.Trial) -> dict[str, float]:
        return {"score": trial.config["x"]}

    factor = 2
    objectives: dict[str, Any] = {
        "scored": functools.partial(shifted, by=1),
        "Scorer": Scorer(),
        "Scorer.measure": Scorer().measure,
        "lambda": lambda trial: {"score": factor * trial.config["x"]},
        "inner": inner,
    }
    for name, objective in objectives.items():
        study = tuner.run(spec(objective))
        assert study.name == ("shifted" if isinstance(objective, functools.partial) else name)
        assert len(study.resume(trials=4).trials) == 4
        with pytest.raises(ConfigurationError, match="lies in no module") as caught:
            tuner.load_study(study.name).resume(trials=5)
        assert "spec=" in caught.value.hint
        assert len(tuner.load_study(study.name, spec=spec(objective)).resume(trials=5).trials) == 5


def test_what_cannot_be_sent_to_a_worker_is_named_before_anything_is_written(user_folder: Path) -> None:
    lock = threading.Lock()

    def locked(trial: tuner.Trial) -> dict[str, float]:
        with lock:
            return {"score": 1.0}

    for objective, named in (
        (locked, "variable 'lock' is a lock"),
        (functools.partial(shifted, by=lock), "argument 'by' is a lock"),
        (Scorer(lock), "attribute 'held' is a lock"),
        (Scorer(lock).measure, "attribute 'held' is a lock"),
    ):
        with pytest.raises(ConfigurationError, match=named):
            tuner.run(spec(objective), executor="ray")
    assert not (user_folder / ".tuner").exists()


def test_a_spec_made_in_python_is_checked_as_a_study_file_is(user_folder: Path) -> None:
    wrong = dataclasses.replace(
        spec(),
        budget=tuner.Budget(trials=-1, epochs=1.5, seconds="soon"),  # type: ignore[arg-type]
        resources=tuner.Resources(cpu=0, parallel="many"),  # type: ignore[arg-type]
        limits=tuner.Limits(memory="much"),  # type: ignore[arg-type]
        confirm=Confirm(seeds=1),
        executor="process",
        settings={"a": {"b": {1, 2}}, "c": {3: 4}},
    )
    with pytest.raises(ConfigurationError) as caught:
        tuner.run(wrong)
    assert set(caught.value.problems) == {
        "the study's spec: settings.a.b: {1, 2} is a set, which no study can keep; write it as text",
        "the study's spec: settings.c: the key 3 is a int; write it as text",
    }
    with pytest.raises(ConfigurationError) as caught:
        tuner.run(dataclasses.replace(wrong, settings={}))
    text = str(caught.value)
    for part in (
        "budget.trials: -1 is below 1",
        "budget.epochs: 1.5 is not a whole number",
        "budget.seconds: 'soon' is not a duration",
        "resources.cpu: 0 is not above 0",
        "resources.parallel: 'many'",
        "limits.memory: 'much' is not a size",
        "confirm.seeds: 1 is below 2",
        "unknown executor 'process'",
    ):
        assert part in text
    with pytest.raises(ConfigurationError, match=r"objective: .* is neither the name of an objective nor a function"):
        tuner.run(spec([scored]))
    with pytest.raises(ConfigurationError, match="budget: 5 is not a section"):
        tuner.run(dataclasses.replace(spec(), budget=5))  # type: ignore[arg-type]
    assert not (user_folder / ".tuner").exists()


def test_a_spec_made_in_python_may_say_what_a_study_file_says() -> None:
    said = dataclasses.replace(
        spec(),
        sampler={"name": "random"},
        budget=tuner.Budget(trials=np.int64(3), epochs=1, seconds="1h"),  # type: ignore[arg-type]
        limits=tuner.Limits(time="2h"),  # type: ignore[arg-type]
        settings={"factor": np.float32(2), "sizes": (1, 2)},
    )
    study = tuner.run(said)
    assert study.trials[0].value == 1
    assert len(study.resume(trials=4).trials) == 4


def test_a_direction_that_is_not_given_is_that_of_the_name_and_said(caplog: pytest.LogCaptureFixture) -> None:
    study = tuner.run(dataclasses.replace(spec(losing), metric="val_loss"))
    assert study.direction is tuner.Direction.MINIMIZE
    assert "direction: minimize (assumed from the name `val_loss`; set direction to overrule)" in caplog.text
    assert len(study.resume(trials=4).trials) == 4
    with pytest.raises(ConfigurationError, match="nothing says which way 'm' is better; write direction ="):
        tuner.run(dataclasses.replace(spec(losing), metric="m"), name="other")


def test_what_of_the_environment_is_ignored_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", "/not/there")
    there = build_components(dataclasses.replace(spec(), executor="ray"), Path(), StudyFolders.within(Path()))
    assert "TMPDIR=/not/there is not a folder: temporary files are elsewhere" in there.notes
    monkeypatch.delenv("TMPDIR")
    assert build_components(spec(), Path(), StudyFolders.within(Path())).notes == (
        "direction: maximize (assumed from the name `score`; set direction to overrule)",
    )


def test_nothing_stays_of_a_study_that_never_began(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking(*_: object) -> None:
        raise RuntimeError("Ray did not start")

    with monkeypatch.context() as broken:
        broken.setattr(InlineExecutor, "run", breaking)
        with pytest.raises(RuntimeError, match="did not start"):
            tuner.run(spec())
    assert tuner.run(spec()).name == "scored"


def test_an_objective_that_returns_its_metrics_is_complete_whatever_a_scheduler_thinks() -> None:
    study = tuner.run(spec(Scorer().measure), trials=9, epochs=27)
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}
