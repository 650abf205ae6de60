"""How far a study's answer can be trusted: do its intervals hold on rows of data that it never saw?

    python benchmarks/trust.py [--splits 5] [--trainings 10] [--trials 20] [--epochs 9]

Of each data set that ships with scikit-learn, 40 % of the rows are cut off first, several times anew. The rest is
searched and confirmed as `tuner run` does it. The winner and the default configuration are then trained again with
further seeds on the same split, and measured on the rows that were cut off: that is the truth which the intervals of
the value on validation rows, of the value on the test split and of both gains have to hold. The truth has noise of its
own, since the rows that were cut off are few.

`--noise` prints instead how often the intervals hold in simulated studies of five equally good configurations, by the
kind of noise and the number of seeds: no training, a minute.
"""

import argparse
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd
from sklearn import datasets

import tuner
from tuner.analysis.confirmation import confirmation_of
from tuner.analysis.estimate import Estimate
from tuner.domain.checkpoints import Checkpoints
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.seed import derive
from tuner.objectives.supervised import Supervised

STUDIES = {
    "wine": ("accuracy", "maximize"),
    "breast_cancer": ("accuracy", "maximize"),
    "digits": ("accuracy", "maximize"),
    "diabetes": ("rmse", "minimize"),
}
HELD_OUT = 0.4
SIMULATED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Which intervals of one study hold the truth on the rows that were cut off; None for an interval there is not."""

    dataset: str
    seeds: bool
    value: bool
    test: bool | None
    gain: bool | None
    test_gain: bool | None
    seed_margin: float
    margin: float
    optimism: float


CLAIMS = ("seeds", "value", "test", "gain", "test_gain")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--splits", type=int, default=5, help="of each data set")
    parser.add_argument("--trainings", type=int, default=10, help="fresh trainings of the winner and of the default")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--datasets", nargs="*", default=[*STUDIES], choices=[*STUDIES])
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--noise", action="store_true", help="simulated studies in place of real ones")
    arguments = parser.parse_args()
    if arguments.noise:
        print_noise()
        return
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(arguments.workers) as pool:
        tasks = [(dataset, seed) for dataset in arguments.datasets for seed in range(arguments.splits)]
        places = [Path(folder) / f"{dataset}-{seed}" for dataset, seed in tasks]
        outcomes = [*pool.map(study, *zip(*tasks, strict=True), places, [arguments] * len(tasks))]
    print_outcomes(outcomes)


def print_outcomes(outcomes: list[Outcome]) -> None:
    print(f"{'share of intervals that hold':<30}{'seeds only':>11}{'value':>8}{'test':>8}{'gain':>8}{'test gain':>11}")
    for dataset in [*dict.fromkeys(each.dataset for each in outcomes), "all"]:
        own = [each for each in outcomes if dataset in (each.dataset, "all")]
        shares = [share([getattr(each, claim) for each in own]) for claim in CLAIMS]
        widths = [
            statistics.mean(getattr(each, name) for each in own) for name in ("seed_margin", "margin", "optimism")
        ]
        extra = "" if dataset == "all" else "  half width {:.4f} -> {:.4f}, too good by {:.4f}".format(*widths)
        name = f"{dataset}, {len(own)} splits"
        print(f"{name:<30}{shares[0]:>11}{shares[1]:>8}{shares[2]:>8}{shares[3]:>8}{shares[4]:>11}{extra}")


def share(held: list[bool | None]) -> str:
    """Return the share of intervals that hold, of those there are."""
    known = [each for each in held if each is not None]
    return f"{statistics.mean(known):.2f}" if known else "-"


def study(dataset: str, seed: int, place: Path, arguments: argparse.Namespace) -> Outcome:
    """Run one study on a part of the rows, and measure its winner and its default on the others."""
    place.mkdir()
    os.chdir(place)
    metric, direction = STUDIES[dataset]
    frame = rows_of(dataset).sample(frac=1, random_state=seed)
    cut = round(HELD_OUT * len(frame))
    frame.iloc[cut:].to_csv("seen.csv", index=False)
    spec = tuner.StudySpec(
        name=f"{dataset}-{seed}",
        objective="supervised",
        search_space="tabular_classifier" if metric == "accuracy" else "tabular_regressor",
        metric=metric,
        direction=direction,
        seed=seed,
        settings={"dataset": str(place / "seen.csv"), "target": "target"},
        budget=tuner.Budget(trials=arguments.trials, epochs=arguments.epochs),
        executor="inline",
    )
    answer = tuner.run(spec).confirmation
    assert answer is not None
    sign, held_out = tuner.Direction(direction).sign, frame.iloc[:cut]
    truth = fresh(spec, answer.winner.config, held_out, arguments)
    default = truth if answer.default is None else fresh(spec, answer.default.config, held_out, arguments)
    estimate, test = answer.winner.estimate, answer.test.get(metric)
    return Outcome(
        dataset=dataset,
        seeds=abs(truth - estimate.mean) <= estimate.seed_margin,
        value=holds(estimate, truth),
        test=None if test is None else holds(test, truth),
        gain=None if answer.gain is None else holds(answer.gain, sign * (truth - default)),
        test_gain=None if answer.test_gain is None else holds(answer.test_gain, sign * (truth - default)),
        seed_margin=estimate.seed_margin,
        margin=estimate.margin,
        optimism=sign * (estimate.mean - truth),
    )


def holds(estimate: Estimate, truth: float) -> bool:
    return estimate.low <= truth <= estimate.high


def rows_of(dataset: str) -> pd.DataFrame:
    """Return a data set as a table, with classes as text: numbers would be predicted as values."""
    loaded = getattr(datasets, f"load_{dataset}")(as_frame=True)
    frame = loaded.frame.rename(columns=lambda name: str(name).replace(" ", "_"))
    if STUDIES[dataset][0] == "accuracy":
        frame["target"] = "class " + frame["target"].astype(str)
    return frame


@final
class InMemory(Checkpoints):
    """Keeps the last state that was saved."""

    def __init__(self) -> None:
        self._state: Mapping[str, Any] | None = None

    def save(self, state: Mapping[str, Any]) -> None:
        self._state = state

    def load(self) -> Mapping[str, Any] | None:
        return self._state


def fresh(spec: tuner.StudySpec, config: Config, held_out: pd.DataFrame, arguments: argparse.Namespace) -> float:
    """Return the mean, on the rows held out, of trainings with seeds that the study knows nothing of.

    Each is taken at its best epoch on the validation rows, as the study does it.
    """
    objective, sign = Supervised(spec.settings, spec.seed), tuner.Direction(spec.direction).sign
    values = []
    for number in range(arguments.trainings):
        trial = tuner.Trial(
            config=config,
            number=number,
            seed=derive(spec.seed, "truth", number),
            device="cpu",
            epoch=0,
            max_epochs=arguments.epochs,
            settings=Config(spec.settings),
            checkpoints=InMemory(),
        )
        cohort, best = objective.start([trial]), -np.inf
        for _ in range(arguments.epochs):
            metrics = cohort.advance()[number]
            assert isinstance(metrics, Mapping)
            if sign * metrics[spec.metric] > best:
                best = sign * metrics[spec.metric]
                cohort.save([number])
        values.append(measured(objective, trial, held_out, spec.metric))
    return statistics.mean(values)


def measured(objective: Supervised, trial: tuner.Trial, held_out: pd.DataFrame, metric: str) -> float:
    predicted = np.asarray(objective.model(trial).predict(held_out.drop(columns="target")))
    targets = held_out["target"].to_numpy()
    if metric == "accuracy":
        return float((predicted == targets).mean())
    return float(np.square(predicted - targets).mean() ** 0.5)


Noise = Callable[[np.random.Generator], float]

NOISES: dict[str, tuple[Noise, float, str]] = {
    "normal": (lambda draw: draw.normal(0.9, 0.01), 0.9, "accuracy"),
    "a share of 360 near 1": (lambda draw: draw.binomial(360, 0.995) / 360, 0.995, "accuracy"),
    "lognormal, bad tail": (lambda draw: -draw.lognormal(0, 0.5), -float(np.exp(0.125)), "score"),
    "lognormal, worse tail": (lambda draw: -draw.lognormal(0, 1), -float(np.exp(0.5)), "score"),
    "2 % of seeds at chance": (
        lambda draw: 0.1 if draw.random() < 0.02 else draw.normal(0.97, 0.003),
        0.97,
        "accuracy",
    ),
}
"""A training's value, the truth that an interval is to hold, and the metric. Of seeds at chance it is what the others
have: no five seeds can show what one of fifty does."""


def print_noise() -> None:
    counts = (2, 3, 5, 10)
    print(f"{'share of intervals that hold':<30}" + "".join(f"{f'{count} seeds':>11}" for count in counts))
    for name in NOISES:
        print(f"{name:<30}" + "".join(f"{held:>11.3f}" for held in simulated(name, counts)), flush=True)


def simulated(name: str, counts: tuple[int, ...]) -> Iterator[float]:
    """Yield how often the winner's interval holds, for each number of seeds, where all five are equally good."""
    noise, true, metric = NOISES[name]
    draw, goal = np.random.default_rng(0), Goal.of(metric, tuner.Direction.MAXIMIZE)
    searched = [record(number, number, 0.0) for number in range(5)]
    for count in counts:
        held = 0
        for _ in range(SIMULATED):
            repetitions = [record(number, number % 5, float(noise(draw))) for number in range(5 * count)]
            found = confirmation_of(searched, repetitions, goal)
            assert found is not None
            held += holds(found.winner.estimate, true)
        yield held / SIMULATED


def record(number: int, config: int, value: float) -> tuner.TrialRecord:
    state = tuner.TrialState.COMPLETE
    return tuner.TrialRecord(number=number, state=state, config=Config({"x": config}), value=value)


if __name__ == "__main__":
    main()
