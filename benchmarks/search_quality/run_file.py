"""A file of runs, a line of JSON each: a benchmark that was interrupted continues where it was."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import final

from search_quality.simulation import Run
from search_quality.table import Key


@final
class RunFile:
    """The runs in a file, which is created by the first one that is added."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[Key, Run]:
        """Return the runs that the file has."""
        if not self._path.exists():
            return {}
        return dict(_parsed(line) for line in self._path.read_text().splitlines())

    def add(self, key: Key, run: Run) -> None:
        """Append a run."""
        with self._path.open("a") as file:
            file.write(json.dumps({"run": key, **asdict(run)}) + "\n")


def _parsed(line: str) -> tuple[Key, Run]:
    stored = json.loads(line)
    task, seed, workers, system = stored["run"]
    return (task, seed, workers, system), Run(
        values=tuple(stored["values"]),
        incumbents=tuple(stored["incumbents"]),
        trials=stored["trials"],
        seconds=stored["seconds"],
        busy=stored["busy"],
    )
