"""What every logger promises, read back with the trackers' own means."""

import socket
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from trackers import READ, Run

from tuner import Choice, Direction, Failure, FailureReason, Float, SearchSpace, TrialRecord, TrialState
from tuner.domain.tracker import Entry, LoggedStudy, Logger
from tuner.domain.trial import Report
from tuner.tracking.dispatch import LOGGERS

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")  # MLflow's, at its import

NAMES = LOGGERS.names
SPACE = SearchSpace(x=Float(0, 1), shape=Choice(flat={}, steep={"slope": Float(1, 4), "kind": Choice("a", None)}))
STEEP = SPACE.unflatten({"x": 0.25, "shape": "steep", "shape.steep.slope": 2.0, "shape.steep.kind": "a"})
PARAMS = {"x": "0.25", "shape": "steep", "shape.steep.slope": "2.0", "shape.steep.kind": "a"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage's folder for all: MLflow takes seconds to make a database."""
    return tmp_path_factory.mktemp("storage")


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    for variable in ("MLFLOW_TRACKING_URI", "WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(variable, raising=False)
    return str(request.param)


@pytest.fixture
def label(request: pytest.FixtureRequest) -> str:
    """A study's name, for each test another."""
    return str(request.node.originalname[:60])


def studied(label: str, earlier: Sequence[int] = ()) -> LoggedStudy:
    return LoggedStudy(
        name=label,
        folder_name=f"{label}-0123456789abcdef",
        metric="accuracy",
        direction=Direction.MAXIMIZE,
        space=SPACE,
        earlier=frozenset(earlier),
    )


def logged(
    name: str, folder: Path, label: str, entries: Sequence[Entry], earlier: Sequence[int] = ()
) -> dict[str, Run]:
    """Log `entries` in one run of a study, and return what its tracker then has."""
    study = studied(label, earlier)
    member: type[Logger] = LOGGERS[name]
    place = member.place("", folder, study)
    logger = member(study, place)
    for entry in entries:
        logger.write(entry)
    logger.close()
    return READ[name](place, label)


def trial(number: int = 0, epochs: int = 0, state: TrialState = TrialState.RUNNING, **given: Any) -> TrialRecord:
    curve = {epoch: epoch / 8 for epoch in range(1, epochs + 1)}
    return TrialRecord(
        number=number,
        state=state,
        config=STEEP,
        value=curve.get(epochs),
        epoch=epochs,
        curve=curve,
        started=datetime(2026, 1, 1),  # noqa: DTZ001 - as stored
        **given,
    )


def reports(first: int, last: int, number: int = 0) -> tuple[Report, ...]:
    return tuple(
        Report(number=number, epoch=epoch, metrics={"accuracy": epoch / 8, "loss": 1 - epoch / 8})
        for epoch in range(first, last + 1)
    )


def complete(number: int = 0, epochs: int = 3) -> Entry:
    return Entry(trial=trial(number, epochs, TrialState.COMPLETE), reports=reports(1, epochs, number), ends=True)


def curve(first: int, last: int) -> dict[int, float]:
    return {epoch: epoch / 8 for epoch in range(first, last + 1)}


def test_every_metric_of_every_epoch_is_in_the_trials_run(name: str, folder: Path, label: str) -> None:
    runs = logged(
        name,
        folder,
        label,
        [
            Entry(trial=trial(0)),
            Entry(trial=trial(1, 1), reports=reports(1, 1, 1)),
            Entry(trial=trial(0, 2), reports=reports(1, 2)),
            Entry(trial=trial(0, 3, TrialState.COMPLETE), reports=reports(3, 3), ends=True),
        ],
    )
    assert sorted(runs) == ["trial-00000", "trial-00001"]
    assert runs["trial-00000"].curves == {
        "accuracy": curve(1, 3),
        "loss": {epoch: 1 - epoch / 8 for epoch in (1, 2, 3)},
        "best/accuracy": {3: 0.375},
    }
    assert runs["trial-00001"].curves["accuracy"] == {1: 0.125}


def test_the_configuration_is_there_as_flat_parameters(name: str, folder: Path, label: str) -> None:
    assert logged(name, folder, label, [complete()])["trial-00000"].params == PARAMS


def test_a_run_is_found_by_its_study_and_its_trial(name: str, folder: Path, label: str) -> None:
    facts = logged(name, folder, label, [complete(7)])["trial-00007"].facts
    assert (facts["tuner.study"], facts["tuner.trial"]) == (label, "7")
    assert (facts["tuner.metric"], facts["tuner.direction"], facts["state"]) == ("accuracy", "maximize", "COMPLETE")


def test_how_a_trial_ended_is_told(name: str, folder: Path, label: str) -> None:
    failure = Failure(reason=FailureReason.RAISED, message="ValueError: no such layer")
    runs = logged(
        name,
        folder,
        label,
        [
            Entry(trial=trial(0, 1, TrialState.PRUNED), reports=reports(1, 1), ends=True),
            Entry(trial=trial(1, state=TrialState.FAIL, failure=failure), ends=True),
        ],
    )
    assert runs["trial-00000"].facts["state"] == "PRUNED"
    assert runs["trial-00001"].facts["state"] == "FAIL"
    assert runs["trial-00001"].facts["failure"] == "ValueError: no such layer"


def test_a_trial_that_goes_on_in_a_later_run_of_the_study_goes_on_in_its_run(
    name: str, folder: Path, label: str
) -> None:
    waiting = Entry(trial=trial(0, 2, TrialState.WAITING), reports=reports(1, 2))
    logged(name, folder, label, [waiting])
    done = Entry(trial=trial(0, 4, TrialState.COMPLETE), reports=reports(3, 4), ends=True)
    runs = logged(name, folder, label, [Entry(trial=trial(0, 2)), done], earlier=[0])
    assert list(runs) == ["trial-00000"]
    assert runs["trial-00000"].curves["accuracy"] == curve(1, 4)
    assert runs["trial-00000"].facts["state"] == "COMPLETE"


@pytest.mark.parametrize("at", ["once", "the end"])
def test_the_test_is_in_the_run_of_the_trial_that_was_tested(name: str, folder: Path, label: str, at: str) -> None:
    metrics = {"accuracy": 0.75}
    ended, tested = complete(), Entry(trial=complete().trial, test_metrics=metrics)
    both = Entry(trial=ended.trial, reports=ended.reports, ends=True, test_metrics=metrics)
    label = f"{label} {at}"
    runs = logged(name, folder, label, [both] if at == "once" else [ended, tested])
    assert list(runs) == ["trial-00000"]
    assert runs["trial-00000"].curves["test/accuracy"] == {3: 0.75}
    assert runs["trial-00000"].curves["best/accuracy"] == {3: 0.375}
    assert runs["trial-00000"].facts["state"] == "COMPLETE"


def test_nothing_is_asked_of_the_network(name: str, folder: Path, label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    connect = socket.socket.connect

    def watched(self: socket.socket, address: Any) -> None:
        if self.family is not socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            asked.append(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", watched)
    logged(name, folder, label, [complete()])
    assert asked == []


def test_what_is_written_is_for_its_owner_alone(name: str, folder: Path, label: str) -> None:
    logged(name, folder, label, [complete()])
    place = LOGGERS[name].place("", folder, studied(label)).removeprefix("sqlite:///").partition("#")[0]
    assert Path(place).stat().st_mode & 0o077 == 0


def test_the_command_that_shows_it_names_the_place(name: str, folder: Path) -> None:
    assert str(folder) in LOGGERS[name].opening(LOGGERS[name].place("", folder, studied("s")))


def test_every_logger_is_read_back() -> None:
    assert set(READ) == set(NAMES)
