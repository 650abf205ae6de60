"""Shows that the fault tests can fail: one line of the product is broken at a time, and its row has to turn red.

    python tests/faults/broken_builds.py [ROW ...]

Works on a copy; prints a line for each row of the fault matrix: what was broken, and what the tests said.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import final

ROOT = Path(__file__).parent.parent.parent


@final
@dataclass(frozen=True, slots=True)
class Break:
    """A line of the product, what stands in its place, and the tests that must notice."""

    row: str
    file: str
    line: str
    instead: str
    tests: str
    chosen: str = ""


LONGEST_SECONDS = 1800
"""What takes longer hangs, and shows nothing."""

BREAKS = tuple(Break(**each) for each in tomllib.loads(Path(__file__).with_suffix(".toml").read_text())["breaks"])


def main(rows: list[str]) -> None:
    green = []
    for broken in BREAKS:
        if rows and broken.row not in rows:
            continue
        noticed, summary = tried(broken)
        line = broken.line.strip().splitlines()[0]
        sys.stdout.write(f"{broken.row:>3}  {'red' if noticed else 'GREEN':<6} {broken.file}: {line}  ({summary})\n")
        sys.stdout.flush()
        if not noticed:
            green.append(broken.row)
    if green:
        sys.exit(f"rows that do not notice: {', '.join(green)}")


def tried(broken: Break) -> tuple[bool, str]:
    """Return whether the row's tests fail on a build that is broken so, and how they ended."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        files = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for name in files.stdout.splitlines():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name, follow_symlinks=False)  # the content folders are links
        file = copy / broken.file
        content = file.read_text()
        if content.count(broken.line) != 1:
            sys.exit(f"row {broken.row}: {broken.file} has {content.count(broken.line)} times: {broken.line}")
        file.write_text(content.replace(broken.line, broken.instead))
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", broken.tests]
        if broken.chosen:
            command += ["-k", broken.chosen]
        environment = {**os.environ, "PYTHONPATH": folder}
        check_imported(copy, environment)
        try:
            ran = subprocess.run(
                command,
                cwd=copy,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=LONGEST_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return False, "its tests hang"
        last = ran.stdout.strip().splitlines()[-1:] or [""]
        # 1: tests failed; anything else, such as no tests found, shows nothing.
        return ran.returncode == 1, last[0][:160]


def check_imported(copy: Path, environment: dict[str, str]) -> None:
    """End where programs that tests start would import another build than the broken one: they could not notice."""
    command = [sys.executable, "-P", "-c", "import tuner; print(tuner.__file__)"]
    found = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=True).stdout
    if not Path(found.strip()).resolve().is_relative_to(copy.resolve()):
        sys.exit(f"{sys.executable} imports {found.strip()} whatever PYTHONPATH says: take an environment without it")


if __name__ == "__main__":
    main(sys.argv[1:])
