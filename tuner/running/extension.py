"""A study that continues beyond its budget: its complete trials are trained further, from their checkpoints."""

from collections.abc import Mapping
from typing import Any

from tuner.domain.errors import ConfigurationError, Mistakes
from tuner.domain.fidelity import AMOUNT, UNIT, UNIT_KEYS, Fidelity
from tuner.domain.study_record import EXTENDED, StudyRecord, companion
from tuner.domain.trial import TrialState
from tuner.execution.study_checkpoints import StudyCheckpoints, store_of
from tuner.formatting.values import amount
from tuner.running.components import RunComponents
from tuner.running.held_study import HeldStudy
from tuner.running.resume_check import refuse_ended
from tuner.running.session import now
from tuner.storage.store import Store


def budget_key(study: StudyRecord) -> str:
    """Return the key path of how far the study's trials are trained, such as `budget.steps`."""
    return f"budget.{study.fidelity.unit.key}"


def with_extension(study: StudyRecord, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the overrides of a resumed study, with the budget that an earlier resume has extended."""
    before = {budget_key(study): study.notes[EXTENDED]} if EXTENDED in study.notes else {}
    return {**before, **overrides}


def refuse_less(store: Store, study: StudyRecord, asked: Fidelity) -> None:
    """Raise `ConfigurationError` where a study cannot be resumed with the budget that is `asked` for each trial."""
    unit, most = study.fidelity.unit, study.fidelity.most
    if asked.unit == unit and asked.most < most:
        raise ConfigurationError(
            f"{budget_key(study)}: {asked.most} is below the {unit.amount(most)} of study {study.name!r}",
            hint="it is how far each trial is trained in all, not how much further",
        )
    if asked.unit == unit and asked.most > most and companion(study.name) in store:
        raise ConfigurationError(
            f"{budget_key(study)}: the best of study {study.name!r} were confirmed after {unit.amount(most)}, and "
            "would no longer be what was confirmed",
            hint=f"start a new study with a longer budget, and warm_start = [{study.name!r}]",
        )


def without_other_units(study: StudyRecord, overrides: Mapping[str, Any], mistakes: Mistakes) -> dict[str, Any]:
    """Return the overrides without a budget in another unit than the study's, which is a mistake.

    The study's own unit is none: the call that began a study of a program which asks and tells names it again.
    """
    unit = study.fidelity.unit
    others = {f"budget.{key}" for key in UNIT_KEYS if key != unit.key}
    if overrides.get(f"budget.{UNIT}") == unit.value and unit.key == AMOUNT:
        others -= {f"budget.{UNIT}"}
    mistakes.add(
        f"{path}: study {study.name!r} counts {unit.value}: use --{unit.key}, or {unit.key}=... in Python"
        for path in overrides
        if path in others
    )
    return {path: value for path, value in overrides.items() if path not in others}


def extend(held: HeldStudy, components: RunComponents) -> tuple[str, ...]:
    """Let the complete trials of a study continue, where its budget has grown and they have checkpoints.

    Returns how many continue and how many are left, in words; nothing where the budget has
    not grown. Raises `ConfigurationError` where the study has ended early all the same.
    """
    before, longer = held.record.fidelity, components.spec.budget.fidelity
    if longer.most <= before.most:
        return ()
    _, trials = held.read()
    complete = [each for each in trials if each.state is TrialState.COMPLETE]
    over = [each for each in complete if each.last_epoch >= before.most]
    kept = StudyCheckpoints(store_of(components.worker_spec.folders))
    continuing = [each for each in over if kept.has_states(each.number, each.last_epoch)]
    if continuing:
        others = [each for each in trials if each not in continuing]
        refuse_ended(held.store.location, held.name, components, others)
    held.writer.reopen([each.waiting_again(now()) for each in continuing], {EXTENDED: longer.most})
    end = before.unit.at(before.most)
    left = [
        _left(len(over) - len(continuing), "no checkpoint of it is kept", "no checkpoint of them is kept"),
        _left(len(complete) - len(over), f"it had ended before {end}", f"they had ended before {end}"),
    ]
    count, to = len(continuing), longer.unit.at(longer.most)
    said = f"{amount(count, 'complete trial')} {'continues' if count == 1 else 'continue'} to {to}"
    return (", ".join([said, *filter(None, left)]) + f"; new trials are trained to {to}",)


def _left(count: int, why_one: str, why_several: str) -> str:
    if count == 0:
        return ""
    return f"1 is left as before: {why_one}" if count == 1 else f"{count} are left as before: {why_several}"
