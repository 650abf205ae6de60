"""Guides of the documentation as they stand: their programs, their changed lines, their studies and their commands.

A block of a guide whose first line names a file, as in ```python title="train.py"```, is that file; a `diff` changes
it. What is asked of every callback is asked of its guide's program.
"""

import json
import os
import re
import subprocess
from collections import Counter
from copy import copy
from pathlib import Path
from typing import final

from commands import ROOT, Template

import tuner
from tuner.domain.trial import TrialRecord

_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)

Curves = list[dict[int, float]]

TEMPLATES: list[Template] = []
"""Those of all guides; `conftest` ends them after each module."""

EVERY_EPOCH_JUDGED = ["--scheduler", "median", "--set", "scheduler.min_trials=100"]
"""Nothing is stopped, and every report is stored before the next epoch begins: the study may judge it."""


@final
class Guide:
    """A guide, and the process that has imported what its program needs."""

    def __init__(self, name: str, *imported: str, trials: int = 2) -> None:
        text = (ROOT / "docs" / "guides" / f"{name}.md").read_text()
        self._blocks = [(kind, file, content) for kind, file, content in _BLOCK.findall(text) if file]
        self.commands = [content.split("\n", 1)[0] for kind, _, content in _BLOCK.findall(text) if kind == "sh"]
        self.template = Template(*imported)
        TEMPLATES.append(self.template)
        self.undisturbed: Curves = []
        self._few = ["--trials", str(trials), "--executor", "inline"]
        self.edits: dict[str, str] = {}

    def edited(self, edits: dict[str, str]) -> "Guide":
        """Return the guide with other text in its train.py."""
        guide = copy(self)
        guide.edits, guide.undisturbed = edits, []
        return guide

    def changed_lines(self, file: str) -> int:
        """Return how many lines of a program the guide adds or replaces."""
        changes = [content.splitlines() for kind, name, content in self._blocks if (kind, name) == ("diff", file)]
        return sum(line.startswith("+") for lines in changes for line in lines)

    def write(self, folder: Path, *, changed: bool = True) -> None:
        """Write the guide's files; without its changes, the programs as they were before."""
        for kind, name, content in self._blocks:
            path = folder / name
            if kind != "diff":
                path.write_text(content)
            elif changed:
                path.write_text(_applied(path.read_text(), content))
        path = folder / "train.py"
        for before, after in self.edits.items():
            assert before in path.read_text(), before
            path.write_text(path.read_text().replace(before, after))

    def tuner(self, folder: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of tuner's, in which what the environment says happens to reports."""
        variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        return self.template.run(*words, cwd=folder, env=variables, main="integrations.reports:main")

    def study(self, folder: Path) -> str:
        """Return the name of the guide's study, whose files are written."""
        self.write(folder)
        return next(Path(name).stem for kind, name, _ in self._blocks if kind == "toml")

    def curves_after_a_kill(self, folder: Path, place: str, call: int) -> tuple[int, Curves]:
        """Return how many epochs were stored when the process was killed at a report, and the resumed curves."""
        name = self.study(folder)
        killed = self.tuner(folder, "run", f"{name}.toml", *self._few, *EVERY_EPOCH_JUDGED, KILLED=f"{place}:{call}")
        assert killed.returncode == -9, killed.stderr
        stored = len(curves(folder, name)[0])
        resumed = self.tuner(folder, "resume", name, "--executor", "inline")
        assert resumed.returncode == 0, resumed.stderr
        return stored, curves(folder, name)

    def uninterrupted(self, folder: Path) -> Curves:
        """Return the curves of the study that nothing happened to, which is run once."""
        if not self.undisturbed:
            name = self.study(folder)
            done = self.tuner(folder, "run", f"{name}.toml", *self._few, *EVERY_EPOCH_JUDGED)
            assert done.returncode == 0, done.stderr
            self.undisturbed = curves(folder, name)
        return self.undisturbed

    def stopped(self, folder: Path, **environment: str) -> list[tuple[TrialRecord, int, bool]]:
        """Run the study; return its trials, each with the reports it made, and whether its objective returned."""
        name = self.study(folder)
        done = self.tuner(folder, "run", f"{name}.toml", "--executor", "inline", **environment)
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in (folder / "reports.jsonl").read_text().splitlines()]
        reports = Counter(line["trial"] for line in lines if line["what"] == "report")
        returned = {line["trial"] for line in lines if line["what"] == "returned"}
        return [(trial, reports[trial.number], trial.number in returned) for trial in study(folder, name).trials]


def study(folder: Path, name: str) -> tuner.Study:
    return tuner.load_study(name, storage=str(folder / ".tuner" / "studies.db"))


def curves(folder: Path, name: str) -> Curves:
    return [dict(trial.curve) for trial in study(folder, name).trials]


def _applied(program: str, changes: str) -> str:
    """Return a program after a diff: what is before a `+` line in the diff is before it in the program."""
    lines, at = program.splitlines(), 0
    for change in changes.splitlines():
        kind, line = change[:1], change[1:]
        if kind == "+":
            lines.insert(at, line)
            at += 1
            continue
        assert line in lines[at:], f"the diff has a line that is not in the program, or not there: {line}"
        at = lines.index(line, at)
        if kind == "-":
            del lines[at]
        else:
            at += 1
    return "\n".join(lines) + "\n"
