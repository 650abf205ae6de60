"""What opening a CSV file takes: from the file to a table whose columns are inferred, checked and turned into features.

    python benchmarks/table_reading.py [--rows 100000] [--rounds 5]

20 columns: 8 of measurements (all distinct), 4 of whole numbers, 4 of categories, one each of dates, amounts with
thousands separators, numbers with gaps, and the target. Wall and CPU seconds, the median of the rounds; to compare
two versions, run this file in both checkouts, in turn, on the same machine.
"""

import argparse
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from tuner.objectives.user_data.options import DataOptions
from tuner.objectives.user_data.table import TableDataset
from tuner.objectives.user_data.table_reader import read_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write_table(path, arguments.rows)
        print(f"{arguments.rows:,} rows x 20 cells, {path.stat().st_size / 1e6:.1f} MB, seconds")
        print(f"{'':<16}{'wall':>8}{'CPU':>8}")
        for name, read in {
            "cells as text": lambda: read_table(path),
            "prepared table": lambda: TableDataset(path, DataOptions(target="y")),
        }.items():
            wall, cpu = seconds(read, arguments.rounds)
            print(f"{name:<16}{wall:>8.2f}{cpu:>8.2f}", flush=True)


def write_table(path: Path, rows: int) -> None:
    rng = np.random.default_rng(0)
    columns: dict[str, object] = {f"measured {i}": np.char.mod("%.6f", rng.normal(size=rows)) for i in range(8)}
    columns |= {f"count {i}": rng.integers(0, 1000 * 10**i, size=rows) for i in range(4)}
    columns |= {f"kind {i}": rng.choice([f"level {j}" for j in range(5 * 10 ** (i // 2))], size=rows) for i in range(4)}
    columns["day"] = np.datetime64("2015-01-01") + rng.integers(0, 3000, size=rows)
    columns["amount"] = [f"{amount:,.2f}" for amount in rng.lognormal(7, 1, size=rows)]
    columns["gaps"] = np.where(rng.random(rows) < 0.1, "NA", np.char.mod("%.3f", rng.normal(size=rows)))
    columns["y"] = rng.choice(["yes", "no"], size=rows)
    pd.DataFrame(columns).to_csv(path, index=False)


def seconds(call: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Return the median wall and CPU time of a call."""
    walls, cpus = [], []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return statistics.median(walls), statistics.median(cpus)


if __name__ == "__main__":
    main()
