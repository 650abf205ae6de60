"""Refuses to resume a study with another spec, space or data than it was started with."""

from collections.abc import Iterator, Sequence
from typing import Any

from tuner.domain.errors import (
    ConfigurationError,
    ResumeRefusedError,
)
from tuner.domain.search_space import SearchSpace
from tuner.domain.space_difference import difference
from tuner.domain.study import StudySpec
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord
from tuner.formatting.redaction import is_same_but_hidden, without_secrets
from tuner.formatting.values import amount
from tuner.running.components import RunComponents
from tuner.running.outcome import beyond, early_end
from tuner.search.early_end import EarlyEnd
from tuner.storage.location import Location

# What may differ when a study is resumed: how much is spent and on what, never what the numbers mean.
_DATASET = "settings.dataset"

_ENDS = ("budget.trials", "budget.seconds", "budget.target", "budget.patience", "budget.until")

_RESOURCES = ("resources.cpu", "resources.gpu", "resources.ranks", "resources.cohort", "resources.share_process")

_OF_SCALING = (
    "transfer.rates",
    "transfer.seeds",
    "transfer.on_drift",
    "transfer.target_epochs",
    "transfer.target_ranks",
)

_SECTIONS = ("limits", "confirm", "answer", "cluster")

_FREE = (*_OF_SCALING, "name", "start", *_ENDS, "retries", *_RESOURCES, *_SECTIONS, "executor")

_PARALLEL = "resources.parallel"
"""May change as well, but in a reproducible study, whose trials depend on it."""


def refuse_asked(location: Location, study: StudyRecord) -> None:
    """Raise `ResumeRefusedError` where a program asks for the study's trials and tells their results."""
    if study.asks_and_tells:
        raise ResumeRefusedError(
            f"study {study.name!r} has no objective to run: its program asks for trials and tells their results",
            hint=f"run that program again, with tuner.create_study(..., name={study.name!r}, resume=True), and with "
            'retry="failed" to try failed trials again; '
            f"{location.command('status', study.name)} says how far it is",
        )


def refuse_changes(
    location: Location,
    study: StudyRecord,
    spec: StudySpec,
    space: SearchSpace,
    fingerprint: str | None = None,
    *,
    free: Sequence[str] = (),
) -> None:
    """Raise `ResumeRefusedError` with a diff where `spec`, `space` or the data is not what the study was started with.

    Old and new trials would not be comparable. The budget and the resources may change, what lies at the key paths
    `free` too, and data with the same `fingerprint` may lie elsewhere.
    """
    before = study.notes.get("data", {}).get("fingerprint")
    if before is not None and fingerprint is None:
        raise ConfigurationError(
            f"the data of study {study.name!r} is not at {spec.settings.get('dataset')} any more",
            hint=f"{location.command('resume', study.name, '--data', 'PATH')} says where it is now",
        )
    is_same_data = before is not None and before == fingerprint
    began = StudySpec.from_description(study.spec).describe()
    is_bound = spec.resources.parallel_mode == "reproducible"
    may_change = (*_FREE, *free, *([_DATASET] if is_same_data else []), *([] if is_bound else [_PARALLEL]))
    lines = [*_spec_difference(began, spec.describe(), free=may_change)]
    if before is not None and fingerprint is not None and not is_same_data:
        lines.append(f"~ data: the contents of {spec.settings.get('dataset')} have changed")
    if study.space is not None:
        lines += difference(study.space, space)
        lines += _rule_difference(study.rules, tuple(rule.reason for rule in space.rules))
    if lines:
        raise ResumeRefusedError(
            f"study {study.name!r} cannot be resumed, it was started with something else:\n" + "\n".join(lines),
            hint="undo the change, or start a new study: "
            + location.command("run", study.source["study"] or "...", "--name", f"{study.name}-2"),
        )


def refuse_fewer_trials(name: str, target: int, trials: Sequence[TrialRecord]) -> None:
    """Raise `ConfigurationError` where a study is to end with fewer trials than it has finished."""
    finished = sum(trial.state.is_finished for trial in trials)
    if target < finished:
        raise ConfigurationError(
            f"budget.trials: {target} is below the {amount(finished, 'trial')} that study {name!r} has finished",
            hint="it is the number in all, not how many more",
        )


def refuse_ended(location: Location, name: str, components: RunComponents, left: Sequence[TrialRecord]) -> None:
    """Raise `ConfigurationError` where a study has ended early by the trials that are `left` as they are.

    A study that has ended hands out no trial, so one that was put back would wait for good, without how it ended.
    """
    cause = EarlyEnd(components.plan, left).cause
    if cause is not None:
        key, value = beyond(cause)
        resume = location.command("resume", name, "--set", f"{key}={value}")
        raise ConfigurationError(
            f"study {name!r} has ended, {early_end(cause, components.spec.budget)}: its trials are not trained further",
            hint=f"give it another {key} first, in its study file or with: {resume}",
        )


def _rule_difference(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    yield from (f"- rule: {reason}" for reason in old if reason not in new)
    yield from (f"+ rule: {reason}" for reason in new if reason not in old)


def _spec_difference(
    old: dict[str, Any] | Any, new: dict[str, Any], prefix: str = "", *, free: Sequence[str]
) -> Iterator[str]:
    for key in sorted({*old, *new}):
        path = f"{prefix}{key}"
        before, after = old.get(key), new.get(key)
        if path in free or is_same_but_hidden(before, after):
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _spec_difference(before, after, f"{path}.", free=free)
        else:
            yield f"~ {path}: {without_secrets(before, path)!r} -> {without_secrets(after, path)!r}"
