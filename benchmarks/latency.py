"""How long people wait for an answer: `tuner --help`, and `tuner best` on a study of 1,000 trials.

    python benchmarks/latency.py [--runs 7]

Each figure is the median of whole processes, after one that warms the disk's cache.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time

import tuner

TRIALS = 1_000
EPOCHS = 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        storage = f"{folder}/studies.db"
        tuner.run(
            tuner.StudySpec(
                name="thousand",
                objective="nothing:train",
                search_space="workload_space:space",
                metric="accuracy",
                budget=tuner.Budget(trials=TRIALS, epochs=EPOCHS),
                sampler="random",
                scheduler="none",
                executor="inline",
            ),
            storage=storage,
        )
        for words in (["--help"], ["list"], ["best", "thousand"], ["trials", "thousand"]):
            command = [sys.executable, "-m", "tuner.cli", *words]
            print(f"tuner {' '.join(words):<18}{median_seconds(command, storage, runs):>6.2f} s")


def median_seconds(command: list[str], storage: str, runs: int) -> float:
    return statistics.median([seconds(command, storage) for _ in range(runs + 1)][1:])


def seconds(command: list[str], storage: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, env={"TUNER_STORAGE": storage}, check=True, capture_output=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
