"""So many models of one shape on so many MB of examples: MEMBERS MEGABYTES FEATURES; prints its peak memory in MiB."""

import resource
import sys
from collections.abc import Mapping
from typing import Any

from cohort_models import Wide

from tuner.domain.checkpoints import Checkpoints
from tuner.domain.config import Config
from tuner.domain.trial import Trial


class Forgotten(Checkpoints):
    def save(self, state: Mapping[str, Any]) -> None:
        pass

    def load(self) -> None:
        return None


if __name__ == "__main__":
    members, megabytes, features = map(int, sys.argv[1:])
    settings = {"megabytes": megabytes, "features": features}
    config = Config({"batch_size": 256, "optimizer": {"name": "adamw", "lr": 1e-3}})
    given: dict[str, Any] = {
        "config": config,
        "device": "cpu",
        "epoch": 0,
        "max_epochs": 9,
        "settings": Config(settings),
    }
    cohort = Wide(settings, 0).start(
        [Trial(number=number, seed=number, checkpoints=Forgotten(), **given) for number in range(members)]
    )
    cohort.advance()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
