"""What a process for each trial gives, and what it costs.

    python benchmarks/isolation.py [--trials 200] [--alone 20] [--nothing 500]

Runs `guests.py`, which changes all of its process that a program can change, and compares every trial with what it has
to be: all numbers that a trial can tell by itself, and for `--alone` of them each number with that of the same trial in
a fresh interpreter that has no part of tuner's execution in it. Counts the processes that are left, and the logs that
have other lines than their own. Then the cost: how many trials a second that compute nothing, with a process each and
sharing one.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
EPOCHS = 2
SEED = 0

ALONE = """
import json, sys
from pathlib import Path
from guests import space, train
from tuner import Trial
from tuner.domain.config import Config
from tuner.domain.seed import derive
import random, numpy, torch

number, config = int(sys.argv[1]), Config(json.loads(sys.argv[2]))
seed = derive({seed}, "trial", number)
random.seed(derive(seed, "global", 0))
numpy.random.seed(derive(seed, "global", 0))
trial = Trial(
    config=config, number=number, seed=seed, device="cpu", epoch=0, max_epochs={epochs}, settings=Config({{}}),
    checkpoints=None,
)
metrics = [*train(trial)]
print("\\n" + json.dumps(metrics))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--alone", type=int, default=20, help="how many are trained in a fresh interpreter too")
    parser.add_argument("--nothing", type=int, default=500, help="how many trials the cost is measured with")
    arguments = parser.parse_args()
    if arguments.trials:
        compare(arguments.trials, arguments.alone)
    if arguments.nothing:
        cost(arguments.nothing)
        cost(4 * arguments.nothing, "--set", "resources.share_process=true")


def compare(trials: int, alone: int) -> None:
    mark = uuid.uuid4().hex
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        tune(folder, "guests", trials, epochs=EPOCHS, mark=mark)
        seconds = time.perf_counter() - began
        found = query(folder, "guests")
        reports = curves(folder)
        wrong = [trial["number"] for trial in found if not right(trial)]
        loud = [trial["number"] for trial in found if not own_lines(Path(folder), trial["number"])]
        differing = (
            [
                trial["number"]
                for trial in found[:: max(1, trials // alone)][:alone]
                if by_itself(trial) != reports[trial["number"]]
            ]
            if alone
            else []
        )
    print(f"{trials} trials in {seconds:.0f} s: {len(wrong)} with numbers of another trial {wrong[:5]}")
    print(f"{min(alone, trials)} of them in a fresh interpreter: {len(differing)} with other numbers {differing[:5]}")
    print(f"{len(loud)} logs with other lines than their own {loud[:5]}; {len(left(mark))} processes left")
    if wrong or differing or loud or left(mark):
        sys.exit("trials are not isolated")


def right(trial: dict[str, Any]) -> bool:
    metrics, config = trial["metrics"], trial["config"]
    expected = {
        **metrics,
        "lr": config["lr"],
        "bits": 32.0 if config["dtype"] == "float32" else 64.0,
        "digits": config["digits"],
        "steps": 2.0 * trial["epoch"],
        "here": 1.0,
        "number": trial["number"],
    }
    return trial["state"] == "COMPLETE" and bool(metrics == expected)


def own_lines(folder: Path, number: int) -> bool:
    (log,) = (folder / ".tuner" / "logs").glob(f"guests-*/trial-{number:05d}.log")
    return log.read_text().splitlines() == [f"trial {number} epoch {epoch}" for epoch in range(EPOCHS)]


def by_itself(trial: dict[str, Any]) -> list[float]:
    """Return the metric of each epoch of a trial in a fresh interpreter."""
    mark = uuid.uuid4().hex
    program = ALONE.format(seed=SEED, epochs=EPOCHS)
    command = [sys.executable, "-c", program, str(trial["number"]), json.dumps(trial["config"])]
    environment = {**os.environ, "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parent}", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile("w+") as output:  # not a pipe: the processes that it leaves behind keep that open
        subprocess.run(command, stdout=output, env={**environment, "TUNER_MARK": mark}, check=True)
        output.seek(0)
        metrics = json.loads(output.read().splitlines()[-1])
    for pid in left(mark):
        os.kill(pid, signal.SIGKILL)
    return [epoch[name] for epoch in metrics for name in ("m", "drawn")]


def curves(folder: str) -> dict[int, list[float]]:
    import tuner

    study = tuner.load_study("guests", storage=f"{folder}/.tuner/studies.db")
    every, drawn = study.learning_curves("m"), study.learning_curves("drawn")
    return {
        number: [value for epoch in sorted(curve) for value in (curve[epoch], drawn[number][epoch])]
        for number, curve in every.items()
    }


def cost(trials: int, *words: str) -> None:
    import tuner

    with tempfile.TemporaryDirectory() as folder:
        tune(folder, "nothing", trials, *words, epochs=1)
        found = tuner.load_study("nothing", storage=f"{folder}/.tuner/studies.db").trials
    began = min(trial.started for trial in found if trial.started)
    ended = max(trial.finished for trial in found if trial.finished)
    rate = trials / (ended - began).total_seconds()
    how = "sharing a process" if words else "a process each"
    print(f"{trials} trials of nothing, {how}: {rate:.0f} a second, from the first to the last")


def tune(folder: str, module: str, trials: int, *words: str, epochs: int, mark: str = "") -> None:
    file = Path(folder) / f"{module}.toml"
    file.write_text(
        f'objective = "{module}:train"\nsearch_space = "{module}:space"\nmetric = "m"\ndirection = "maximize"\n'
        f"seed = {SEED}\n"
        f'[budget]\ntrials = {trials}\nepochs = {epochs}\n[scheduler]\nname = "none"\n[sampler]\nname = "random"\n'
    )
    environment = {**os.environ, "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parent}", "TUNER_MARK": mark}
    command = [sys.executable, "-m", "tuner.cli", "run", str(file), *words]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(ended.stderr[-3000:])


def query(folder: str, study: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "tuner.cli", "trials", study, "--json"]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    trials: list[dict[str, Any]] = json.loads(ran.stdout)
    return trials


def left(mark: str) -> list[int]:
    """Return the processes that have `mark` in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


if __name__ == "__main__":
    main()
