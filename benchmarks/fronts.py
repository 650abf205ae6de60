"""What samplers make of several metrics and of constraints: the front they find, and how much they propose in vain.

Nothing is trained: accuracy is made up from the configuration, so that larger models are better as far as their
optimizer suits them. Run it as `python benchmarks/fronts.py [--seeds 8] [--trials 100]`.
"""

import argparse
import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

from tuner import Choice, Direction, Float, Int, SearchSpace
from tuner.domain.config import Config
from tuner.domain.goal import PARAMETERS, Goal
from tuner.domain.ranking import front
from tuner.domain.trial import TrialRecord, TrialState
from tuner.running.lookup import SAMPLERS

SPACE = SearchSpace(
    architecture=Choice(
        mlp={"width": Int(4, 256, log=True), "depth": Int(1, 4)},
        cnn={"channels": Int(2, 64, log=True)},
    ),
    optimizer=Choice(
        adam={"lr": Float(1e-4, 1e-1, log=True)},
        sgd={"lr": Float(1e-3, 1.0, log=True), "momentum": Float(0.0, 0.99)},
    ),
    dropout=Float(0.0, 0.5),
    batch_size=Choice(16, 32, 64),
)
FRONT = Goal(metrics=("accuracy", PARAMETERS), directions=(Direction.MAXIMIZE, Direction.MINIMIZE))
BOUND = Goal.of("accuracy", Direction.MAXIMIZE, f"{PARAMETERS} <= 1000")
LARGEST = 6.0
"""The decimal logarithm of more weights than any model has."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--trials", type=int, default=100)
    asked = parser.parse_args()
    print(f"{asked.trials} trials, mean of {asked.seeds} seeds", f"{'sampler':14} area  in vain", sep="\n")
    for name in ("random", "quasi_random", "tpe", "gp"):
        areas = [area(run(name, FRONT, asked.trials, seed)) for seed in range(asked.seeds)]
        late = [run(name, BOUND, asked.trials, seed)[asked.trials // 2 :] for seed in range(asked.seeds)]
        vain = fmean(bool(BOUND.violated(record.metrics)) for records in late for record in records)
        print(f"{name:14} {fmean(areas):.3f}    {vain:.0%}")


def run(name: str, goal: Goal, trials: int, seed: int) -> list[TrialRecord]:
    """Return the trials of one study, each told before the next is asked for."""
    sampler = SAMPLERS[name](SPACE, goal, seed)
    records = []
    for number in range(trials):
        config = sampler.suggest(number) if number else SPACE.default
        metrics = measured(config)
        record = TrialRecord(
            number=number,
            state=TrialState.PRUNED if goal.broken_for_good(metrics) else TrialState.COMPLETE,
            config=config,
            value=metrics["accuracy"],
            epoch=1,
            metrics=metrics,
            curve={1: metrics["accuracy"]},
        )
        sampler.observe(record)
        records.append(record)
    return records


def measured(config: Config) -> dict[str, float]:
    """Return what a configuration would measure."""
    weights, gain = _model(config["architecture"])
    optimizer = config["optimizer"]
    if optimizer["name"] == "adam":
        unsuited = abs(math.log10(optimizer["lr"]) + 2.5)
    else:
        unsuited = abs(math.log10(optimizer["lr"]) + 1) + abs(optimizer["momentum"] - 0.9)
    strength = 1.2 * gain * math.log10(weights) - 3 - unsuited - 2 * abs(config["dropout"] - 0.2)
    return {"accuracy": 1 / (1 + math.exp(-strength)), PARAMETERS: float(weights)}


def area(records: Sequence[TrialRecord]) -> float:
    """Return the area that the front dominates: accuracy from 0, by the decimal logarithm of the weights."""
    found = sorted((each.metrics[PARAMETERS], each.metrics["accuracy"]) for each in front(records, FRONT))
    edges = [*(math.log10(weights) for weights, _ in found), LARGEST]
    widths = [right - left for left, right in pairwise(edges)]
    return sum(width * accuracy for width, (_, accuracy) in zip(widths, found, strict=True))


def _model(architecture: Config) -> tuple[int, float]:
    """Return how many weights a model has, and how much it makes of them."""
    if architecture["name"] == "mlp":
        width = architecture["width"]
        return 64 * width + width**2 * (architecture["depth"] - 1), 1.0
    channels = architecture["channels"]
    return 9 * channels**2 + 40 * channels, 1.1


if __name__ == "__main__":
    main()
