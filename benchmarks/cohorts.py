"""What training trials of one shape together is worth: `cohort = "auto"` against `cohort = 1`, side by side.

    python benchmarks/cohorts.py [speed] [shape] [nothing] [memory] [quality] [--trials 1024]
        [--rounds 1] [--models mlp] [--seeds 10]

- speed: configurations a second of small models on digits, ASHA 1/3/9/27, random search, two workers; from the first
  trial that ends to the last, so that Ray's start is left out of both.
- shape: 256 trials x 9 epochs of one's own MLP that differ in nothing that makes a shape, in one process.
- nothing: 2,000 trials x 3 reports of a generator that computes nothing.
- memory: 64 MLPs in one cohort, and 64 processes with one each; 16 members on 100 MB of examples against one.
- quality: the best validation loss at equal trials, TPE, two datasets, both with the same seeds.

Every run is a process of its own with one thread, in an empty folder.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
SECTIONS = ("speed", "shape", "nothing", "memory", "quality")
SPACES = ("mlp", "cnn", "transformer", "rnn")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sections", nargs="*", default=SECTIONS, metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--trials", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=1, help="how often both are run, in turn")
    parser.add_argument(
        "--models", nargs="*", default=SPACES, help=f"those whose speed is measured: {', '.join(SPACES)}"
    )
    parser.add_argument("--seeds", type=int, default=10, help="how many studies the quality is the mean of")
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for section in arguments.sections:
        print()
        if section == "speed":
            speed(arguments.models, arguments.trials, arguments.rounds)
        elif section == "shape":
            shape(arguments.rounds)
        elif section == "quality":
            quality(range(arguments.seeds))
        else:
            {"nothing": nothing, "memory": memory}[section]()


def speed(spaces: Sequence[str], trials: int, rounds: int) -> None:
    print(f"{trials} configurations on digits, configurations a second")
    print(f"{'model':<14}{'auto':>8}{'alone':>8}{'ratio':>8}{'least':>8}{'most':>8}")
    for space in spaces:
        pairs = [
            [float(run("with_cohorts.py", space, trials, cohort)) for cohort in ("auto", "1")] for _ in range(rounds)
        ]
        auto, alone = (statistics.median(rates) for rates in zip(*pairs, strict=True))
        # Others may use the machine too: what runs right after each other is compared.
        ratios = [auto / alone for auto, alone in pairs]
        spread = f"{statistics.median(ratios):>8.2f}{min(ratios):>8.2f}{max(ratios):>8.2f}"
        print(f"{space:<14}{auto:>8.1f}{alone:>8.1f}{spread}", flush=True)


def shape(rounds: int) -> None:
    pairs = [[run("with_one_shape.py", cohort).split() for cohort in ("auto", "1")] for _ in range(rounds)]
    print(f"256 trials x 9 epochs of one shape, {float(pairs[0][0][2]):.0%} of epochs batched under auto, seconds")
    print(f"{'':<14}{'auto':>8}{'alone':>8}{'ratio':>8}")
    for place, words in enumerate(("on the clock", "computing")):
        both = [(float(auto[place]), float(alone[place])) for auto, alone in pairs]
        ratio = statistics.median(alone / auto for auto, alone in both)
        auto, alone = (statistics.median(each) for each in zip(*both, strict=True))
        print(f"{words:<14}{auto:>8.1f}{alone:>8.1f}{ratio:>8.2f}", flush=True)


def nothing() -> None:
    seconds = float(run("with_nothing.py", 2000, "random"))
    print(f"2000 trials x 3 reports of nothing: {2000 / seconds:.0f} trials a second")


def memory() -> None:
    together, alone = (float(run("with_members.py", members)) for members in (64, 1))
    print(f"64 MLPs in one cohort: {together:.0f} MiB; in 64 processes: 64 x {alone:.0f} = {64 * alone:.0f} MiB")
    for features in (784, 16):
        one, several = (float(run("with_examples.py", members, 100, features)) for members in (1, 16))
        print(
            f"100 MB of examples of {features} features: one member {one:.0f} MiB, 16 members {several:.0f} MiB, "
            f"{several - one:.0f} MiB more"
        )


def quality(seeds: Sequence[int]) -> None:
    print(f"best validation log loss after 64 trials, {len(seeds)} seeds; a difference above 0 favours auto")
    print(f"{'dataset':<16}{'auto':>10}{'alone':>10}{'difference':>12}{'std. error':>12}")
    for dataset, space in (("digits", "cohort_spaces:mlp"), ("breast_cancer", "tabular_classifier")):
        pairs = [
            [float(run("with_quality.py", dataset, space, cohort, seed)) for cohort in ("auto", "1")] for seed in seeds
        ]
        differences = [alone - auto for auto, alone in pairs]
        error = statistics.stdev(differences) / len(differences) ** 0.5
        auto, alone = (statistics.mean(each) for each in zip(*pairs, strict=True))
        print(
            f"{dataset:<16}{auto:>10.4f}{alone:>10.4f}{statistics.mean(differences):>12.4f}{error:>12.4f}", flush=True
        )


def run(script: str, *words: object) -> str:
    """Run a script in a fresh process and an empty folder, and return the last line it prints."""
    environment = {**os.environ, "PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(HERE / script), *map(str, words)]
    with tempfile.TemporaryDirectory() as folder:
        finished = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if finished.returncode:
        sys.exit(f"{script} failed:\n{finished.stderr[-3000:]}")
    return finished.stdout.strip().splitlines()[-1]


if __name__ == "__main__":
    main()
