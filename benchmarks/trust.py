"""How far a study's answer can be trusted: do its intervals hold on rows of data that it never saw?

    pip install --no-deps ISLP
    python benchmarks/trust.py [--splits 5] [--trainings 10] [--trials 20] [--epochs 81] [--tables wine,hitters]

Of each table 40 % of the rows are cut off first, several times anew. The rest is searched and confirmed as
`tuner run --data` does it. The winner and the default configuration are then trained again with further seeds on the
same split, and measured on the rows that were cut off: that is the truth which the intervals of the value on validation
rows, of the value on the test split and of both gains have to hold. A gain is wrong where its interval is above zero
and the truth is below. The model that is handed out is measured on those rows as it is. The truth has noise of its own,
since the rows that were cut off are few.

`--accuracy` searches classes by accuracy, in place of log loss.

`--noise` prints instead how often the intervals hold in simulated studies of five equally good configurations, by the
kind of noise and the number of seeds: no training, a minute.
"""

import argparse
import math
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd
from tables import CLASSES, TABLES, given, loss, read

import tuner
from tuner.analysis.confirmation import confirmation_of
from tuner.analysis.estimate import Estimate
from tuner.domain.checkpoints import Checkpoints
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.seed import derive
from tuner.objectives.supervised import Supervised

USED = ("wine", "breast_cancer", "digits", "oj", "diabetes", "hitters", "college")
HELD_OUT = 0.4
SIMULATED = 1000


@final
@dataclass(frozen=True, slots=True)
class Claim:
    """An interval, and what it is to hold."""

    low: float
    high: float
    truth: float

    @property
    def holds(self) -> bool:
        return self.low <= self.truth <= self.high

    def __str__(self) -> str:
        return f"{self.truth:.4g} in {self.low:.4g} to {self.high:.4g}"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one study claims, by kind, where it does; `optimism` is how much too good the winner's value is."""

    table: str
    claims: Mapping[str, Claim]
    optimism: float

    @property
    def false_gain(self) -> bool | None:
        """Whether a gain is said to be sure, on validation rows or on test rows, and is none; None where none is."""
        sure = [
            self.claims[kind] for kind in ("gain", "test gain") if kind in self.claims and self.claims[kind].low > 0
        ]
        return sure[0].truth <= 0 if sure else None


KINDS = ("other seeds", "value", "test", "gain", "test gain", "model", "model test")
"""The intervals: of the winner's value for other seeds and for new rows, on the test split, of the gain over the
default on both, and of the model that is handed out on both."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tables", default=",".join(USED))
    parser.add_argument("--splits", type=int, default=5, help="of each table")
    parser.add_argument("--trainings", type=int, default=10, help="fresh trainings of the winner and of the default")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=81)
    parser.add_argument("--accuracy", action="store_true", help="search classes by accuracy, not by log loss")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--noise", action="store_true", help="simulated studies in place of real ones")
    arguments = parser.parse_args()
    if arguments.noise:
        print_noise()
        return
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(arguments.workers) as pool:
        tasks = [(table, seed) for seed in range(arguments.splits) for table in arguments.tables.split(",")]
        running = [
            pool.submit(judged, table, seed, Path(folder) / f"{table}-{seed}", arguments) for table, seed in tasks
        ]
        outcomes = []
        for each in as_completed(running):
            outcomes.append(each.result())
            shown = ", ".join(f"{kind}: {each}" for kind, each in outcomes[-1].claims.items())
            print(f"{outcomes[-1].table:<14} {shown}", flush=True)
    print_outcomes(outcomes)


def print_outcomes(outcomes: list[Outcome]) -> None:
    print(f"{'share of intervals that hold':<30}" + "".join(f"{kind:>12}" for kind in (*KINDS, "false gains")))
    for table in [*dict.fromkeys(each.table for each in outcomes), "all"]:
        own = [each for each in outcomes if table in (each.table, "all")]
        held = [[each.claims[kind].holds for each in own if kind in each.claims] for kind in KINDS]
        false = [each.false_gain for each in own if each.false_gain is not None]
        extra = "" if table == "all" else f"  too good by {statistics.mean(each.optimism for each in own):.4f}"
        print(f"{f'{table}, {len(own)} splits':<30}" + "".join(f"{share(each):>12}" for each in (*held, false)) + extra)


def share(held: list[bool]) -> str:
    return f"{statistics.mean(held):.2f} ({len(held)})" if held else "-"


def judged(table: str, seed: int, place: Path, arguments: argparse.Namespace) -> Outcome:
    """Run one study on a part of a table's rows, and measure its winner, its default and its model on the others."""
    place.mkdir()
    os.chdir(place)
    target = TABLES[table].target
    frame = rows_of(table).sample(frac=1, random_state=seed)
    cut = round(HELD_OUT * len(frame))
    held_out = frame.iloc[:cut]
    frame.iloc[cut:].to_csv("seen.csv", index=False)
    study = searched(table, seed, arguments)
    answer, handed_out = study.confirmation, study.summary.answer
    assert answer is not None
    sign, metric = study.direction.sign, study.metric
    spec = tuner.StudySpec.from_description(study.summary.study.spec)
    truth = fresh(spec, answer.winner.config, held_out, target, arguments.trainings)
    default = (
        truth if answer.default is None else fresh(spec, answer.default.config, held_out, target, arguments.trainings)
    )
    gained, value = sign * (truth - default), answer.winner.estimate
    own = measured(study.best_model(), held_out, target, metric)
    used = None if handed_out is None else handed_out.used
    estimates = {
        "value": (value, truth),
        "test": (answer.test.get(metric), truth),
        "gain": (answer.gain, gained),
        "test gain": (answer.test_gain, gained),
        "model": (None if used is None else used.validation.estimate, own),
        "model test": (None if used is None or used.test is None else used.test.estimate, own),
    }
    claims = {kind: Claim(each.low, each.high, true) for kind, (each, true) in estimates.items() if each is not None}
    seeds = Claim(value.mean - value.seed_margin, value.mean + value.seed_margin, truth)
    return Outcome(table=table, claims={"other seeds": seeds, **claims}, optimism=sign * (value.mean - truth))


def searched(table: str, seed: int, arguments: argparse.Namespace) -> tuner.Study:
    """Return the study of the rows in `seen.csv`."""
    name, target = f"{table}-{seed}", TABLES[table].target
    if table not in CLASSES or not arguments.accuracy:
        return tuner.run(
            data="seen.csv",
            target=target,
            name=name,
            seed=seed,
            trials=arguments.trials,
            epochs=arguments.epochs,
            executor="inline",
        )
    return tuner.run(
        tuner.StudySpec(
            name=name,
            objective="supervised",
            search_space="mixed_table_classifier",
            metric="accuracy",
            direction="maximize",
            seed=seed,
            settings={"dataset": str(Path("seen.csv").absolute()), "target": target},
            budget=tuner.Budget(trials=arguments.trials, epochs=arguments.epochs),
            executor="inline",
        )
    )


def holds(estimate: Estimate, truth: float) -> bool:
    return estimate.low <= truth <= estimate.high


def rows_of(table: str) -> pd.DataFrame:
    """Return a table, with classes as text: numbers would be predicted as values."""
    frame, target = read(table), TABLES[table].target
    if table in CLASSES:
        frame[target] = "class " + frame[target].astype(str)
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


def fresh(spec: tuner.StudySpec, config: Config, held_out: pd.DataFrame, target: str, trainings: int) -> float:
    """Return the mean, on the rows held out, of trainings with seeds that the study knows nothing of.

    Each is taken at its best epoch on the validation rows, as the study does it. They train as one cohort.
    """
    objective, sign = Supervised(spec.settings, spec.seed), tuner.Direction(spec.direction).sign
    epochs = spec.budget.fidelity.most
    trials = [
        tuner.Trial(
            config=config,
            number=number,
            seed=derive(spec.seed, "truth", number),
            device="cpu",
            epoch=0,
            max_epochs=epochs,
            settings=Config(spec.settings),
            checkpoints=InMemory(),
        )
        for number in range(trainings)
    ]
    cohort, best = objective.start(trials), [-math.inf] * trainings
    for _ in range(epochs):
        reports = cohort.advance()
        for number, metrics in reports.items():
            if isinstance(metrics, Mapping) and sign * metrics[spec.metric] > best[number]:
                best[number] = sign * metrics[spec.metric]
                cohort.save([number])
    return statistics.mean(
        measured(objective.model(trial), held_out, target, spec.metric)
        for trial in trials
        if best[trial.number] > -math.inf
    )


def measured(model: tuner.Model, held_out: pd.DataFrame, target: str, metric: str) -> float:
    """Return what a model reaches on rows by the metric of its study."""
    inputs, targets = held_out.drop(columns=target), held_out[target]
    if metric == "log_loss":
        return loss(given(model.predict_proba(inputs), model.classes_, targets), targets, is_class=True)
    predicted = np.asarray(model.predict(inputs))
    return (
        float((predicted == targets.to_numpy()).mean())
        if metric == "accuracy"
        else loss(predicted, targets, is_class=False)
    )


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
