"""Tune a training loop of your own: a generator that yields its metrics after each epoch."""

from collections.abc import Iterator

import torch
from torch import nn

import tuner
from tuner import Choice, Float, Int, SearchSpace, Trial

space = SearchSpace(
    width=Int(4, 32, log=True),
    optimizer=Choice(
        sgd={"lr": Float(1e-2, 1.0, log=True), "momentum": Float(0.0, 0.9)}, adam={"lr": Float(1e-3, 0.1, log=True)}
    ),
)


def train(trial: Trial) -> Iterator[dict[str, float]]:
    """Fit a sine; after an interruption, continue from what was saved."""
    inputs = torch.linspace(-3, 3, 200)[:, None]
    torch.manual_seed(trial.seed)
    model = nn.Sequential(nn.Linear(1, trial.config["width"]), nn.Tanh(), nn.Linear(trial.config["width"], 1))
    options = dict(trial.config["optimizer"])
    kind: type[torch.optim.Optimizer] = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[options.pop("name")]
    optimizer = kind(model.parameters(), **options)
    if (state := trial.load()) is not None:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
    for _ in range(trial.epoch, trial.max_epochs):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), inputs.sin())
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        trial.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()})
        yield {"loss": loss.item()}


if __name__ == "__main__":
    spec = tuner.StudySpec(
        objective=train,
        search_space=space,
        metric="loss",
        name="sine",
        budget=tuner.Budget(trials=8, epochs=9),
        executor="inline",
    )
    print(tuner.run(spec).best_trial)
