"""A study as stored: what any reader needs to know of it, without its trials."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from tuner.domain.constraint import Constraint
from tuner.domain.fidelity import EPOCHS, Fidelity
from tuner.domain.goal import Goal
from tuner.domain.run_controller import StopCause
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import Direction

STOPPED = "stopped"
"""The note that says why a study's last run stopped before its target."""

EXTENDED = "extended"
"""The note that says how far trials are trained since the study was resumed with more than its file says."""

_SUFFIX = ":confirm"


def folder_name(name: str, identity: str) -> str:
    """Return what the folders and files of a study are called outside of the database.

    The id decides, the name is there for people. A study that was made before there were ids has only its name.
    """
    return f"{re.sub(r'[^A-Za-z0-9._]+', '-', name).lstrip('.-')[:100]}-{identity}" if identity else name


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRecord:
    """What was written down when a study was created, and about it since.

    `spec` is the study's JSON form and `source` says where it came from; `notes` are later annotations, such as the
    test metrics. `rules` are the reasons of the space's rules, whose code is not stored. A study made by plain Optuna
    has an empty `spec` and no `space`. `id` is different from every other study's, of the same name too; it is empty
    for one that plain Optuna made, or tuner before there were ids.
    """

    name: str
    goal: Goal
    space: SearchSpace | None
    rules: tuple[str, ...]
    spec: Mapping[str, Any]
    source: Mapping[str, Any]
    notes: Mapping[str, Any]
    id: str = ""

    @property
    def folder_name(self) -> str:
        """What the study's folders and files are called outside of the database."""
        return folder_name(self.name, self.id)

    @property
    def tested(self) -> tuple[int, ...]:
        """The numbers of its trials that were measured on the test split, whichever run did it."""
        notes = [note for key, note in self.notes.items() if key == "test" or key.startswith("test:")]
        return tuple(sorted({number for note in notes for number in (note["number"], *note.get("earlier", ()))}))

    @property
    def stop_cause(self) -> StopCause | None:
        """Why the last run stopped before its target; None where it reached it, or where that is not known."""
        stopped = self.notes.get(STOPPED)
        return None if stopped is None else StopCause(stopped)

    @property
    def asks_and_tells(self) -> bool:
        """Whether a program asks for its trials and tells their results: it has no objective that a run could call."""
        return self.spec.get("objective") == "" and not self.spec.get("command")

    @property
    def checkpoints_url(self) -> str:
        """The URL below which its checkpoints are kept; "" where they lie beside the database."""
        return str(self.spec.get("storage", {}).get("checkpoints", ""))

    @property
    def metric(self) -> str:
        """The metric, the first of several."""
        return self.goal.metric

    @property
    def direction(self) -> Direction:
        """Which way the metric, the first of several, is better."""
        return self.goal.direction

    @property
    def metrics(self) -> tuple[str, ...]:
        """Every metric of the search."""
        return self.goal.metrics

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Which way each of `metrics` is better."""
        return self.goal.directions

    @property
    def fidelity(self) -> Fidelity:
        """How far a trial is trained at most (0: not known), and in which unit."""
        return Fidelity.of(self.spec["budget"]) if self.spec else Fidelity(EPOCHS, 0)

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """What a trial has to meet to be of any use."""
        return self.goal.constraints


def companion(study: str) -> str:
    """Return the name under which a study's repetitions are stored; no study of a person's own can be called so."""
    return f"{study}{_SUFFIX}"


def is_companion(name: str) -> bool:
    """Whether `name` is that of a study's repetitions."""
    return name.endswith(_SUFFIX)


def confirmed_study(name: str) -> str:
    """Return the study whose repetitions are stored under `name`, or the one that is called so itself."""
    return name.removesuffix(_SUFFIX)
