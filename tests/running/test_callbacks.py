"""Callbacks of a person's own are called with what happened, cannot break a study, and can stop it on purpose."""

from collections.abc import Iterator, Sequence
from typing import Any, final

import pytest

import tuner
from tuner import Callback, StopCause, StopStudy, TrialRecord, TrialState
from tuner.domain.errors import ConfigurationError
from tuner.storage.store import open_store

pytestmark = pytest.mark.usefixtures("workplace")

SPACE = tuner.SearchSpace(x=tuner.Float(0, 1))


def train(trial: tuner.Trial) -> Iterator[dict[str, float]]:
    if trial.number == 2:
        raise ValueError("unlucky")
    for epoch in range(trial.epoch, trial.max_epochs):
        yield {"score": trial.config["x"] + epoch, "seconds": 1.0}


def spec(scheduler: str = "none", **given: Any) -> tuner.StudySpec:
    return tuner.StudySpec(
        objective=train,
        search_space=SPACE,
        metric="score",
        direction="maximize",
        name="called",
        budget=tuner.Budget(trials=4, epochs=2),
        executor="inline",
        scheduler=scheduler,
        **given,
    )


@final
class Diary(Callback):
    """Writes down every call, and checks that what it is called with is stored already."""

    def __init__(self, stops_at: int | None = None, fails_at: str = "") -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._stops_at = stops_at
        self._fails_at = fails_at

    def trial_started(self, trial: TrialRecord) -> None:
        self._note("started", trial.number, trial.last_epoch)

    def trial_reported(self, trial: TrialRecord, metrics: Any) -> None:
        assert stored(trial.number).curve[trial.last_epoch] == metrics["score"]
        self._note("reported", trial.number, trial.last_epoch, metrics["score"] == trial.curve[trial.last_epoch])

    def trial_finished(self, trial: TrialRecord) -> None:
        assert stored(trial.number).state is trial.state
        self._note("finished", trial.number, trial.state)
        if trial.number == self._stops_at:
            raise StopStudy

    def study_finished(self, trials: Sequence[TrialRecord], stop_cause: StopCause | None) -> None:
        self._note("study", len(trials), stop_cause)

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if call[0] == self._fails_at:
            raise RuntimeError(f"no line {len(self.calls)}")


def stored(number: int) -> TrialRecord:
    return open_store(None).read("called")[1][number]


def of(number: int, *, state: TrialState = TrialState.COMPLETE) -> list[tuple[Any, ...]]:
    reports = [("reported", number, epoch, True) for epoch in (1, 2)] if state is TrialState.COMPLETE else []
    return [("started", number, 0), *reports, ("finished", number, state)]


def test_a_callback_is_called_with_everything_that_happened_once_it_is_stored() -> None:
    diary = Diary()
    tuner.run(spec(), callbacks=[diary])
    assert diary.calls == [*of(0), *of(1), *of(2, state=TrialState.FAIL), *of(3), ("study", 4, None)]


def test_an_exception_in_a_callback_is_said_once_with_its_line_and_the_study_continues() -> None:
    broken, diary = Diary(fails_at="reported"), Diary()
    with pytest.warns(UserWarning, match=r"Diary\.trial_reported raised RuntimeError: no line 2") as warned:
        study = tuner.run(spec(), callbacks=[broken, diary])
    assert len(warned) == 1
    assert "test_callbacks.py:" in str(warned[0].message)
    assert "raise RuntimeError(f" in str(warned[0].message)
    assert study.stop_cause is None
    assert broken.calls == diary.calls


def test_a_callback_stops_the_study_on_purpose_and_it_is_resumed_with_callbacks() -> None:
    diary = Diary(stops_at=0)
    study = tuner.run(spec(), callbacks=[diary])
    assert study.stop_cause is StopCause.CALLBACK
    assert diary.calls == [*of(0), *of(1), ("study", 2, StopCause.CALLBACK)]  # trial 1 had begun with that report
    again = Diary()
    resumed = tuner.load_study("called", spec=spec()).resume(callbacks=[again])
    assert resumed.stop_cause is None
    assert again.calls == [*of(2, state=TrialState.FAIL), *of(3), ("study", 4, None)]


def test_what_runs_when_a_callback_stops_the_study_is_put_back_and_continues() -> None:
    diary = Diary(fails_at="started")

    @final
    class Impatient(Callback):
        def trial_started(self, trial: TrialRecord) -> None:
            raise StopStudy(f"at trial {trial.number}")

    with pytest.raises(tuner.NoUsableTrialError):
        tuner.run(spec("asha"), callbacks=[Impatient()])
    assert stored(0).state is TrialState.WAITING
    study = tuner.load_study("called", spec=spec("asha"))
    with pytest.warns(UserWarning, match="raised RuntimeError"):
        study.resume(callbacks=[diary])
    assert [call[1] for call in diary.calls if call[0] == "finished"] == [0, 1, 2, 3]


def test_failed_trials_that_are_retried_are_told_to_callbacks_too() -> None:
    tuner.run(spec())
    diary = Diary()
    tuner.load_study("called", spec=spec()).retry(callbacks=[diary])
    assert diary.calls == [*of(2, state=TrialState.FAIL), ("study", 4, None)]


def test_repetitions_of_a_confirmation_call_no_callback() -> None:
    diary = Diary()
    study = tuner.run(spec(confirm=tuner.domain.study.Confirm(run=True, top=2, seeds=2)), callbacks=[diary])
    assert study.confirmation is not None
    assert sum(call[0] == "finished" for call in diary.calls) == 4
    assert diary.calls[-1] == ("study", 4, None)


def test_a_study_that_has_nothing_left_calls_no_callback() -> None:
    tuner.run(spec())
    diary = Diary()
    tuner.load_study("called", spec=spec()).resume(callbacks=[diary])
    assert diary.calls == []


def test_a_program_that_asks_and_tells_has_callbacks_too_and_they_may_look_at_the_study() -> None:
    diary = Diary(stops_at=1)
    with tuner.create_study(SPACE, metric="score", direction="maximize", name="called", callbacks=[diary]) as study:
        while (trial := study.ask()) is not None:
            study.tell(trial, {"score": trial.config["x"]})
        assert study.is_finished
        assert study.stop_cause is StopCause.CALLBACK
    started = [("started", 0, 0), ("reported", 0, 1, True), ("finished", 0, TrialState.COMPLETE)]
    assert diary.calls[:3] == started
    assert diary.calls[-1] == ("study", 2, StopCause.CALLBACK)


def test_what_is_no_callback_is_said_before_anything_is_stored_with_all_other_mistakes() -> None:
    with pytest.raises(ConfigurationError) as raised:
        tuner.run(spec(), trials=0, callbacks=[Diary, 3])  # type: ignore[list-item]
    told = "\n".join(raised.value.problems)
    for part in ("is a class: give an instance", "callbacks[1]: 3 does not inherit tuner.Callback", "trials: 0"):
        assert part in told
    for no_list in (Diary(), Diary, None, "diary"):
        with pytest.raises(ConfigurationError, match="give a list"):
            tuner.run(spec(), callbacks=no_list)  # type: ignore[arg-type]
    assert open_store(None).names == ()
