"""Models of one's own for the cohort benchmark, and a space in which nothing makes a shape."""

import math

import torch
from torch import Tensor, nn

from tuner import Choice, Float, OwnModel, SearchSpace
from tuner.domain.config import Config

_BYTES = 4

one_shape = SearchSpace(
    optimizer=Choice(adamw={"lr": Float(1e-4, 1e-1, log=True), "weight_decay": Float(1e-6, 1e-1, log=True)})
)


class Small(OwnModel):
    """An MLP that learns whether a point lies in a ball."""

    def build(self, config: Config) -> nn.Module:
        return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))

    def examples(self, split: str) -> tuple[Tensor, Tensor] | None:
        if split == "test":
            return None
        generator = torch.Generator().manual_seed(len(split))
        points = torch.randn(1024 if split == "train" else 256, 8, generator=generator)
        return points, (points.norm(dim=1) < math.sqrt(8)).long()


class Wide(Small):
    """The same on `megabytes` of examples, of so many `features`."""

    def build(self, config: Config) -> nn.Module:
        return nn.Sequential(nn.Linear(self.settings["features"], 32), nn.ReLU(), nn.Linear(32, 10))

    def examples(self, split: str) -> tuple[Tensor, Tensor] | None:
        if split == "test":
            return None
        features = self.settings["features"]
        share = 0.8 if split == "train" else 0.2
        count = int(share * self.settings["megabytes"] * 1e6 / _BYTES / features)
        return torch.randn(count, features), torch.randint(10, (count,))
