"""What every experiment tracker promises, read back with the tracker's own means."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, final

import pytest

from tuner.domain.choice import Choice
from tuner.domain.number import Float
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import Direction
from tuner.domain.tracker import Entry, TrackedStudy, Tracker
from tuner.domain.trial import Failure, FailureReason, Report, TrialRecord, TrialState

_SPACE = SearchSpace(x=Float(0, 1), shape=Choice(flat={}, steep={"slope": Float(1, 4), "kind": Choice("a", None)}))
_STEEP = _SPACE.unflatten({"x": 0.25, "shape": "steep", "shape.steep.slope": 2.0, "shape.steep.kind": "a"})


@final
@dataclass
class TrackedRun:
    """A run as it is read back: `curves` are metrics by epoch, `facts` its state, its failure and `tags(...)`."""

    params: dict[str, str] = field(default_factory=dict)
    curves: dict[str, dict[int, float]] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)


class TrackerConformance(ABC):
    """Tests of a class that inherits `tuner.Tracker`, written to the usual place in an empty folder."""

    tracker: ClassVar[type[Tracker]]
    """The class to test."""

    @abstractmethod
    def read(self, place: str, study: str) -> Mapping[str, TrackedRun]:
        """Return the runs of the study that were written to `place`, by their names, such as `trial-00007`."""

    @pytest.fixture(scope="class")
    @classmethod
    def folder(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Return a storage's folder for all tests of the class: to make a tracker's database may take seconds."""
        return tmp_path_factory.mktemp("storage")

    @pytest.fixture
    def label(self, request: pytest.FixtureRequest) -> str:
        """Return a study's name, for each test another."""
        return str(request.node.name[:60])

    def test_every_metric_of_every_epoch_is_in_the_trials_run(self, folder: Path, label: str) -> None:
        entries = [
            Entry(trial=_trial(0)),
            Entry(trial=_trial(1, 1), reports=_reports(1, 1, 1)),
            Entry(trial=_trial(0, 2), reports=_reports(1, 2)),
            Entry(trial=_trial(0, 3, TrialState.COMPLETE), reports=_reports(3, 3), ends=True),
        ]
        runs = self.written(folder, label, entries)
        assert sorted(runs) == ["trial-00000", "trial-00001"]
        assert runs["trial-00000"].curves == {
            "accuracy": _curve(1, 3),
            "loss": {epoch: 1 - epoch / 8 for epoch in (1, 2, 3)},
            "best/accuracy": {3: 0.375},
        }
        assert runs["trial-00001"].curves["accuracy"] == {1: 0.125}

    def test_the_configuration_is_there_as_flat_parameters(self, folder: Path, label: str) -> None:
        params = self.written(folder, label, [complete()])["trial-00000"].params
        assert params == {"x": "0.25", "shape": "steep", "shape.steep.slope": "2.0", "shape.steep.kind": "a"}

    def test_a_run_is_found_by_its_study_and_its_trial(self, folder: Path, label: str) -> None:
        facts = self.written(folder, label, [complete(7)])["trial-00007"].facts
        assert (facts["tuner.study"], facts["tuner.trial"]) == (label, "7")
        assert (facts["tuner.metric"], facts["tuner.direction"], facts["state"]) == ("accuracy", "maximize", "COMPLETE")

    def test_it_says_how_a_trial_ended(self, folder: Path, label: str) -> None:
        failure = Failure(reason=FailureReason.RAISED, message="ValueError: no such layer")
        entries = [
            Entry(trial=_trial(0, 1, TrialState.PRUNED), reports=_reports(1, 1), ends=True),
            Entry(trial=_trial(1, state=TrialState.FAIL, failure=failure), ends=True),
        ]
        runs = self.written(folder, label, entries)
        assert runs["trial-00000"].facts["state"] == "PRUNED"
        assert runs["trial-00001"].facts["state"] == "FAIL"
        assert runs["trial-00001"].facts["failure"] == "ValueError: no such layer"

    def test_a_trial_that_continues_in_a_later_run_of_the_study_has_one_run(self, folder: Path, label: str) -> None:
        waiting = Entry(trial=_trial(0, 2, TrialState.WAITING), reports=_reports(1, 2))
        self.written(folder, label, [waiting])
        done = Entry(trial=_trial(0, 4, TrialState.COMPLETE), reports=_reports(3, 4), ends=True)
        runs = self.written(folder, label, [Entry(trial=_trial(0, 2)), done], earlier=[0])
        assert list(runs) == ["trial-00000"]
        assert runs["trial-00000"].curves["accuracy"] == _curve(1, 4)
        assert runs["trial-00000"].facts["state"] == "COMPLETE"

    @pytest.mark.parametrize("at", ["once", "the end"])
    def test_the_test_metrics_are_in_the_run_of_the_tested_trial(self, folder: Path, label: str, at: str) -> None:
        metrics = {"accuracy": 0.75}
        ended, tested = complete(), Entry(trial=complete().trial, test_metrics=metrics)
        both = Entry(trial=ended.trial, reports=ended.reports, ends=True, test_metrics=metrics)
        runs = self.written(folder, label, [both] if at == "once" else [ended, tested])
        assert list(runs) == ["trial-00000"]
        assert runs["trial-00000"].curves["test/accuracy"] == {3: 0.75}
        assert runs["trial-00000"].curves["best/accuracy"] == {3: 0.375}
        assert runs["trial-00000"].facts["state"] == "COMPLETE"

    def test_the_command_that_shows_it_names_the_place(self, folder: Path) -> None:
        assert str(folder) in self.tracker.opening(self.tracker.place("", folder, tracked_study("s")))

    def written(
        self, folder: Path, label: str, entries: Sequence[Entry], earlier: Sequence[int] = ()
    ) -> Mapping[str, TrackedRun]:
        """Write `entries` in one run of a study, and return what its tracker then has."""
        study = tracked_study(label, earlier)
        place = self.tracker.place("", folder, study)
        tracker = self.tracker(study, place)
        for entry in entries:
            tracker.write(entry)
        tracker.close()
        return self.read(place, label)


def tracked_study(label: str, earlier: Sequence[int] = ()) -> TrackedStudy:
    """Return a study of that name, in which the trials `earlier` were stored before."""
    return TrackedStudy(
        name=label,
        folder_name=f"{label}-0123456789abcdef",
        metric="accuracy",
        direction=Direction.MAXIMIZE,
        space=_SPACE,
        earlier=frozenset(earlier),
    )


def complete(number: int = 0, epochs: int = 3) -> Entry:
    """Return the only entry of a trial that was trained to its last epoch."""
    return Entry(trial=_trial(number, epochs, TrialState.COMPLETE), reports=_reports(1, epochs, number), ends=True)


def _trial(number: int = 0, epochs: int = 0, state: TrialState = TrialState.RUNNING, **given: Any) -> TrialRecord:
    curve = _curve(1, epochs)
    return TrialRecord(
        number=number,
        state=state,
        config=_STEEP,
        value=curve.get(epochs),
        epoch=epochs,
        curve=curve,
        started=datetime(2026, 1, 1),  # noqa: DTZ001 - as stored
        **given,
    )


def _reports(first: int, last: int, number: int = 0) -> tuple[Report, ...]:
    return tuple(
        Report(number=number, epoch=epoch, metrics={"accuracy": epoch / 8, "loss": 1 - epoch / 8})
        for epoch in range(first, last + 1)
    )


def _curve(first: int, last: int) -> dict[int, float]:
    return {epoch: epoch / 8 for epoch in range(first, last + 1)}
