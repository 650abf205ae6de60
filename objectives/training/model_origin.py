"""What a trained model was made from, beside its data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from tuner.domain.config import Config
from tuner.domain.model import SavedModel


@final
@dataclass(frozen=True, slots=True)
class ModelOrigin:
    """The configuration of a model, the settings of its objective, and its study's seed."""

    config: Config
    settings: Config
    seed: int

    @staticmethod
    def of(config: Config, settings: Config, seed: int) -> "ModelOrigin":
        """Return the origin without the folder of the training data, which an exported model does not disclose."""
        return ModelOrigin(config, Config({**settings, "dataset": Path(str(settings.get("dataset", ""))).name}), seed)

    def saved(
        self, description: Mapping[str, Any], weights: Mapping[str, Any], preparation: Mapping[str, Any]
    ) -> SavedModel:
        """Return the model that was made from it as it is stored."""
        return SavedModel(
            config=self.config,
            settings=self.settings,
            seed=self.seed,
            description=description,
            weights=weights,
            preparation=preparation,
        )
