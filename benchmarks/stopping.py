"""How often `until = "no gain"` ends a study too early, and what it saves, on the problems of `search.py`.

    python benchmarks/stopping.py DATA [--tasks reported|tuned] [--seeds 5] [--systems NAME ...] [--trials 64]

Each run drives the real controller, sampler and scheduler on the simulated clock of `search.py` to its last trial, and
notes where the expected gain became negligible first. An end is false where the trials after it still improved the best
value by more than the tolerance that it was compared with.
"""

import argparse
import os
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from search import LCBENCH, SYSTEMS, XGBOOST, Task, finished_in_order, lcbench, xgboost

from tuner.domain.expected_gain import Records
from tuner.domain.goal import Goal
from tuner.domain.study import Direction


@dataclass(frozen=True)
class End:
    """Where a study would have ended, what it had left, and what that part still gained."""

    at: int
    trials: int
    high: float
    tolerance: float
    gained: float
    spread: float

    @property
    def is_false(self) -> bool:
        return self.gained > self.tolerance


def end_of(values: Sequence[float | None], trials: int) -> End | None:
    """Return where a study ends whose trials finish with these values (None: not usable); None where it does not."""
    records = Records(Goal.of("value", Direction.MAXIMIZE))
    for at, value in enumerate(values, 1):
        records.add(value)
        gain = records.expected(trials)
        if gain is not None and gain.is_negligible:
            usable = [each for each in values if each is not None]
            before = max(each for each in values[:at] if each is not None)
            return End(at, trials, gain.high, gain.tolerance, max(usable) - before, gain.tolerance / 0.01)
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, nargs="?", default=os.environ.get("TUNER_BENCHMARKS"))
    parser.add_argument("--tasks", choices=("tuned", "reported"), default="reported")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, nargs="+", default=[64])
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=["auto+asha", "random+asha"])
    given = parser.parse_args()
    if given.data is None:
        parser.error("DATA is missing: the folder with yahpo_lcbench and yahpo_rbv2_xgboost")
    tasks = [*lcbench(Path(given.data), LCBENCH[given.tasks]), *xgboost(Path(given.data), XGBOOST[given.tasks])]
    for system in given.systems:
        for trials in given.trials:
            runs = [*_values(tasks, system, range(given.seeds), trials, given.workers)]
            _print(f"{system}, {trials} trials", [end_of(values, trials) for values in runs])


def _values(
    tasks: Sequence[Task], system: str, seeds: range, trials: int, workers: int
) -> Iterator[list[float | None]]:
    for task in tasks:
        for seed in seeds:
            yield finished_in_order(task, system, seed, workers, trials)


def _print(title: str, ends: Sequence[End | None]) -> None:
    found = [end for end in ends if end is not None]
    false = [end for end in found if end.is_false]
    saved = [1 - end.at / end.trials if end is not None else 0.0 for end in ends]
    lost = [end.gained / end.spread if end is not None else 0.0 for end in ends]
    print(f"{title}: of {len(ends)} studies {len(found)} end early, {len(false)} of them falsely")
    print(f"  trials saved {statistics.fmean(saved):.1%} in the mean, {max(saved):.0%} at most")
    print(f"  value lost, of the spread: {statistics.fmean(lost):.4f} in the mean, {max(lost):.4f} at most")


if __name__ == "__main__":
    main()
