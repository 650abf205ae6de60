"""How far a study's answer can be trusted: does its interval hold what fresh trainings of the winner show?

    python benchmarks/trust.py [--studies 20] [--trainings 30] [--trials 32] [--epochs 9]

For each of two datasets, half of the studies, each with a seed and so a split of its own, are searched and confirmed as
`tuner run` does it. The winner of each is then trained again with further seeds that neither has seen; their mean is
the truth that the reported 95 % interval has to hold. Beside it stands the optimism of the plain best trial: how much
better than the mean of fresh trainings of its own configuration its value is.
"""

import argparse
import math
import os
import platform
import statistics
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, final

import tuner
from tuner.domain.config import Config
from tuner.domain.seed import derive
from tuner.domain.trial import Checkpoints
from tuner.objectives.supervised import Supervised

STUDIES = {
    "digits": ("image_classifier", "accuracy", "maximize"),
    "breast_cancer": ("tabular_classifier", "roc_auc", "maximize"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one study said, and what is true."""

    study: str
    holds: bool
    mean: float
    low: float
    high: float
    truth: float
    searched: float
    searched_truth: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--studies", type=int, default=20, help="in all, half of them for each dataset")
    parser.add_argument("--trainings", type=int, default=30, help="fresh trainings of every winner")
    parser.add_argument("--trials", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=9)
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{'study':<18}{'reported, 95 %':>28}{'truth':>9}{'holds':>7}{'best trial':>12}{'its truth':>11}", flush=True)
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(initializer=os.chdir, initargs=(folder,)) as pool:
        tasks = [(dataset, seed) for dataset in STUDIES for seed in range(arguments.studies // 2)]
        outcomes = []
        for outcome in pool.map(study, *zip(*tasks, strict=True), [arguments] * len(tasks)):
            outcomes.append(outcome)
            show(outcome)
    held = sum(outcome.holds for outcome in outcomes)
    print(f"\n{held} of {len(outcomes)} intervals hold the mean of {arguments.trainings} fresh trainings")
    for dataset, (_, metric, direction) in STUDIES.items():
        sign = 1 if direction == "maximize" else -1
        own = [outcome for outcome in outcomes if outcome.study.startswith(dataset)]
        plain = statistics.mean(sign * (each.searched - each.searched_truth) for each in own)
        confirmed = statistics.mean(sign * (each.mean - each.truth) for each in own)
        width = statistics.mean((each.high - each.low) / 2 for each in own)
        print(
            f"{dataset}, {metric}: the best trial is {plain:+.4f} too good, the confirmed mean {confirmed:+.4f}; "
            f"the interval's half is {width:.4f}"
        )


def show(outcome: Outcome) -> None:
    interval = f"{outcome.mean:.4f}, {outcome.low:.4f} to {outcome.high:.4f}"
    print(
        f"{outcome.study:<18}{interval:>28}{outcome.truth:>9.4f}{'yes' if outcome.holds else 'no':>7}"
        f"{outcome.searched:>12.4f}{outcome.searched_truth:>11.4f}",
        flush=True,
    )


def study(dataset: str, seed: int, arguments: argparse.Namespace) -> Outcome:
    """Run one study, and train its winner and its plain best trial again."""
    space, metric, direction = STUDIES[dataset]
    spec = tuner.StudySpec(
        name=f"{dataset}-{seed}",
        objective="supervised",
        search_space=space,
        metric=metric,
        direction=direction,
        seed=seed,
        settings={"dataset": dataset},
        budget=tuner.Budget(trials=arguments.trials, epochs=arguments.epochs),
        executor="inline",
    )
    done = tuner.run(spec)
    confirmation = done.confirmation
    assert confirmation is not None
    best = max(done.trials, key=lambda trial: merit(trial, done.direction))
    assert best.value is not None
    estimate = confirmation.winner.estimate
    truth = fresh(spec, confirmation.winner.config, arguments)
    searched_truth = truth if best.config == confirmation.winner.config else fresh(spec, best.config, arguments)
    return Outcome(
        study=spec.name,
        holds=estimate.low <= truth <= estimate.high,
        mean=estimate.mean,
        low=estimate.low,
        high=estimate.high,
        truth=truth,
        searched=best.value,
        searched_truth=searched_truth,
    )


def merit(trial: tuner.TrialRecord, direction: tuner.Direction) -> float:
    """Return how good a complete trial is, and for any other that it is no candidate."""
    return direction.sign * trial.value if trial.state is tuner.TrialState.COMPLETE and trial.value else -math.inf


@final
class Nowhere(Checkpoints):
    """Keeps nothing: these trainings are measured, and never go on."""

    def save(self, state: Mapping[str, Any]) -> None:
        pass

    def load(self) -> None:
        return None


def fresh(spec: tuner.StudySpec, config: Config, arguments: argparse.Namespace) -> float:
    """Return the mean value, each at its best epoch, of trainings with seeds that the study knows nothing of."""
    direction = tuner.Direction(spec.direction)
    trials = [
        tuner.Trial(
            config=config,
            number=number,
            seed=derive(spec.seed, "truth", number),
            device="cpu",
            epoch=0,
            max_epochs=arguments.epochs,
            settings=Config(spec.settings),
            checkpoints=Nowhere(),
        )
        for number in range(arguments.trainings)
    ]
    cohort = Supervised(spec.settings, spec.seed).start(trials)
    values: dict[int, list[float]] = {trial.number: [] for trial in trials}
    for _ in range(arguments.epochs):
        for number, metrics in cohort.advance().items():
            assert isinstance(metrics, Mapping)
            values[number].append(metrics[spec.metric])
    best = max if direction is tuner.Direction.MAXIMIZE else min
    return statistics.mean(best(curve) for curve in values.values())


if __name__ == "__main__":
    main()
