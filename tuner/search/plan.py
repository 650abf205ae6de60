"""The plan of a run: its target, and what trials and cohorts may do."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from tuner.domain.config import Config
from tuner.domain.goal import Goal
from tuner.domain.study_folders import StudyFolders
from tuner.domain.trial import TrialRecord

ToTest = Callable[[Sequence[TrialRecord]], Sequence[TrialRecord]]
"""Chooses, at the end of a run, which trials are tested."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What a run is to reach: `trials` in all, of at most `max_epochs`, the best by `goal`."""

    trials: int
    max_epochs: int
    goal: Goal
    seed: int
    default: Config
    tests: bool
    """Whether trials are tested at the end."""
    folders: StudyFolders | None = None
    """What the trials write into; None: the worker's own folders."""
    target: float | None = None
    """The value that ends the run once a usable trial has it, or a better one."""
    patience: int | None = None
    """The number of finished trials without a new best that ends the run."""
    until_no_gain: bool = False
    """Whether the run ends once the trials that are left are expected to gain hardly anything."""
    trial_seconds: float | None = None
    """How long a trial may take in one run."""
    stops_hopeless: bool = False
    """Whether a trial ends at once that violates a constraint for good."""
    retries: int = 0
    """How often a trial is handed out again after a failure that may pass."""
    parallel: int = 1
    """How many cohorts are trained at a time."""
    delay: int = 0
    """Trial n begins once all trials up to n - `delay` are over, and knows those alone; 0: at once."""
    grows: bool = False
    """Whether trials can join a cohort that is being trained."""
    keeps_rows: bool = False
    """Whether what each row contributes to the metric is kept of every trial."""
    exploits: bool = False
    """Whether a member of a cohort can continue from another member's state, without a checkpoint."""
    to_test: ToTest | None = None
    """Chooses what is tested at the end; None: the best trial."""
    notes_of_target: Callable[[int], Mapping[str, Any]] = lambda _: {}
    """Returns what is to be noted of the study where it is asked for so many trials in all."""
