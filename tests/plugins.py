"""A package of somebody else's that adds a member of each kind, installed into a folder as pip does it."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

MODULE = '''
"""A plug-in: one member of each kind."""

import json
import random

import tuner
from tuner.execution.worker import Worker

space = tuner.SearchSpace(x=tuner.Float(-1, 1), n=tuner.Int(1, 4))


class Drawing(tuner.Sampler):
    def __init__(self, space, goal, seed, *, shift: int = 0):
        self.space, self.seed = space, seed + shift

    def suggest(self, number, held={}):
        draw = random.Random(f"{self.seed} {number}")
        return self.space.at({path: draw.random() for path in self.space.parameters}, held)

    def observe(self, trial):
        pass


class Halving(tuner.Scheduler):
    prunes = True

    def __init__(self, max_epochs, direction, seed):
        self.is_better, self.values = direction.is_better, {}

    def record(self, number, epoch, value):
        self.values.setdefault(epoch, {})[number] = value

    def decide(self, number, epoch):
        known, value = self.values[epoch].values(), self.values[epoch][number]
        worse = sum(self.is_better(other, value) for other in known) > len(known) / 2
        return tuner.Decision.STOP if worse else tuner.Decision.CONTINUE


class Lines(tuner.Tracker):
    package = "json"

    @classmethod
    def place(cls, where, folder, study):
        return where or str(folder / "lines.jsonl")

    @classmethod
    def opening(cls, place):
        return f"cat {place}"

    def __init__(self, study, place):
        self.file = open(place, "a")

    def write(self, entry):
        print(json.dumps({"trial": entry.trial.number, "ends": entry.ends}), file=self.file)

    def close(self):
        self.file.close()


class Parabola(tuner.Objective):
    def __init__(self, settings, seed):
        pass

    def start(self, trials):
        return Curves(trials)

    def cohort_key(self, config):
        return config["n"]

    def metrics(self):
        return {"score": tuner.Direction.MAXIMIZE}


class Curves(tuner.Cohort):
    def __init__(self, trials):
        self.trials, self.epoch = {each.number: each for each in trials}, min(each.epoch for each in trials)

    def advance(self):
        self.epoch += 1
        return {
            number: {"score": self.epoch - each.config["x"] ** 2} if self.epoch <= each.max_epochs else None
            for number, each in self.trials.items()
        }

    def drop(self, numbers):
        self.trials = {number: each for number, each in self.trials.items() if number not in numbers}


class Here(tuner.Executor):
    def run(self, controller, worker_spec, resources):
        worker = Worker(worker_spec)
        while (work := controller.next_work()) is not None:
            if work.kind.value == "test":
                controller.tested(work, worker.test(work))
                continue
            worker.begin(work)
            while not (answer := controller.report(worker.advance())).is_over:
                worker.follow(answer)
            worker.follow(answer)
'''

ENTRY_POINTS: Mapping[str, Mapping[str, str]] = {
    "tuner.samplers": {"drawing": "added:Drawing"},
    "tuner.schedulers": {"halving": "added:Halving"},
    "tuner.trackers": {"lines": "added:Lines"},
    "tuner.objectives": {"parabola": "added:Parabola"},
    "tuner.search_spaces": {"line": "added:space"},
    "tuner.executors": {"here": "added:Here"},
}


def install(site: Path, name: str, entry_points: Mapping[str, Mapping[str, str]], **modules: str) -> None:
    """Put a package of these modules into a folder of packages, with the metadata that pip leaves there."""
    site.mkdir(exist_ok=True)
    for module, content in modules.items():
        (site / f"{module}.py").write_text(content)
    metadata = site / f"{name.replace('-', '_')}-1.5.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
    sections = (
        "\n".join([f"[{group}]", *(f"{name} = {value}" for name, value in members.items())])
        for group, members in entry_points.items()
    )
    (metadata / "entry_points.txt").write_text("\n".join(sections))


@contextmanager
def on_path(site: Path) -> Iterator[Path]:
    """Have a folder of packages on the module path, last, and forget what was imported from it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, str(site)])
        yield site
        for name, module in [*sys.modules.items()]:
            if (getattr(module, "__file__", None) or "").startswith(f"{site}/"):
                del sys.modules[name]
