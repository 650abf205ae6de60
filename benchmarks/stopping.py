"""How often `until = "no gain"` ends a study too early, and what it saves, on the problems of `search.py`.

    python benchmarks/stopping.py DATA [--tasks reported|tuned] [--seeds 5] [--systems NAME ...] [--trials 200]

Each run drives the real controller, sampler and scheduler on the simulated clock of `search.py` to its last trial, and
notes where the expected gain became negligible first. The trials that are in flight then are trained to their ends. An
end is false where the trials that it would not have begun improved the best value by more than the tolerance.
"""

import argparse
import itertools
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from search_quality.own_system import OWN_SYSTEMS, OwnSystem
from search_quality.simulation import Simulation
from search_quality.tasks import LCBENCH, XGBOOST, Task, lcbench, xgboost

from tuner.domain.expected_gain import TOLERANCE, Records
from tuner.domain.goal import Goal
from tuner.domain.study import Direction
from tuner.domain.trial import TrialState


@dataclass(frozen=True)
class Finished:
    """A trial that finished: its value, None where it is not complete, and how many trials had begun by then."""

    number: int
    value: float | None
    begun: int


@dataclass(frozen=True)
class End:
    """Where a study would have ended, of how many trials, and what the trials that it would not have begun gained."""

    begun: int
    trials: int
    tolerance: float
    gained: float

    @property
    def is_false(self) -> bool:
        return self.gained > self.tolerance


def course(task: Task, system: str, seed: int, workers: int, trials: int) -> list[Finished]:
    """Search the task for so many trials; return them in the order in which they finished."""
    searching = OwnSystem(system, task, seed, workers, trials)
    simulation, finished = Simulation(task, searching, seed, workers), []
    while not searching.controller.is_finished:
        trial = searching.controller.trial(simulation.advance())
        if trial.state.is_finished:
            value = trial.value if trial.state is TrialState.COMPLETE else None
            finished.append(Finished(number=trial.number, value=value, begun=simulation.trials))
    return finished


def end_of(finished: Sequence[Finished]) -> End | None:
    """Return where a study ends whose trials finish like this; None where it begins all of them."""
    records = Records(Goal.of("value", Direction.MAXIMIZE))
    for trial in finished:
        records.add(trial.value)
        gain = records.expected(len(finished))
        if gain is not None and gain.is_negligible and trial.begun < len(finished):
            best = max(each.value for each in finished if each.value is not None)
            before = max(each.value for each in finished if each.value is not None and each.number < trial.begun)
            return End(begun=trial.begun, trials=len(finished), tolerance=gain.tolerance, gained=best - before)
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, nargs="?", default=os.environ.get("TUNER_BENCHMARKS"))
    parser.add_argument("--tasks", choices=("tuned", "reported"), default="reported")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument(
        "--systems", nargs="+", choices=OWN_SYSTEMS, default=["random+none", "random+asha", "auto+asha"]
    )
    given = parser.parse_args()
    if given.data is None:
        parser.error("DATA is missing: the folder with yahpo_lcbench and yahpo_rbv2_xgboost")
    tasks = [*lcbench(Path(given.data), LCBENCH[given.tasks]), *xgboost(Path(given.data), XGBOOST[given.tasks])]
    for system in given.systems:
        ends = []
        for seed, task in itertools.product(range(given.seeds), tasks):
            ends.append(end_of(course(task, system, seed, given.workers, given.trials)))
            print(f"\r{told(ends)}", end="", flush=True)
        print(f"\r{system}, {given.trials} trials: {told(ends)}")


def told(ends: Sequence[End | None]) -> str:
    """Return how many studies ended early, how many of them falsely, and what that saved and lost."""
    found = [end for end in ends if end is not None]
    false = sum(end.is_false for end in found)
    saved = [1 - end.begun / end.trials if end is not None else 0.0 for end in ends]
    lost = [TOLERANCE * end.gained / end.tolerance if end is not None and end.gained else 0.0 for end in ends]
    return (
        f"of {len(ends)} studies {len(found)} end early, {false} of them falsely; trials saved "
        f"{statistics.fmean(saved):.1%}, {max(saved):.0%} at most; lost {statistics.fmean(lost):.4f} of the spread, "
        f"{max(lost):.4f} at most"
    )


if __name__ == "__main__":
    main()
