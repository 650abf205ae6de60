"""An objective that trains a module of the zoo."""

import torch
from torch import Tensor, nn
from zoo import ZOO

from tuner import OwnModel
from tuner.domain.config import Config


def some_inputs(kind: str, count: int, generator: torch.Generator) -> Tensor:
    if kind == "tokens":
        return torch.randint(0, 9, (count, 5), generator=generator)
    shape = {"vectors": (4,), "sequences": (5, 3), "images": (1, 6, 6)}[kind]
    return torch.randn(count, *shape, generator=generator)


class OfTheZoo(OwnModel):
    """Tells three classes apart with a module of the zoo, which the settings name."""

    def build(self, config: Config) -> nn.Module:
        return ZOO[self.settings["case"]].build(config)

    def examples(self, split: str) -> tuple[Tensor, Tensor] | None:
        generator = torch.Generator().manual_seed(["train", "validation", "test"].index(split))
        inputs = some_inputs(ZOO[self.settings["case"]].reads, 42 if split == "train" else 24, generator)
        sums = inputs.float().flatten(1).sum(1)
        return inputs, (sums > -0.5).long() + (sums > 0.5).long()
