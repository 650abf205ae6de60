"""How good the search is, with many trials in flight: our systems and those of others, at equal budget.

    python benchmarks/search.py DATA [--tasks reported|tuned] [--seeds 10] [--workers 8] [--systems NAME ...] [--quick]

DATA (or $TUNER_BENCHMARKS) is a folder with `yahpo_lcbench` and `yahpo_rbv2_xgboost`: the surrogate models of YAHPO Gym
v1.0 (Pfisterer et al. 2022, "YAHPO Gym", data at github.com/slds-lmu/yahpo_data, folders `lcbench` and `rbv2_xgboost`),
of real learning curves of neural networks (Zimmer et al. 2021) and of XGBoost trained on growing parts of the data.

Each run drives a system on a simulated clock: so many workers train a trial each, some faster than others, and report
after every epoch. Ours are the real controller, sampler and scheduler; others are scripts in `peers/`, each in an
environment of its own, which pip fills once in the folder --cache. The budget is what a third of 64 full trainings
cost; who continues a configuration pays its further epochs only. What counts is the value at the last epoch, according
to the surrogate, of the configuration with the best value seen: 0 is the best known configuration of the task, 1 the
median random one. Differences are paired by task, seed and number of workers; above 0 the first system is better.

Samplers may be adjusted on the tasks `tuned`; figures that are published are measured on the tasks `reported`. Of
XGBoost there are tasks where the surrogate does not find the booster dart far better than gbtree: elsewhere it answers
1.0 for configurations that cannot be trained.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from search_quality.environments import PeerUnavailableError, interpreter
from search_quality.own_system import OWN_SYSTEMS, OwnSystem
from search_quality.peer_system import PEERS, running_peer
from search_quality.run_file import RunFile
from search_quality.simulation import Run, simulated
from search_quality.table import Key, lines, regrets_of
from search_quality.tasks import LCBENCH, XGBOOST, Task, lcbench, xgboost


def main() -> None:
    given = options()
    tasks = [*lcbench(given.data, LCBENCH[given.tasks]), *xgboost(given.data, XGBOOST[given.tasks])]
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    if given.quick:
        tasks, seeds = [tasks[0], tasks[1], tasks[-1]], range(2)
    with tempfile.TemporaryDirectory() as folder:
        peers = installed(given.systems, given.cache or Path(folder))
        systems = [system for system in given.systems if system in OWN_SYSTEMS or system in peers]
        keys = [
            (task.name, seed, workers, system)
            for seed in seeds
            for task in tasks
            for workers in given.workers
            for system in systems
        ]
        runs = measured(keys, {task.name: task for task in tasks}, peers, given.runs)
    regrets = regrets_of(runs, tasks)
    print(f"{len(tasks)} tasks, {len(seeds)} seeds")
    for workers in given.workers:
        print()
        for line in lines(runs, regrets, systems, workers):
            print(line)


def options() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, nargs="?", default=os.environ.get("TUNER_BENCHMARKS"))
    parser.add_argument("--tasks", choices=("tuned", "reported"), default="reported")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--workers", type=int, nargs="+", default=[8])
    known = [*OWN_SYSTEMS, *PEERS]
    parser.add_argument(
        "--systems",
        nargs="+",
        choices=known,
        metavar="NAME",
        default=["auto+asha", "tpe+asha", "random+asha"],
        help=f"the first is compared with all others: {', '.join(known)}",
    )
    parser.add_argument("--quick", action="store_true", help="three tasks and two seeds")
    parser.add_argument(
        "--runs", type=Path, help="a file to which every run is added; those that it has already are not repeated"
    )
    parser.add_argument("--cache", type=Path, help="a folder for the environments of peers; else a temporary one")
    given = parser.parse_args()
    if given.data is None:
        parser.error("DATA is missing: the folder with yahpo_lcbench and yahpo_rbv2_xgboost")
    given.data = Path(given.data)
    return given


def installed(systems: Sequence[str], cache: Path) -> dict[str, Path]:
    """Return the interpreter of each peer among the systems; one that cannot be installed is left out."""
    found: dict[str, Path] = {}
    for system in systems:
        if system in PEERS:
            try:
                found[system] = interpreter(PEERS[system], cache)
            except PeerUnavailableError as error:
                print(f"{system} is left out: {error}", file=sys.stderr)
    return found


def measured(
    keys: Sequence[Key], tasks: Mapping[str, Task], peers: Mapping[str, Path], path: Path | None
) -> dict[Key, Run]:
    """Return the runs of all keys: those that the file has, and the others, which are added to it."""
    file = None if path is None else RunFile(path)
    known = {} if file is None else file.read()
    runs: dict[Key, Run] = {}
    for key in keys:
        if key in known:
            runs[key] = known[key]
            continue
        runs[key] = one_run(key, tasks[key[0]], peers)
        if file is not None:
            file.add(key, runs[key])
    return runs


def one_run(key: Key, task: Task, peers: Mapping[str, Path]) -> Run:
    """Return what a system finds on a task."""
    _, seed, workers, system = key
    if system in OWN_SYSTEMS:
        return simulated(task, OwnSystem(system, task, seed, workers), seed, workers)
    with running_peer([peers[system], PEERS[system]], task, seed, workers) as peer:
        return simulated(task, peer, seed, workers)


if __name__ == "__main__":
    main()
