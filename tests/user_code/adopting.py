"""An objective that reports a parameter, with a space that has a branch."""

from collections.abc import Iterator

from tuner import Choice, Float, Int, SearchSpace, Trial

space = SearchSpace(x=Float(0, 1), kind=Choice(plain={}, deep={"depth": Int(1, 3)}))


def train(trial: Trial) -> Iterator[dict[str, float]]:
    for _ in range(trial.epoch, trial.max_epochs):
        yield {"m": trial.config["x"]}
