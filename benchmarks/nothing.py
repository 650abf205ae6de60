"""An objective that computes nothing: what its study takes is what the tuner costs."""

import math
import random
from collections.abc import Iterator

from tuner import Float, SearchSpace, Trial

space = SearchSpace(lr=Float(0, 1))


def train(trial: Trial) -> Iterator[dict[str, float]]:
    for epoch in range(trial.max_epochs):
        yield {"accuracy": trial.config["lr"] * (epoch + 1), "m": trial.config["lr"]}


def learn(trial: Trial) -> Iterator[dict[str, float]]:
    """Learns like a model: the learning rate matters most, and some luck does."""
    draw = random.Random(trial.seed)
    reached = 1.0 - 0.1 * abs(math.log10(trial.config["optimizer"]["lr"]) + 2) - 0.05 * draw.random()
    for epoch in range(trial.max_epochs):
        accuracy = reached * (1 - math.exp(-(epoch + 1) / 4))
        yield {"accuracy": accuracy, "loss": 1 - accuracy}
