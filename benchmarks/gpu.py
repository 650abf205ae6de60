"""Cohorts on an accelerator: what they are worth there, and that they compute the same. One table, one command.

    python benchmarks/gpu.py [--device cuda] [--models mlp cnn transformer rnn] [--members 8 32 128 256]
        [--epochs 3] [--examples 4096] [--no-zoo]

It needs this repository, torch and numpy, and nothing else: a bare GPU machine will do. `--device cpu` runs the same
code without one.

- zoo: every module of the tests' zoo that trains in cohorts, five trials together against each alone, on this device:
  the largest relative difference of their losses.
- speed: epochs a second of so many trials in one cohort, against one trial after another (measured on four of them).
  `memory` is the device's peak, in MiB, where torch counts it.
"""

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import torch  # noqa: E402 - the repository has to be found first
from torch import Tensor, nn  # noqa: E402
from zoo import TOGETHER, ZOO  # noqa: E402
from zoo_objective import OfTheZoo  # noqa: E402

from tuner import OwnModel  # noqa: E402
from tuner.domain.checkpoints import Checkpoints  # noqa: E402
from tuner.domain.config import Config  # noqa: E402
from tuner.domain.objective import Cohort, Objective  # noqa: E402
from tuner.domain.trial import Trial  # noqa: E402

_ALONE = 4
"""So many trials are trained one after another to learn what one takes."""

_CLASSES = 10


class Discarding(Checkpoints):
    """Keeps nothing: what is measured is training."""

    def save(self, state: Mapping[str, Any]) -> None:
        pass

    def load(self) -> Mapping[str, Any] | None:
        return None


class Encoder(nn.Module):
    """One layer of a transformer over 16 tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True)
        self.head = nn.Linear(64, _CLASSES)

    def forward(self, inputs: Tensor) -> Tensor:
        pooled: Tensor = self.head(self.layer(inputs).mean(1))
        return pooled


class Recurrent(nn.Module):
    """A GRU over 16 steps."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrent = nn.GRU(64, 64, batch_first=True)
        self.head = nn.Linear(64, _CLASSES)

    def forward(self, inputs: Tensor) -> Tensor:
        last: Tensor = self.head(self.recurrent(inputs)[0][:, -1])
        return last


MODELS: Mapping[str, tuple[tuple[int, ...], Callable[[], nn.Module]]] = {
    "mlp": (
        (64,),
        lambda: nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, _CLASSES)),
    ),
    "cnn": (
        (1, 16, 16),
        lambda: nn.Sequential(
            *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(512, _CLASSES)),
        ),
    ),
    "transformer": ((16, 64), Encoder),
    "rnn": ((16, 64), Recurrent),
}
"""The shape of an example, and what builds the model."""


class Random(OwnModel):
    """One of `MODELS` on random examples."""

    def build(self, config: Config) -> nn.Module:
        return MODELS[self.settings["model"]][1]()

    def examples(self, split: str) -> tuple[Tensor, Tensor] | None:
        if split == "test":
            return None
        generator = torch.Generator().manual_seed(len(split))
        count = self.settings["examples"] if split == "train" else 256
        inputs = torch.randn(count, *MODELS[self.settings["model"]][0], generator=generator)
        return inputs, torch.randint(_CLASSES, (count,), generator=generator)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    parser.add_argument("--device", default="cpu" if found is None else found.type)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=[*MODELS])
    parser.add_argument("--members", nargs="+", type=int, default=[8, 32, 128, 256])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--examples", type=int, default=4096)
    parser.add_argument("--no-zoo", action="store_true")
    given = parser.parse_args()
    print(f"{name_of(given.device)}, torch {torch.__version__}")
    if not given.no_zoo:
        print(zoo(given.device), flush=True)
    print(f"\nepochs of a trial a second; {given.examples} examples")
    print(f"{'model':<14}{'members':>8}{'together':>10}{'alone':>10}{'ratio':>8}{'memory':>9}")
    for model in given.models:
        speed(model, given.device, given.members, given.epochs, given.examples)


def name_of(device: str) -> str:
    """Return what the device calls itself."""
    return torch.cuda.get_device_name() if device == "cuda" else device


def zoo(device: str) -> str:
    """Return how far the trials of a cohort are from the same trials alone, at most."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    worst, where, count = 0.0, "", 0
    for name, case in ZOO.items():
        if case.expected != TOGETHER:
            continue
        own, members = OfTheZoo({"case": name}, 0), trials(5, device, epochs=2)
        together = losses(own, members)
        alone = {number: loss for member in members for number, loss in losses(own, [member]).items()}
        count += 1
        apart = max(abs(together[each] - alone[each]) / max(abs(alone[each]), 1e-6) for each in alone)
        if not apart <= worst:
            worst, where = apart, name
    return f"zoo: {count} modules together against alone, largest difference of a loss {worst:.1e} ({where})"


def losses(own: Objective, members: Sequence[Trial]) -> dict[int, float]:
    """Train the trials in one cohort, and return their losses of the last epoch."""
    cohort = own.start(members)
    ends: dict[int, float] = {}
    for _ in range(members[0].max_epochs):
        for number, metrics in cohort.advance().items():
            assert isinstance(metrics, Mapping), f"trial {number} of {own} failed: {metrics}"
            ends[number] = float(metrics["log_loss"])
    return ends


def speed(model: str, device: str, members: Sequence[int], epochs: int, examples: int) -> None:
    """Print what a cohort of each size does in a second, and what its trials do one after another."""
    own = Random({"model": model, "examples": examples}, 0)
    for each in trials(_ALONE, device, epochs)[:1]:
        timed(own.start([each]), 1, device)  # what is compiled and allocated first
    one_by_one = [timed(own.start([each]), epochs, device) for each in trials(_ALONE, device, epochs)]
    alone = _ALONE * epochs / sum(one_by_one)
    for count in members:
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        cohort = own.start(trials(count, device, epochs + 1))
        timed(cohort, 1, device)
        together = count * epochs / timed(cohort, epochs, device)
        peak = f"{torch.cuda.max_memory_allocated() / 2**20:.0f}" if device == "cuda" else "-"
        print(f"{model:<14}{count:>8}{together:>10.1f}{alone:>10.1f}{together / alone:>8.2f}{peak:>9}", flush=True)


def timed(cohort: Cohort, epochs: int, device: str) -> float:
    """Train for so many epochs, and return the seconds that it took the device."""
    began = time.perf_counter()
    for _ in range(epochs):
        cohort.advance()
    if device != "cpu":
        torch.accelerator.synchronize()
    return time.perf_counter() - began


def trials(count: int, device: str, epochs: int) -> list[Trial]:
    """Return trials that differ in their learning rate."""
    return [
        Trial(
            config=Config(
                {"number": 0, "batch_size": 64, "optimizer": {"name": "sgd", "lr": 0.01 * (1 + number / count)}}
            ),
            number=number,
            seed=number,
            device=device,
            epoch=0,
            max_epochs=epochs,
            settings=Config({}),
            checkpoints=Discarding(),
        )
        for number in range(count)
    ]


if __name__ == "__main__":
    main()
