"""Search a space with branches, rules and defaults, and see what it looks like."""

from collections.abc import Iterator

import tuner
from tuner import Choice, Float, Int, SearchSpace, Trial

space = SearchSpace(
    depth=Int(1, 4, default=2),
    width=Choice(16, 32, 64),
    regularisation=Choice("none", dropout={"rate": Float(0.0, 0.5)}, decay={"strength": Float(1e-6, 1e-1, log=True)}),
).require("no more than 128 units in all", lambda config: config["depth"] * config["width"] <= 128)


def cost(trial: Trial) -> Iterator[dict[str, float]]:
    """Score a configuration by a formula, as a stand-in for training."""
    units = trial.config["depth"] * trial.config["width"]
    regularised = trial.config["regularisation"]
    kind = regularised if isinstance(regularised, str) else regularised["name"]
    yield {"score": units / 128 - 0.1 * (kind == "none")}


if __name__ == "__main__":
    print(space)
    print(space.default)
    spec = tuner.StudySpec(
        objective=cost,
        search_space=space,
        metric="score",
        direction="maximize",
        name="units",
        budget=tuner.Budget(trials=12, epochs=1),
        executor="inline",
    )
    print(tuner.run(spec).best_trial.config)
