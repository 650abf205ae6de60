"""What cohorts, parametrisations and memory-mapped tokens are worth for language models.

    python benchmarks/large.py [cohorts] [adapters] [drift] [memory] [--device cpu] [--widths 32 64 128 256] [--seeds 3]
        [--steps 300] [--rounds 3] [--gigabytes 5]

- cohorts: member-steps a second of computing, K decoders in one cohort against one by one; steps of 256 bytes.
- adapters: the same of LoRA adapters of mixed ranks on one frozen Llama, for each of the widths; steps of 64 and of 256
  bytes, and the megabytes that the process holds with K adapters beyond what it holds with one.
- drift: the best learning rate at each width, by a grid of factors of 2, and its drift per doubling with an interval;
  bits per byte of Python's standard library, AdamW, warm-up, stable, decay.
- memory: what a process holds while it trains on a file of tokens of so many gigabytes.

On a CPU seconds are of the processor, with one thread: another process slows it down less than the clock says.
"""

import argparse
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from tuner.analysis.drift import Rung, fitted_drift
from tuner.domain.checkpoints import Checkpoints
from tuner.domain.config import Config
from tuner.domain.objective import Cohort, Objective
from tuner.domain.study import Direction
from tuner.domain.trial import Trial
from tuner.objectives.finetune import Finetune
from tuner.objectives.language import Language
from tuner.objectives.text.base_folder import RANDOM, base_at

SECTIONS = ("cohorts", "adapters", "drift", "memory")
SETTINGS = {"dataset": "stdlib", "context": 64, "depth": 2, "evaluation_tokens": 16_384}
BATCH_SIZE = 4
MEMBERS = (1, 4, 8, 16)


class Forgetful(Checkpoints):
    """Keeps nothing: what is measured never continues."""

    def save(self, state: Mapping[str, Any]) -> None:
        pass

    def load(self) -> None:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sections", nargs="*", default=SECTIONS, metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--widths", type=int, nargs="*", default=(32, 64, 128, 256))
    parser.add_argument("--members", type=int, nargs="*", default=MEMBERS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rates", type=int, default=5, help="how many are tried at each width")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gigabytes", type=float, default=5.0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for section in given.sections:
        {"cohorts": cohorts, "adapters": adapters, "drift": drift, "memory": memory}[section](given)
        print(flush=True)


def trials(configs: Sequence[Mapping[str, Any]], seeds: Sequence[int], epochs: int, device: str) -> list[Trial]:
    return [
        Trial(
            config=Config(config),
            number=number,
            seed=seed,
            device=device,
            epoch=0,
            max_epochs=epochs,
            settings=Config({}),
            checkpoints=Forgetful(),
        )
        for number, (config, seed) in enumerate(zip(configs, seeds, strict=True))
    ]


def config(lr: float, steps: int = 100) -> dict[str, Any]:
    return {
        "optimizer": {"name": "adamw", "lr": lr, "weight_decay": 0.1, "beta2": 0.98, "clip": 1.0},
        "lr_schedule": {"name": "wsd", "warmup_steps": steps // 10, "decay": 0.3},
        "batch_size": BATCH_SIZE,
    }


def seconds(device: str) -> float:
    if device == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def cohorts(given: argparse.Namespace) -> None:
    """Print how many steps of a member are done in a second, alone and together."""
    print(f"{'member-steps a second':<22}" + "".join(f"{'K = ' + str(count):>10}" for count in given.members))
    for width in given.widths:
        objective = Language({**SETTINGS, "width": width, "steps": 20, "evaluation_tokens": 64}, seed=0)
        print_speeds(f"width {width}", objective, given, lambda _: config(2**-6))


def print_speeds(
    label: str, objective: Objective, given: argparse.Namespace, configured: Callable[[int], Mapping[str, Any]]
) -> None:
    """Print how many of a member's steps are done in a second for each number of members, and what trains apart."""
    speeds: dict[int, list[float]] = {count: [] for count in given.members}
    running = {count: started(objective, count, given, configured) for count in given.members}
    for _ in range(given.rounds):
        for count, cohort in running.items():
            began = seconds(given.device)
            cohort.advance()
            speeds[count].append(20 * count / (seconds(given.device) - began))
    apart = [count for count, cohort in running.items() if count > 1 and cohort.together()[0] == 1]
    note = f"   one by one: K = {', '.join(map(str, apart))}" if apart else ""
    print(f"{label:<22}" + "".join(f"{statistics.median(speeds[k]):>10.1f}" for k in speeds) + note, flush=True)


def started(
    objective: Objective,
    count: int,
    given: argparse.Namespace,
    configured: Callable[[int], Mapping[str, Any]],
) -> Cohort:
    cohort = objective.start(trials([*map(configured, range(count))], range(count), given.rounds + 1, given.device))
    cohort.advance()  # the first one builds what the others use
    return cohort


def adapters(given: argparse.Namespace) -> None:
    """Print how many steps of an adapter are done in a second, alone and together, on bases of these widths."""
    print(f"{'adapter-steps a second':<22}" + "".join(f"{'K = ' + str(count):>10}" for count in given.members))
    for width in given.widths:
        with tempfile.TemporaryDirectory() as folder:
            base = made_base(Path(folder), width)
            for batch_size in (1, 4):
                print_adapters(base, width, batch_size, given)


def made_base(folder: Path, width: int) -> str:
    described = {**json.loads((base_at(RANDOM).path / "config.json").read_text()), "hidden_size": width}
    described |= {"intermediate_size": 4 * width, "num_attention_heads": width // 32, "head_dim": 32}
    described["num_key_value_heads"] = width // 32
    (folder / "config.json").write_text(json.dumps(described))
    (folder / "tokenizer.json").write_bytes(base_at(RANDOM).tokenizer.read_bytes())
    kinds: Any = transformers.AutoModelForCausalLM
    model = kinds.from_config(transformers.AutoConfig.from_pretrained(folder))
    model.save_pretrained(folder)
    return str(folder)


def print_adapters(base: str, width: int, batch_size: int, given: argparse.Namespace) -> None:
    settings = {"base": base, "dataset": "stdlib", "context": 64, "steps": 20, "evaluation_tokens": 64}
    objective = Finetune(settings, seed=0)
    label = f"width {width}, {64 * batch_size} tokens"
    print_speeds(label, objective, given, lambda at: adapter(at, batch_size))


def adapter(place: int, batch_size: int) -> dict[str, Any]:
    lora = {"name": "lora", "rank": (2, 4, 8, 16)[place % 4], "alpha": 16.0}
    return {
        "adapter": lora,
        "optimizer": {"name": "adamw", "lr": 1e-3 * (1 + place), "clip": 1.0},
        "batch_size": batch_size,
    }


def drift(given: argparse.Namespace) -> None:
    """Print the best rate at each width, its drift, and what the smallest width's rate costs at the largest."""
    print(f"{given.steps} steps, {given.seeds} seeds: log2 of the best rate at each width; its drift per doubling")
    for parametrisation in ("standard", "mup"):
        rungs: list[Rung] = []
        for width in given.widths:
            known = [rung.best(Direction.MINIMIZE) for rung in rungs[-given.seeds :]]
            centre = round(statistics.mean(map(np.log2, known))) if known else -6
            rates = [2.0 ** (centre + step - given.rates // 2) for step in range(given.rates)]
            rungs += climbed(parametrisation, width, rates, given)
            best = ", ".join(f"{np.log2(rung.best(Direction.MINIMIZE)):.2f}" for rung in rungs[-given.seeds :])
            bits = statistics.mean(min(rung.values.values()) for rung in rungs[-given.seeds :])
            print(f"{parametrisation:<10} {width:>5}: {best}   {bits:.3f} bits per byte", flush=True)
        bests = [rung.best(Direction.MINIMIZE) for rung in rungs]
        found = fitted_drift([rung.size for rung in rungs], bests, given.widths[-1])
        print(f"{parametrisation:<10} drift {found.slope:+.2f} ({found.slope_low:+.2f} to {found.slope_high:+.2f})")


def climbed(parametrisation: str, width: int, rates: Sequence[float], given: argparse.Namespace) -> list[Rung]:
    settings = {**SETTINGS, "width": width, "parametrisation": parametrisation, "steps": given.steps}
    objective = Language(settings, seed=0)
    asked = [(rate, seed) for seed in range(given.seeds) for rate in rates]
    configs = [config(rate, given.steps) for rate, _ in asked]
    began = seconds(given.device)
    measured: Mapping[int, Any] = objective.start(
        trials(configs, [seed for _, seed in asked], 1, given.device)
    ).advance()
    took = (seconds(given.device) - began) / len(asked)
    bits = {pair: float(measured[number]["bits_per_byte"]) for number, pair in enumerate(asked)}
    return [
        Rung(size=width, seed=seed, values={rate: bits[rate, seed] for rate in rates}, seconds=took)
        for seed in range(given.seeds)
    ]


def memory(given: argparse.Namespace) -> None:
    """Print what the process holds after training on a large file, beyond what it held before."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tokens.bin"
        with path.open("wb") as file:  # without content it takes no room on the disk, and as much when it is mapped
            file.truncate(int(given.gigabytes * 2**30))
        described = {"dtype": "uint16", "vocabulary": 256, "bytes_per_token": 1.0}
        path.with_suffix(".json").write_text(json.dumps(described))
        settings = {**SETTINGS, "dataset": str(path), "width": 32, "steps": given.steps}
        objective = Language(settings, seed=0)
        before = held()
        objective.start(trials([config(2**-6)] * 4, range(4), 1, "cpu")).advance()
        print(f"{given.gigabytes:g} GB of tokens, 4 members, {given.steps} steps:", end=" ")
        print(f"{held():.0f} MiB resident at most, of which {before:.0f} MiB before the file was opened")


def held() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


if __name__ == "__main__":
    main()
