"""What every tracker that ships promises: what `tuner.testing` says of any, and that it keeps things to itself."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from trackers import READ

from tuner.domain.tracker import Tracker
from tuner.testing import TrackedRun, TrackerConformance
from tuner.testing.tracker import complete, tracked_study
from tuner.tracking.dispatch import TRACKERS

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")  # MLflow's, at its import


class ShippedTracker(TrackerConformance):
    """A tracker of the catalogue, which writes into the storage's folder and nowhere else."""

    name: str

    @pytest.fixture(autouse=True)
    def _no_service(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for variable in ("MLFLOW_TRACKING_URI", "WANDB_MODE", "WANDB_API_KEY"):
            monkeypatch.delenv(variable, raising=False)

    def read(self, place: str, study: str) -> Mapping[str, TrackedRun]:
        return READ[self.name](place, study)

    def test_nothing_is_asked_of_the_network(self, folder: Path, label: str, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[object] = []
        connect = socket.socket.connect

        def watched(self: socket.socket, address: Any) -> None:
            if self.family is not socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
                asked.append(address)
            connect(self, address)

        monkeypatch.setattr(socket.socket, "connect", watched)
        self.written(folder, label, [complete()])
        assert asked == []

    def test_what_is_written_is_for_its_owner_alone(self, folder: Path, label: str) -> None:
        self.written(folder, label, [complete()])
        member: type[Tracker] = self.tracker
        place = member.place("", folder, tracked_study(label)).removeprefix("sqlite:///").partition("#")[0]
        assert Path(place).stat().st_mode & 0o077 == 0


for _name in TRACKERS.names:
    _facts = {"name": _name, "tracker": TRACKERS[_name]}
    globals()[f"Test_{_name}"] = type(f"Test_{_name}", (ShippedTracker,), _facts)


def test_every_tracker_is_read_back() -> None:
    assert set(READ) == set(TRACKERS.names)
