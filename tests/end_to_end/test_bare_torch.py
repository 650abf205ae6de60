"""What is measured on a bare GPU machine needs torch and numpy, and nothing else that tuner is installed with."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

BARE = f"""
import runpy, sys
for name in ("ray", "optuna", "sklearn", "pandas", "pydantic", "scipy", "sqlalchemy", "pyarrow", "typer", "rich"):
    sys.modules[name] = None  # as if it were not installed
sys.argv = ["gpu.py", "--device", "cpu", "--no-zoo", "--members", "2", "--epochs", "1", "--examples", "128"]
runpy.run_path({str(ROOT / "benchmarks" / "gpu.py")!r}, run_name="__main__")
"""


def test_the_gpu_benchmark_runs_with_torch_and_numpy_alone() -> None:
    finished = subprocess.run([sys.executable, "-c", BARE], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    models = [line.split()[0] for line in finished.stdout.splitlines() if line]
    assert models[-4:] == ["mlp", "cnn", "transformer", "rnn"]
