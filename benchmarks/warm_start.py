"""What a warm start saves: studies of other splits of the data, cold and started from an earlier study.

    python benchmarks/warm_start.py [--study iris] [--trials 32] [--seeds 10]

Each seed has an earlier study on a split of its own, and then the same later study twice, on another split: cold, and
with `warm_start`. Told are the best value so far after a few trials, and how many trials it took to be as good as the
cold study was in the end.
"""

import argparse
import statistics
import tempfile
from dataclasses import replace

from tuner.api import Study, run
from tuner.domain.study import Confirm
from tuner.running.spec_source import read_spec

EARLY = 5
"""The default configuration and what 32 trials carry over."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--study", default="iris")
    parser.add_argument("--trials", type=int, default=32)
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    early: dict[str, list[float]] = {"cold": [], "warm": []}
    reached: dict[str, list[float]] = {"cold": [], "warm": []}
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(given.seeds):
            cold, warm = later(given.study, given.trials, seed, f"{folder}/studies.db")
            goal = cold.direction.sign * (cold.top(1)[0].value or 0.0)
            for kind, study in (("cold", cold), ("warm", warm)):
                early[kind].append(best_after(study, EARLY))
                reached[kind].append(trials_until(study, goal))
    print(f"{given.study}, {given.trials} trials, {given.seeds} seeds")
    for kind in ("cold", "warm"):
        counts = reached[kind]
        print(
            f"{kind}: best after {EARLY} trials {statistics.fmean(early[kind]):.4f}, mean; as good as the cold study "
            f"in the end after {statistics.median(counts):.0f} trials, median "
            f"({sum(count <= given.trials for count in counts)} of {len(counts)} were)"
        )


def later(name: str, trials: int, seed: int, storage: str) -> tuple[Study, Study]:
    """Return the later study of a seed, cold and warm."""

    def ran(title: str, seed: int, *earlier: str) -> Study:
        spec, _ = read_spec(name, {"budget.trials": trials, "executor": "inline", "seed": seed})
        asked = replace(spec, name=f"{title}-{seed}", warm_start=earlier, confirm=Confirm(run=False))
        return run(asked, storage=storage)

    ran("earlier", seed)
    return ran("cold", 1000 + seed), ran("warm", 1000 + seed, f"earlier-{seed}")


def best_after(study: Study, count: int) -> float:
    values = [trial.value for trial in study.trials[:count] if trial.value is not None]
    best = max(study.direction.sign * value for value in values)
    return study.direction.sign * best


def trials_until(study: Study, goal: float) -> float:
    """Return how many trials it took to reach `goal`, one more than there are where it was not reached."""
    values = [study.direction.sign * (trial.value or 0.0) if trial.curve else -1e9 for trial in study.trials]
    return next((number + 1 for number, value in enumerate(values) if value >= goal), len(values) + 1)


if __name__ == "__main__":
    main()
