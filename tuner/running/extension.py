"""A study that continues beyond its budget: its complete trials are trained further, from their checkpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tuner.domain.errors import ConfigurationError
from tuner.domain.fidelity import Fidelity
from tuner.domain.study_record import StudyRecord, companion
from tuner.domain.trial import TrialRecord, TrialState
from tuner.execution.checkpoints import has_states
from tuner.formatting.values import amount
from tuner.running.components import RunComponents
from tuner.running.resume_check import refuse_ended
from tuner.storage.store import Store
from tuner.storage.writer import StudyJournal

EXTENDED = "extended"
"""The note that says how far trials are trained since the study was resumed with more than its file says."""


def budget_key(study: StudyRecord) -> str:
    """Return the key path of how far the study's trials are trained, such as `budget.steps`."""
    return f"budget.{study.fidelity.unit.value}"


def with_extension(study: StudyRecord, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the overrides of a resumed study, with the budget that an earlier resume has extended."""
    before = {budget_key(study): study.notes[EXTENDED]} if EXTENDED in study.notes else {}
    return {**before, **overrides}


def refuse_less(store: Store, study: StudyRecord, asked: Fidelity) -> None:
    """Raise `ConfigurationError` where a study cannot be resumed with the budget that is `asked` for each trial."""
    unit, most = study.fidelity.unit, study.fidelity.most
    if asked.unit is unit and asked.most < most:
        raise ConfigurationError(
            f"{budget_key(study)}: {asked.most} is below the {unit.amount(most)} that study {study.name!r} began with",
            hint="it is how far each trial is trained in all, not how much further",
        )
    if asked.unit is unit and asked.most > most and companion(study.name) in store:
        raise ConfigurationError(
            f"{budget_key(study)}: the best of study {study.name!r} were confirmed after {unit.amount(most)}, and "
            "would no longer be what was confirmed",
            hint=f"start a new study with a longer budget, and warm_start = [{study.name!r}]",
        )


def extended(store: Store, study: StudyRecord, components: RunComponents, journal: StudyJournal) -> RunComponents:
    """Let the complete trials of a held study continue, where its budget has grown and they have checkpoints.

    `study` is as it was before. Returns the components with a note that says how many continue. Raises
    `ConfigurationError` where the study has ended early all the same.
    """
    fidelity = components.spec.budget.fidelity
    if fidelity.most <= study.fidelity.most:
        return components
    _, trials = store.read(study.name)
    over = [each for each in trials if each.state is TrialState.COMPLETE and each.last_epoch >= study.fidelity.most]
    root = components.job.folders.checkpoints
    continuing = [each for each in over if has_states(root, each.number, each.last_epoch)]
    if continuing:
        refuse_ended(store.location, study.name, components, [each for each in trials if each not in continuing])
    journal.reopen(continuing, {EXTENDED: fidelity.most})
    return replace(components, notes=(*components.notes, _told(over, continuing, fidelity)))


def _told(over: Sequence[TrialRecord], continuing: Sequence[TrialRecord], fidelity: Fidelity) -> str:
    count, left = len(continuing), len(over) - len(continuing)
    verb = "continues" if count == 1 else "continue"
    said = f"{amount(count, 'complete trial')} {verb} to {fidelity.unit.at(fidelity.most)}"
    are, them = ("is", "it") if left == 1 else ("are", "them")
    return f"{said}, {left} {are} left as before: no checkpoint of {them} is kept" if left else said
