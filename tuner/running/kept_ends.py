"""Where a study ends, as a resume has said it: it holds for later ones too, until its file or its spec says another."""

from collections.abc import Mapping
from typing import Any

from tuner.domain.errors import Mistakes
from tuner.domain.study import StudySpec
from tuner.domain.study_record import StudyRecord
from tuner.spec.study_file import override

KEPT = "ends"
"""The note with them: by key path, what the file or the spec said then, and what was said instead."""

_KEPT_KEYS = ("budget.trials", "budget.target", "budget.patience", "budget.until")


def without_ends(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the overrides of a resumed study without those that say where it ends."""
    return {path: value for path, value in overrides.items() if path not in _KEPT_KEYS}


def with_ends(
    study: StudyRecord, spec: StudySpec, overrides: Mapping[str, Any], mistakes: Mistakes
) -> tuple[StudySpec, dict[str, Any]]:
    """Return the spec with the ends that the overrides and earlier resumes say, and the notes to keep about them.

    `spec` is what the study's file or its program says today. Where that is no longer what it said when an earlier
    resume said something else, it counts.
    """
    earlier = {path: value for path, (said, value) in study.notes.get(KEPT, {}).items() if said == _at(spec, path)}
    ends = {**earlier, **{path: value for path, value in overrides.items() if path in _KEPT_KEYS}}
    asked = override(spec, ends, mistakes)
    kept = {path: [_at(spec, path), _at(asked, path)] for path in ends}
    return asked, {KEPT: kept} if kept or KEPT in study.notes else {}


def notes_of_extension(study: StudyRecord, trials: int) -> dict[str, Any]:
    """Return the notes that keep with a study that it is to have so many trials in all, for later runs too."""
    path = _KEPT_KEYS[0]
    kept = study.notes.get(KEPT, {})
    said, _ = kept.get(path, (study.spec["budget"]["trials"], None))
    return {
        "spec": {**study.spec, "budget": {**study.spec["budget"], "trials": trials}},
        KEPT: {**kept, path: [said, trials]},
    }


def _at(spec: StudySpec, path: str) -> Any:
    return getattr(spec.budget, path.removeprefix("budget."))
