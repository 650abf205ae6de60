"""Train trials of your own module together: those with the same shapes are one batched model."""

import torch
from torch import nn

import tuner
from tuner import Choice, Float, OwnModel, SearchSpace
from tuner.domain.config import Config

space = SearchSpace(
    width=Choice(8, 16), optimizer=Choice(adam={"lr": Float(1e-3, 0.3, log=True)}), batch_size=Choice(32, 64)
)


class Ring(OwnModel):
    """Tell whether a point lies in a ring."""

    def build(self, config: Config) -> nn.Module:
        """Return a network of one hidden layer."""
        return nn.Sequential(nn.Linear(2, config["width"]), nn.Tanh(), nn.Linear(config["width"], 2))

    def examples(self, split: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Return points, and whether each lies in the ring."""
        generator = torch.Generator().manual_seed(["train", "validation", "test"].index(split))
        points = 2 * torch.rand(300, 2, generator=generator) - 1
        radius = points.norm(dim=1)
        return points, ((radius > 0.4) & (radius < 0.8)).long()


if __name__ == "__main__":
    spec = tuner.StudySpec(
        objective=Ring,
        search_space=space,
        metric="accuracy",
        name="ring",
        budget=tuner.Budget(trials=12, epochs=9),
        executor="inline",
    )
    study = tuner.run(spec, confirm=False)
    print(study.best_trial.config, study.best_trial.metrics["accuracy"])
    print(study.best_model().predict([[0.6, 0.0], [0.0, 0.0]]))
