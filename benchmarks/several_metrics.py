"""Several metrics at once: the hypervolume that systems find, and what stopping trials early is worth there.

    python benchmarks/several_metrics.py problems [--seeds 10] [--trials 100] [--systems NAME ...]
    python benchmarks/several_metrics.py stopping DATA [--seeds 5] [--workers 8]

`problems` are functions of numbers with known fronts: ZDT1 and ZDT2 (Zitzler et al. 2000), Fonseca and Fleming's, and
DTLZ2 and DTLZ7 (Deb et al. 2002), one trial at a time, ours beside Optuna's samplers. `stopping` trains the neural
networks of `benchmarks/search.py` (DATA as there) for accuracy and few weights, at equal budgets of epochs, with and
without early stopping. Hypervolumes are those of complete trials at their last epoch; differences are paired by problem
and seed, with standard errors; above 0 the first system is better.
"""

import argparse
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna._hypervolume import compute_hypervolume
from search_quality.own_system import Forgetful
from search_quality.simulation import Clock
from search_quality.tasks import LCBENCH, Task, lcbench

from tuner import Direction, Float, SearchSpace
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.trial import Report, TrialRecord, TrialState
from tuner.running.lookup import SAMPLERS, SCHEDULERS
from tuner.search.cohort_policy import CohortPolicy, CohortSettings
from tuner.search.controller import SearchController
from tuner.search.plan import RunPlan
from tuner.search.policies import Policies

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """A function of numbers from `low` to `high` whose values are all to be minimized; `reference` bounds the front."""

    name: str
    inputs: int
    function: Callable[[Values], Values]
    reference: tuple[float, ...]
    low: float = 0.0
    high: float = 1.0


def zdt(front: Callable[[float, float], float], x: Values) -> Values:
    """Return f1 and f2 of Zitzler, Deb and Thiele's functions."""
    g = 1 + 9 * x[1:].mean()
    return np.array([x[0], g * front(x[0], g)])


def fonseca(x: Values) -> Values:
    """Return the two values of Fonseca and Fleming's function."""
    shift = 1 / math.sqrt(len(x))
    return np.array([1 - math.exp(-((x - shift) ** 2).sum()), 1 - math.exp(-((x + shift) ** 2).sum())])


def dtlz2(x: Values) -> Values:
    """Return the three values of Deb, Thiele, Laumanns and Zitzler's second function: a part of a sphere."""
    radius = 1 + ((x[2:] - 0.5) ** 2).sum()
    one, other = x[0] * math.pi / 2, x[1] * math.pi / 2
    direction = [math.cos(one) * math.cos(other), math.cos(one) * math.sin(other), math.sin(one)]
    values: Values = radius * np.array(direction)
    return values


def dtlz7(x: Values) -> Values:
    """Return the two values of their seventh function: a front in pieces."""
    g = 1 + 9 * x[1:].mean()
    return np.array([x[0], (1 + g) * (2 - x[0] / (1 + g) * (1 + math.sin(3 * math.pi * x[0])))])


PROBLEMS = (
    Problem("ZDT1", 10, partial(zdt, lambda f, g: 1 - math.sqrt(f / g)), (1.1, 6.0)),
    Problem("ZDT2", 10, partial(zdt, lambda f, g: 1 - (f / g) ** 2), (1.1, 6.0)),
    Problem("Fonseca", 3, fonseca, (1.1, 1.1), low=-4.0, high=4.0),
    Problem("DTLZ2", 6, dtlz2, (1.5, 1.5, 1.5)),
    Problem("DTLZ7", 6, dtlz7, (1.1, 15.0)),
)
THEIRS: Mapping[str, Callable[[int], optuna.samplers.BaseSampler]] = {
    "optuna tpe": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True),
    "optuna nsga2": lambda seed: optuna.samplers.NSGAIISampler(seed=seed),
    "optuna gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
}
OURS = ("auto", "tpe", "gp", "random")


def problems(given: argparse.Namespace) -> None:
    """Print the hypervolume of each system on each problem, as a share of what 100,000 random points reach."""
    found: dict[str, list[float]] = {system: [] for system in given.systems}
    for problem in PROBLEMS:
        scale = volume(many(problem), problem.reference)
        for system in given.systems:
            run = partial(by_optuna, THEIRS[system]) if system in THEIRS else partial(by_ours, system)
            seeds = range(given.seeds)
            shares = [volume(run(problem, given.trials, seed), problem.reference) / scale for seed in seeds]
            found[system] += shares
            print(f"{problem.name:8} {system:13} {fmean(shares):.4f} ± {error(shares):.4f}", flush=True)
    compare(found)


def many(problem: Problem) -> Values:
    """Return the values of many points of the front: random in the first inputs, and best in the others."""
    draw = np.random.default_rng(0)
    points = draw.random((2_000, problem.inputs))
    front = 1 if len(problem.reference) == 2 else 2
    best = {"DTLZ2": 0.5}.get(problem.name, 0.0)
    if problem.name != "Fonseca":
        points[:, front:] = best
    else:
        points = np.repeat(np.linspace(-1 / math.sqrt(3), 1 / math.sqrt(3), 2_000)[:, None], 3, axis=1)
        return np.array([problem.function(point) for point in points])
    return np.array([problem.function(problem.low + each * (problem.high - problem.low)) for each in points])


def by_ours(name: str, problem: Problem, trials: int, seed: int) -> list[Values]:
    """Return what one of our samplers measures, one trial at a time."""
    space = SearchSpace(**{f"x{index}": Float(problem.low, problem.high) for index in range(problem.inputs)})
    names = tuple(f"f{index}" for index in range(len(problem.reference)))
    sampler = SAMPLERS[name](space, Goal(metrics=names, directions=(Direction.MINIMIZE,) * len(names)), seed)
    measured = []
    for number in range(trials):
        config = sampler.suggest(number) if number else space.default
        assert config is not None
        values = problem.function(np.array([config[path] for path in space.parameters]))
        measured.append(values)
        metrics = dict(zip(names, map(float, values), strict=True))
        first = metrics["f0"]
        sampler.observe(
            TrialRecord(
                number=number,
                state=TrialState.COMPLETE,
                config=config,
                value=first,
                epoch=1,
                metrics=metrics,
                curve={1: first},
            )
        )
    return measured


def by_optuna(
    make: Callable[[int], optuna.samplers.BaseSampler], problem: Problem, trials: int, seed: int
) -> list[Values]:
    """Return what one of Optuna's samplers measures, one trial at a time."""
    study = optuna.create_study(directions=["minimize"] * len(problem.reference), sampler=make(seed))
    measured = []

    def objective(trial: optuna.Trial) -> tuple[float, ...]:
        point = [trial.suggest_float(f"x{index}", problem.low, problem.high) for index in range(problem.inputs)]
        measured.append(problem.function(np.array(point)))
        return tuple(map(float, measured[-1]))

    study.optimize(objective, n_trials=trials)
    return measured


def stopping(given: argparse.Namespace) -> None:
    """Print the hypervolume of accuracy and few weights with each scheduler at equal budgets."""
    found: dict[str, list[float]] = {system: [] for system in given.systems}
    for task in lcbench(given.data, LCBENCH["reported"]):
        for seed in range(given.seeds):
            for system in given.systems:
                found[system].append(front_of(task, *system.split("+"), seed=seed, workers=given.workers))
        print(
            task.name, *(f"{system} {fmean(found[system][-given.seeds :]):.4f}" for system in given.systems), flush=True
        )
    compare(found)


def weights(config: Config) -> float:
    """Return about how many weights a network has: rectangular, of so many layers and units."""
    return float(config["max_units"] * (54 + (config["num_layers"] - 1) * config["max_units"]))


def search_of(task: Task, sampler: str, scheduler: str, *, seed: int, workers: int) -> SearchController:
    """Return a search for the accuracy and the size of networks, which stores nothing."""
    goal = Goal(metrics=("accuracy", "weights"), directions=(Direction.MAXIMIZE, Direction.MINIMIZE))
    moments = itertools.count()
    return SearchController(
        RunPlan(
            trials=task.budget,
            max_epochs=task.epochs,
            goal=goal,
            seed=seed,
            default=task.space.default,
            tests=False,
            parallel=workers,
        ),
        Policies(
            sampler=SAMPLERS[sampler](task.space, goal, seed),
            scheduler=SCHEDULERS[scheduler](task.epochs, goal.direction, seed),
            cohorts=CohortPolicy(task.space, lambda _: None, CohortSettings(size=1), trials=task.budget),
        ),
        writer=Forgetful(),
        now=lambda: datetime(2026, 1, 1) + timedelta(seconds=next(moments)),  # noqa: DTZ001 - as Optuna stores it
    )


def front_of(task: Task, sampler: str, scheduler: str, *, seed: int, workers: int) -> float:
    """Return the hypervolume of the complete trials when the budget is spent, of accuracy and the log of weights."""
    controller = search_of(task, sampler, scheduler, seed=seed, workers=workers)
    curves: dict[int, Values] = {}
    configs: dict[int, Config] = {}
    clock, spent, complete = Clock(seed), 0, []
    trained: dict[int, int] = {}
    while spent < task.budget:
        while len(clock) < workers and (assignment := controller.next_work()) is not None:
            (member,) = assignment.members
            configs[member.number], curves[member.number] = member.config, task.curve(member.config)
            clock.begin_epoch(member.number)
        trial = clock.next()
        epoch = trained[trial] = trained.get(trial, 0) + 1
        spent += 1
        metrics = {"accuracy": float(curves[trial][epoch - 1]), "weights": weights(configs[trial])}
        answer = controller.report([Report(number=trial, epoch=epoch, metrics=metrics)])
        if epoch == task.epochs:
            complete.append((-metrics["accuracy"], math.log10(metrics["weights"])))
        elif not answer.is_over:
            clock.begin_epoch(trial)
    best, median = task.scale
    points = [np.array([(best + value) / (best - median), size / 6]) for value, size in complete]
    return volume(points, (1.0, 1.1))


def volume(points: Sequence[Values] | Values, reference: Sequence[float]) -> float:
    """Return the hypervolume of what is to be minimized; points beyond the reference add nothing."""
    inside = [point for point in np.array(points).reshape(-1, len(reference)) if (point <= reference).all()]
    return float(compute_hypervolume(np.array(inside), np.array(reference))) if inside else 0.0


def compare(found: Mapping[str, Sequence[float]]) -> None:
    """Print the mean difference of the first system from every other one."""
    first, *others = found
    for other in others:
        differences = [ours - theirs for ours, theirs in zip(found[first], found[other], strict=True)]
        print(f"{first} - {other}: {fmean(differences):+.4f} ± {error(differences):.4f}")


def error(values: Sequence[float]) -> float:
    """Return the standard error of the mean."""
    return stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    kinds = parser.add_subparsers(required=True)
    one = kinds.add_parser("problems")
    one.add_argument("--seeds", type=int, default=10)
    one.add_argument("--trials", type=int, default=100)
    one.add_argument("--systems", nargs="+", default=[*OURS, *THEIRS], choices=[*OURS, *THEIRS])
    one.set_defaults(run=problems)
    other = kinds.add_parser("stopping")
    other.add_argument("data", type=Path)
    other.add_argument("--seeds", type=int, default=5)
    other.add_argument("--workers", type=int, default=8)
    other.add_argument(
        "--systems", nargs="+", default=["tpe+asha", "tpe+none", "random+asha", "random+none", "tpe+hyperband"]
    )
    other.set_defaults(run=stopping)
    given = parser.parse_args()
    given.run(given)


if __name__ == "__main__":
    main()
