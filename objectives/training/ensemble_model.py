"""An ensemble as one model: the weighted average of what several networks answer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, final

import numpy as np

from tuner.domain.config import Config
from tuner.domain.model import SavedModel
from tuner.objectives.datasets._dataset import Array
from tuner.objectives.training.answering_model import AnsweringModel
from tuner.objectives.training.calibration import UNCALIBRATED, Calibration
from tuner.objectives.training.output_decoder import CALIBRATION
from tuner.objectives.training.predictor import TrainedModel
from tuner.objectives.training.predictor_io import PreparedInputs
from tuner.objectives.training.predictor_io import restored as restored_one
from tuner.objectives.training.weights import Weights

MEMBERS = "members"
"""Where a saved ensemble has the descriptions of its members, and what prepares their inputs."""

_MOST_MEMBERS = 1000


@final
class EnsembleModel(AnsweringModel):
    """Models of one dataset, each with how often it counts; probabilities or values are averaged."""

    def __init__(
        self, members: Sequence[TrainedModel], counts: Sequence[int], calibration: Calibration = UNCALIBRATED
    ) -> None:
        super().__init__(replace(members[0].answers, calibration=calibration))
        self._members = tuple(members)
        self._counts = tuple(counts)

    @property
    def columns(self) -> tuple[str, ...] | None:
        return self._members[0].columns

    def doubts(self, inputs: Any) -> Sequence[str]:
        return self._members[0].doubts(inputs)

    @property
    def weights(self) -> int:
        """How many weights all members have."""
        return sum(member.weights for member in self._members)

    def latency_ms(self) -> float:
        """Return how long all networks take for one example, one after the other, in milliseconds."""
        return sum(member.latency_ms() for member in self._members)

    def raw_answers(self, inputs: Any) -> Array:
        first = self._members[0].inputs
        assert isinstance(first, PreparedInputs)
        features = first.read(inputs)  # once: the members differ in what comes after
        return averaged((member.answers_to(_prepared(member, features)) for member in self._members), self._counts)

    def save(self) -> SavedModel:
        saved = [member.save() for member in self._members]
        described = [
            {"count": count, "config": dict(each.config), "description": dict(each.description)}
            for count, each in zip(self._counts, saved, strict=True)
        ]
        weights = {f"{at}.{name}": tensor for at, each in enumerate(saved) for name, tensor in each.weights.items()}
        first = saved[0]
        common = {key: first.description[key] for key in ("task", "classes", "inputs")}
        return SavedModel(
            config=first.config,
            settings=first.settings,
            seed=first.seed,
            description={**common, MEMBERS: described, CALIBRATION: self._answers.calibration.describe()},
            weights=weights,
            preparation={MEMBERS: [dict(each.preparation) for each in saved]},
        )

    def __repr__(self) -> str:
        what = f"{len(self.classes_)} classes" if self.is_classifier else "values"
        return f"EnsembleModel({what}, {len(self._members)} networks, {self.weights:,} weights)"


def averaged(answers: Iterator[Array], counts: Sequence[int]) -> Array:
    """Return the average of arrays that each count so often, in the precision of the first."""
    total: Any = 0.0
    precision: Any = np.float64
    for each, count in zip(answers, counts, strict=True):
        total = total + count * each.astype(np.float64)
        precision = each.dtype
    return np.asarray(total / sum(counts), dtype=precision)


def _prepared(member: TrainedModel, features: Any) -> Any:
    assert isinstance(member.inputs, PreparedInputs)  # as those of all supervised models
    return member.inputs.prepared(features)


def restored(saved: SavedModel) -> AnsweringModel:
    """Return the model that was saved, one network or several; raises `ValueError` where it makes no sense."""
    described = saved.description.get(MEMBERS)
    if described is None:
        return restored_one(saved)
    preparations = saved.preparation[MEMBERS]
    if not 0 < len(described) <= _MOST_MEMBERS or len(preparations) != len(described):
        raise ValueError(f"an ensemble of {len(described)} models, of which {len(preparations)} have what they need")
    members = [restored_one(_saved_member(saved, at, each)) for at, each in enumerate(described)]
    counts = [int(each["count"]) for each in described]
    if min(counts) < 1:
        raise ValueError("a model that counts less than once is in no ensemble")
    return EnsembleModel(members, counts, Calibration.of(saved.description[CALIBRATION]))


def _saved_member(saved: SavedModel, at: int, described: Mapping[str, Any]) -> SavedModel:
    assert isinstance(saved.weights, Weights)  # as what is loaded is
    return SavedModel(
        config=Config(described["config"]),
        settings=saved.settings,
        seed=saved.seed,
        description=described["description"],
        weights=saved.weights.below(f"{at}."),
        preparation=saved.preparation[MEMBERS][at],
    )
