"""How good the search is, with many trials in flight: the default against random search and TPE, at equal budget.

    python benchmarks/search.py DATA [--tasks reported|tuned] [--seeds 10] [--workers 8] [--systems NAME ...] [--quick]

DATA (or $TUNER_BENCHMARKS) is a folder with `yahpo_lcbench` and `yahpo_rbv2_xgboost`: the surrogate models of YAHPO Gym
v1.0 (Pfisterer et al. 2022, "YAHPO Gym", data at github.com/slds-lmu/yahpo_data, folders `lcbench` and `rbv2_xgboost`),
of real learning curves of neural networks (Zimmer et al. 2021) and of XGBoost trained on growing parts of the data.

Each run drives the real controller, sampler and scheduler on a simulated clock: so many workers train a trial each,
some faster than others, and report after every epoch. The budget is what a third of 64 full trainings cost. What counts
is the value at the last epoch, according to the surrogate, of the configuration with the best value seen: 0 is the best
known configuration of the task, 1 the median random one. Differences are paired by task, seed and number of workers.

Samplers may be adjusted on the tasks `tuned`; figures that are published are measured on the tasks `reported`. Of
XGBoost there are tasks where the surrogate does not find the booster dart far better than gbtree: elsewhere it answers
1.0 for configurations that nobody could train.
"""

import argparse
import functools
import heapq
import itertools
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.assignment import Assignment
from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.seed import derive
from tuner.domain.study import Direction
from tuner.domain.study_writer import StudyWriter, Transaction
from tuner.domain.trial import Report, TrialState
from tuner.running.lookup import SAMPLERS, SCHEDULERS
from tuner.search.cohort_policy import CohortPolicy
from tuner.search.controller import SearchController
from tuner.search.delayed_sampler import DelayedSampler
from tuner.search.delayed_scheduler import DelayedScheduler
from tuner.search.plan import RunPlan

SYSTEMS: Mapping[str, tuple[str, Mapping[str, Any], str, Mapping[str, Any]]] = {
    "auto+asha": ("auto", {}, "asha", {}),
    "auto+asha in order": ("auto", {}, "asha", {}),
    "random+asha in order": ("random", {}, "asha", {}),
    "tpe+asha": ("tpe", {}, "asha", {}),
    "random+asha": ("random", {}, "asha", {}),
    "tpe+asha from 3": ("tpe", {}, "asha", {"min_epochs": 3}),
    "random+none": ("random", {}, "none", {}),
    "random+asha from 3": ("random", {}, "asha", {"min_epochs": 3}),
    "tpe+hyperband": ("tpe", {}, "hyperband", {}),
}
"""Sampler and scheduler with their options, by name; the first is compared with all others."""

IN_ORDER = " in order"
"""How the names of systems end that search with `parallel_mode = "reproducible"`."""

LCBENCH = {
    "tuned": ("7593", "126025", "146212", "167149", "167181", "168329", "189862", "189906"),
    "reported": ("3945", "34539", "126026", "167104", "167168", "168331", "168908", "189354", "189866", "189909"),
}
XGBOOST = {
    "tuned": ("1040", "12", "1462", "40670"),
    "reported": ("15", "44", "46", "1063", "1487", "41146"),
}

FRACTIONS = (0.25, 0.5, 1.0)
SAMPLE = 10_000
"""So many random configurations tell what the median one and the best known one are worth."""


@dataclass(frozen=True)
class Task:
    """A surrogate of one data set: what its configurations measure after each epoch."""

    name: str
    space: SearchSpace
    epochs: int
    session: onnxruntime.InferenceSession
    codes: Callable[[Config], list[int]]
    numbers: Callable[[Config, int], list[float]]
    output: int

    def curve(self, config: Config) -> NDArray[np.float64]:
        """Return the metric after each epoch."""
        return self._metric([(config, epoch) for epoch in range(1, self.epochs + 1)])

    def final(self, configs: Sequence[Config]) -> NDArray[np.float64]:
        """Return the metric of each configuration after its last epoch."""
        return self._metric([(config, self.epochs) for config in configs])

    @functools.cached_property
    def scale(self) -> tuple[float, float]:
        """The best and the median of many random configurations."""
        draw = Random(0)
        configs = [self.space.build(lambda _, each: each.at(draw.random())) for _ in range(SAMPLE)]
        values = self.final(configs)
        return float(values.max()), float(np.median(values))

    def _metric(self, rows: Sequence[tuple[Config, int]]) -> NDArray[np.float64]:
        inputs = {
            "x_cat": np.array([self.codes(config) for config, _ in rows], dtype=np.int32),
            "x_cont": np.array([self.numbers(config, epoch) for config, epoch in rows], dtype=np.float32),
        }
        (outputs,) = self.session.run(None, inputs)
        return np.asarray(outputs[:, self.output], dtype=np.float64)


def lcbench(data: Path, ids: Sequence[str]) -> Iterator[Task]:
    """Yield neural networks trained for 52 epochs, whose first report is hardly better than untrained."""
    folder = data / "yahpo_lcbench"
    encoding = json.loads((folder / "encoding.json").read_text())["OpenML_task_id"]
    session = opened(folder / "model.onnx")
    space = SearchSpace(
        batch_size=Int(16, 512, log=True),
        learning_rate=Float(1e-4, 1e-1, log=True),
        momentum=Float(0.1, 0.99),
        weight_decay=Float(1e-5, 1e-1),
        num_layers=Int(1, 5),
        max_units=Int(64, 1024, log=True),
        max_dropout=Float(0.0, 1.0),
    )
    for each in ids:
        code = encoding[each]
        yield Task(
            name=f"lcbench {each}",
            space=space,
            epochs=52,
            session=session,
            codes=lambda _, code=code: [code],  # type: ignore[misc]
            numbers=lambda config, epoch: [float(epoch), *(float(config[name]) for name in space.parameters)],
            output=1,
        )


def xgboost(data: Path, ids: Sequence[str]) -> Iterator[Task]:
    """Yield XGBoost on 1/27, 2/27, ... of the training data: a conditional space of mixed parameters."""
    folder = data / "yahpo_rbv2_xgboost"
    encoding = json.loads((folder / "encoding.json").read_text())
    session = opened(folder / "model.onnx")
    trees = {
        "eta": Float(1e-3, 1.0, log=True),
        "gamma": Float(5e-5, 7.3, log=True),
        "max_depth": Int(1, 15),
        "min_child_weight": Float(2.8, 148.0, log=True),
        "colsample_bytree": Float(0.01, 1.0),
        "colsample_bylevel": Float(0.01, 1.0),
    }
    drop = {"rate_drop": Float(0.0, 1.0), "skip_drop": Float(0.0, 1.0)}
    space = SearchSpace(
        booster=Choice("gblinear", gbtree=trees, dart={**trees, **drop}),
        impute=Choice("impute.mean", "impute.median", "impute.hist"),
        nrounds=Int(7, 2981, log=True),
        subsample=Float(0.1, 1.0),
        alpha=Float(1e-3, 1e3, log=True),
        reg_lambda=Float(1e-3, 1e3, log=True),
    )
    order = (
        *("nrounds", "eta", "gamma", "reg_lambda", "alpha", "subsample", "max_depth", "min_child_weight"),
        *("colsample_bytree", "colsample_bylevel", "rate_drop", "skip_drop"),
    )
    epochs, repetition = 27, 5.0

    def numbers(config: Config, epoch: int) -> list[float]:
        known = {**config, **config["booster"]}
        return [*(float(known.get(name, 0.0)) for name in order), epoch / epochs, repetition]

    for each in ids:
        code = encoding["task_id"][each]
        yield Task(
            name=f"xgboost {each}",
            space=space,
            epochs=epochs,
            session=session,
            codes=lambda config, code=code: [  # type: ignore[misc]
                code,
                encoding["booster"][config["booster"]["name"]],
                encoding["num.impute.selected.cpo"][config["impute"]],
            ],
            numbers=numbers,
            output=0,
        )


def opened(path: Path) -> onnxruntime.InferenceSession:
    """Return the surrogate in `path`, which computes in one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


class Forgetful(StudyWriter):
    """Stores nothing: the controller remembers what it needs."""

    def store(self, transaction: Transaction) -> None:
        pass


@dataclass(frozen=True)
class Run:
    """What a run found: the true value of its incumbent after each fraction of the budget, and what proposing took."""

    values: tuple[float, ...]
    trials: int
    seconds: float
    busy: float
    """The share of the workers' time in which they trained."""


def searching(task: Task, system: str, seed: int, workers: int, trials: int) -> SearchController:
    """Return the controller of a search for so many trials."""
    sampler, options, scheduler, rules = SYSTEMS[system]
    goal = Goal.of("value", Direction.MAXIMIZE)
    delay = workers if system.endswith(IN_ORDER) else 0
    proposing = SAMPLERS[sampler](task.space, goal, seed, **options)
    make = functools.partial(SCHEDULERS[scheduler], task.epochs, goal.direction, seed, **rules)
    moments = itertools.count()
    return SearchController(
        RunPlan(
            trials=trials,
            max_epochs=task.epochs,
            goal=goal,
            seed=seed,
            default=task.space.default,
            tests=False,
            parallel=workers,
            delay=delay,
        ),
        sampler=DelayedSampler(proposing, delay) if delay else proposing,
        scheduler=DelayedScheduler(make, delay) if delay else make(),
        cohorts=CohortPolicy(task.space, lambda _: None, size=1, trials=trials),
        writer=Forgetful(),
        now=lambda: datetime(2026, 1, 1) + timedelta(seconds=next(moments)),  # noqa: DTZ001 - as Optuna stores it
    )


def simulated(task: Task, system: str, seed: int, workers: int) -> Run:
    """Search the task with so many trials in flight until the budget is spent."""
    budget = 64 * task.epochs // 3
    controller = searching(task, system, seed, workers, budget)
    clock = Clock(seed)
    curves: dict[int, NDArray[np.float64]] = {}
    seconds, spent, found = 0.0, 0, []
    for fraction in FRACTIONS:
        while spent < fraction * budget:
            while len(clock) < workers:
                began = time.perf_counter()
                assignment = controller.next_work()
                seconds += time.perf_counter() - began
                if assignment is None:
                    break
                curves[assignment.members[0].number] = task.curve(assignment.members[0].config)
                clock.begin(assignment)
            number, epoch = clock.next()
            value = float(curves[number][epoch - 1])
            update = controller.report([Report(number=number, epoch=epoch, metrics={"value": value})])
            spent += 1
            if not update.is_over:
                clock.go_on(number, epoch)
        seen = [trial for trial in controller.trials if trial.value is not None]
        incumbent = max(seen, key=lambda trial: (trial.value or 0.0, -trial.number))
        found.append(float(curves[incumbent.number][-1]))
    return Run(values=tuple(found), trials=len(curves), seconds=seconds, busy=clock.busy / workers)


@dataclass(frozen=True)
class Finished:
    """A trial that finished: its value, None where it is not complete, and how many trials had begun by then."""

    number: int
    value: float | None
    begun: int


def course(task: Task, system: str, seed: int, workers: int, trials: int) -> list[Finished]:
    """Search the task for so many trials; return them in the order in which they finished."""
    controller = searching(task, system, seed, workers, trials)
    clock, curves, finished = Clock(seed), {}, []
    while not controller.is_finished:
        while len(clock) < workers and (assignment := controller.next_work()) is not None:
            curves[assignment.members[0].number] = task.curve(assignment.members[0].config)
            clock.begin(assignment)
        number, epoch = clock.next()
        metrics = {"value": float(curves[number][epoch - 1])}
        if not controller.report([Report(number=number, epoch=epoch, metrics=metrics)]).is_over:
            clock.go_on(number, epoch)
            continue
        trial = controller.trial(number)
        value = trial.value if trial.state is TrialState.COMPLETE else None
        finished.append(Finished(number=number, value=value, begun=len(curves)))
    return finished


class Clock:
    """Says whose epoch ends next: an epoch takes between half and one and a half of the mean, by trial."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._now = 0.0
        self._begun = 0.0
        self._ends: list[tuple[float, int, int]] = []

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def busy(self) -> float:
        """How many epochs were trained at a time, in the mean."""
        return (self._begun - sum(end - self._now for end, _, _ in self._ends)) / self._now

    def begin(self, assignment: Assignment) -> None:
        """Let a trial begin its first epoch."""
        self.go_on(assignment.members[0].number, 0)

    def go_on(self, number: int, epoch: int) -> None:
        """Let a trial begin the epoch after this one."""
        takes = 0.5 + Random(derive(self._seed, "speed", number)).random()
        self._begun += takes
        heapq.heappush(self._ends, (self._now + takes, number, epoch + 1))

    def next(self) -> tuple[int, int]:
        """Return the trial and the epoch that ends next."""
        self._now, number, epoch = heapq.heappop(self._ends)
        return number, epoch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, nargs="?", default=os.environ.get("TUNER_BENCHMARKS"))
    parser.add_argument("--tasks", choices=("tuned", "reported"), default="reported")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--workers", type=int, nargs="+", default=[8])
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=["auto+asha", "tpe+asha", "random+asha"])
    parser.add_argument("--quick", action="store_true", help="three tasks and two seeds")
    parser.add_argument("--runs", type=Path, help="a file for the value of every run, as JSON")
    given = parser.parse_args()
    if given.data is None:
        parser.error("DATA is missing: the folder with yahpo_lcbench and yahpo_rbv2_xgboost")
    tasks = [*lcbench(Path(given.data), LCBENCH[given.tasks]), *xgboost(Path(given.data), XGBOOST[given.tasks])]
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    if given.quick:
        tasks, seeds = [tasks[0], tasks[1], tasks[-1]], range(2)
    runs = {
        (task.name, seed, workers, system): simulated(task, system, seed, workers)
        for task in tasks
        for seed in seeds
        for workers in given.workers
        for system in given.systems
    }
    if given.runs is not None:
        stored = [{"run": key, "values": run.values, "seconds": run.seconds} for key, run in runs.items()]
        given.runs.write_text(json.dumps(stored))
    regrets = regrets_of(runs, tasks)
    print(f"{len(tasks)} tasks, {len(seeds)} seeds")
    for workers in given.workers:
        print(f"\n{workers} in flight: {'regret at':>20} 25 %    50 %   100 %   mean rank   ms a proposal   busy")
        shown = {key: value for key, value in regrets.items() if key[2] == workers}
        cost = {key: run for key, run in runs.items() if key[2] == workers}
        print_systems(shown, cost, given.systems)
        print_differences(shown, given.systems)


Key = tuple[str, int, int, str]


def regrets_of(runs: Mapping[Key, Run], tasks: Sequence[Task]) -> dict[Key, tuple[float, ...]]:
    """Return how far each run was from the best known value, the median random one being 1."""
    regrets: dict[Key, tuple[float, ...]] = {}
    for task in tasks:
        mine = {key: run for key, run in runs.items() if key[0] == task.name}
        best, median = task.scale
        best = max(best, *(max(run.values) for run in mine.values()))
        regrets |= {key: tuple((best - value) / (best - median) for value in run.values) for key, run in mine.items()}
    return regrets


def print_systems(regrets: Mapping[Key, tuple[float, ...]], runs: Mapping[Key, Run], systems: Sequence[str]) -> None:
    """Print each system's mean regrets, its mean rank at the end, and what a proposal took it."""
    ranks: dict[str, list[float]] = {system: [] for system in systems}
    for cell in {key[:3] for key in regrets}:
        ends = {system: regrets[(*cell, system)][-1] for system in systems}
        for system, end in ends.items():
            below = sum(other < end for other in ends.values())
            ranks[system].append(1 + below + (sum(other == end for other in ends.values()) - 1) / 2)
    for system in systems:
        mine = [value for key, value in regrets.items() if key[3] == system]
        means = "  ".join(f"{statistics.fmean(column):.4f}" for column in zip(*mine, strict=True))
        spent = [run for key, run in runs.items() if key[3] == system]
        took = 1e3 * sum(run.seconds for run in spent) / sum(run.trials for run in spent)
        busy = statistics.fmean(run.busy for run in spent)
        print(f"  {system:<30}  {means}  {statistics.fmean(ranks[system]):>9.2f}  {took:>13.1f}  {busy:>5.0%}")


def print_differences(regrets: Mapping[Key, tuple[float, ...]], systems: Sequence[str]) -> None:
    """Print by how much the first system is better than each other one."""
    first, *others = systems
    for other in others:
        for title in ("lcbench", "xgboost", ""):
            cells = sorted({key[:3] for key in regrets if key[0].startswith(title)})
            parts = []
            for index, fraction in enumerate(FRACTIONS):
                pairs = [regrets[(*cell, other)][index] - regrets[(*cell, first)][index] for cell in cells]
                if len(pairs) > 1:
                    error = statistics.stdev(pairs) / len(pairs) ** 0.5
                    wins, losses = sum(pair > 0 for pair in pairs), sum(pair < 0 for pair in pairs)
                    mean = statistics.fmean(pairs)
                    parts.append(f"{fraction:.0%}: {mean:+.4f} +- {error:.4f} ({wins}:{losses})")
            print(f"  {other} minus {first}, {title or 'all'}: {'  '.join(parts)}")


if __name__ == "__main__":
    main()
