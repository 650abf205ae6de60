"""What a tuner costs: the same search by us, by plain Ray Tune and by Optuna in one process, side by side.

    python benchmarks/overhead.py [--trials 64] [--rounds 1] [--skip-ray] [--against CHECKOUT]

Every system runs in a process of its own, with nothing warm, and searches the same space for the same model with ASHA
(1, 3, 9, 27 epochs) and two trials at a time (Optuna: one, as in its documentation). Wall time includes everything:
imports, Ray's start and end. Then the cost of the tuner alone: 500 trials of an objective that computes nothing.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
SYSTEMS = ("tuner", "optuna", "ray")
NOTHING_TRIALS = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument(
        "--rounds", type=int, default=1, help="how often every system runs, in turn, each time with another seed"
    )
    parser.add_argument("--skip-ray", action="store_true", help="leave plain Ray Tune out: it takes minutes")
    parser.add_argument("--against", metavar="CHECKOUT", type=Path, help="run another version of tuner alone beside it")
    parser.add_argument("--only-nothing", action="store_true", help="measure the tuner's own cost alone")
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    if arguments.against is not None:
        compare(["tuner", "before"], arguments)
        return
    if not arguments.only_nothing:
        compare([each for each in SYSTEMS if not (arguments.skip_ray and each == "ray")], arguments)
    for sampler in ("random", "tpe"):
        seconds, _ = run("nothing", NOTHING_TRIALS, sampler)
        print(f"{NOTHING_TRIALS} trials x 3 reports of nothing, {sampler}: {NOTHING_TRIALS / seconds:.1f} trials/s")


def compare(systems: list[str], arguments: argparse.Namespace) -> None:
    walls: dict[str, list[float]] = {system: [] for system in systems}
    bests: dict[str, list[float]] = {system: [] for system in systems}
    for seed in range(arguments.rounds):
        for system in systems:
            seconds, best = run(system, arguments.trials, str(seed), root=_root(system, arguments))
            walls[system].append(seconds)
            bests[system].append(best)
    print(f"{arguments.trials} trials of an MLP on digits, up to 27 epochs, ASHA 1/3/9/27")
    print(f"{'system':<10}{'wall':>9}{'ours/its':>10}{'best':>9}")
    for system in systems:
        # Round by round, since the machine's speed drifts.
        ratio = statistics.median(ours / its for ours, its in zip(walls["tuner"], walls[system], strict=True))
        wall, best = statistics.median(walls[system]), statistics.mean(bests[system])
        print(f"{system:<10}{wall:>7.1f} s{ratio:>10.2f}{best:>9.4f}")


def _root(system: str, arguments: argparse.Namespace) -> Path:
    """Return the checkout whose tuner is run."""
    return arguments.against.resolve() if system == "before" else HERE.parent


def run(system: str, trials: int, *more: str, root: Path = HERE.parent) -> tuple[float, float]:
    """Run one system in a fresh process and an empty folder, and return its wall seconds and what it found."""
    environment = {**os.environ, "PYTHONPATH": f"{HERE}{os.pathsep}{root}", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(HERE / f"{_SCRIPTS[system]}.py"), str(trials), *more]
        began = time.perf_counter()
        finished = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
    if finished.returncode:
        sys.exit(f"{system} failed:\n{finished.stderr[-3000:]}")
    last = float(finished.stdout.split()[-1])
    return (last, 0.0) if system == "nothing" else (seconds, last)


_SCRIPTS = {
    "tuner": "with_tuner",
    "before": "with_tuner",
    "nothing": "with_nothing",
    "ray": "with_ray",
    "optuna": "with_optuna",
}


if __name__ == "__main__":
    main()
