"""Studies that have models, one for each kind of network and of answer, trained once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import pytest

import tuner
from tuner import Budget, Choice, SearchSpace, StudySpec

KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "mlp": ("wine", {"architecture": "mlp", "scaling": "robust", "transformation": "quantile"}),
    "cnn": ("digits", {"architecture": "cnn", "scaling": "minmax", "loss": "focal"}),
    "rnn": ("digits_rows", {"architecture": "rnn", "scaling": "none", "loss": "binary_cross_entropy"}),
    "transformer": ("iris", {"architecture": "transformer", "transformation": "power", "cleaning": "mean"}),
    "values": ("diabetes", {"architecture": "mlp", "cleaning": "most_frequent"}),
}
"""A dataset and a configuration for each network and each kind of answer; together they have most of what ships."""


@final
@dataclass(frozen=True, slots=True)
class Place:
    """Where the studies are."""

    storage: str

    def study(self, kind: str) -> tuner.Study:
        study: tuner.Study = tuner.load_study(kind, self.storage)
        return study


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A study of each kind: a trial of one epoch, and two of the first kind."""
    storage = str(tmp_path_factory.mktemp("trained") / "studies.db")
    for kind, (dataset, config) in KINDS.items():
        tuner.run(
            StudySpec(
                name=kind,
                objective="supervised",
                search_space=SearchSpace(
                    batch_size=Choice(64, 128), **{key: Choice(value) for key, value in config.items()}
                ),
                metric="loss",
                direction="minimize",
                settings={"dataset": dataset},
                budget=Budget(trials=2 if kind == "mlp" else 1, epochs=1),
                executor="inline",
            ),
            storage=storage,
        )
    return Place(storage)


@pytest.fixture
def exported(trained: Place, tmp_path: Path) -> Path:
    """The export of the study of irises."""
    folder: Path = trained.study("transformer").export(tmp_path / "model")
    return folder
