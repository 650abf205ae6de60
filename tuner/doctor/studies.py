"""Checks one study: its owner, the states of its trials, and results that wait outside of the database."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import select

from tuner.analysis.queries import in_state
from tuner.doctor.checkpoints import about_checkpoints
from tuner.doctor.database import reading_from
from tuner.doctor.findings import SHOWN, Finding, note, ok, problem
from tuner.domain.errors import StorageError, TunerError
from tuner.domain.study_record import StudyRecord, confirmed_study
from tuner.domain.study_writer import TrialUpdate
from tuner.domain.trial import TrialRecord, TrialState
from tuner.formatting.values import amount
from tuner.storage import schema
from tuner.storage.fallback_file import FallbackFile
from tuner.storage.folder_owner import place_of
from tuner.storage.lease import LeaseRecord, utc_now
from tuner.storage.location import Location
from tuner.storage.store import Store
from tuner.storage.writer import SqlStudyWriter


def about_study(store: Store, name: str, writer: SqlStudyWriter | None = None) -> Iterator[Finding]:
    """Yield what is to be said about one study; with `writer` this process holds it and may repair it."""
    try:
        study, trials = store.read(name)
        claim = store.claim(name)
        unvalued = _unvalued(store.location, name)
    except (TunerError, ValueError, KeyError, TypeError, AttributeError) as error:
        # Whatever a damaged row makes of itself: nothing else can be said of this study, the others are looked at.
        yield problem(f"the study cannot be read: {error}", name)
        return
    is_held = writer is None and claim is not None and claim.is_valid(utc_now())
    yield _holder(study, trials, claim, is_held=is_held, writer=writer)
    yield from _bookkeeping(study, trials, unvalued)
    if study.space is not None:
        location = place_of(store.location, study)
        yield from _spilled(store.location, FallbackFile(location.folder, study.folder_name), name, is_held=is_held)
        yield from about_checkpoints(location, study, trials, is_held=is_held)


def _holder(
    study: StudyRecord,
    trials: Sequence[TrialRecord],
    claim: LeaseRecord | None,
    *,
    is_held: bool,
    writer: SqlStudyWriter | None,
) -> Finding:
    running = in_state(trials, TrialState.RUNNING)
    are_running = f"{_are([trial.number for trial in running])} RUNNING"
    if is_held and claim is not None:
        return ok(f"{amount(len(trials), 'trial')}, {len(running)} of them RUNNING in {claim.holder}", study.name)
    if running and study.space is None:
        return note(f"{are_running}; Optuna does not store who runs them", study.name)
    if running:
        return problem(
            f"{are_running}, but no process runs the study",
            study.name,
            fix="set the state to WAITING",
            repair=partial(_let_wait, writer, running) if writer is not None else None,
        )
    if claim is not None and claim.until is not None and writer is None:
        return note(f"{claim.holder} ended without giving the study back; resuming takes it", study.name)
    return ok(f"{amount(len(trials), 'trial')}, no process runs it", study.name)


def _let_wait(writer: SqlStudyWriter, trials: Sequence[TrialRecord]) -> None:
    writer.write([TrialUpdate(trial=replace(trial, state=TrialState.WAITING)) for trial in trials])


def _unvalued(location: Location, name: str) -> list[int]:
    """Return the numbers of the complete trials without a stored value; reading a study makes one from its curve."""
    studies, trials, values = schema.studies, schema.trials, schema.trial_values
    with reading_from(location) as connection:
        found = connection.execute(
            select(trials.c.number)
            .join_from(trials, studies, trials.c.study_id == studies.c.study_id)
            .outerjoin(values, values.c.trial_id == trials.c.trial_id)
            .where(studies.c.study_name == name, trials.c.state == TrialState.COMPLETE.value)
            .where(values.c.trial_id.is_(None))
        )
        return sorted(found.scalars())


def _bookkeeping(study: StudyRecord, trials: Sequence[TrialRecord], unvalued: Sequence[int]) -> Iterator[Finding]:
    counts = Counter(trial.number for trial in trials)
    missing = sorted(set(range(max(counts, default=-1))) - set(counts))
    untimed = [trial.number for trial in trials if trial.state.is_finished and trial.finished is None]
    for numbers, wrong in (
        ([number for number, count in counts.items() if count > 1], "stored more than once"),
        (missing, "missing, though there are later ones"),
        (untimed, "finished without a time"),
        (unvalued, "COMPLETE without a value"),
    ):
        if numbers:
            yield problem(f"{_are(numbers)} {wrong}", study.name)


def _spilled(location: Location, spill: FallbackFile, name: str, *, is_held: bool) -> Iterator[Finding]:
    try:
        waiting = sum(len(entry) for entry in spill.read())
        late = spill.late_file.read_text().strip() if spill.late_file.is_file() else ""
    except (StorageError, OSError, ValueError, KeyError, TypeError) as error:
        yield problem(f"the results kept outside of the database cannot be read: {error!r}", spill.file.parent)
        return
    if waiting:
        words = "1 result waits to be stored" if waiting == 1 else f"{waiting} results wait to be stored"
        if is_held:
            yield note(f"{words} by {name}'s own process", spill.file)
        else:
            resuming = location.command("resume", confirmed_study(name))
            yield problem(words, spill.file, advice=f"store them and continue with: {resuming}")
    if late:
        yield note("results that came too late to count, kept as evidence", spill.late_file)


def _are(numbers: Sequence[int]) -> str:
    """Return the trials of these numbers as the subject of a sentence.

    >>> _are([3]), _are([1, 2]), _are(range(9))
    ('trial 3 is', 'trials 1, 2 are', 'trials 0, 1, 2, 3, 4 and 4 more are')
    """
    shown = ", ".join(str(number) for number in numbers[:SHOWN])
    more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
    return f"trial {shown} is" if len(numbers) == 1 else f"trials {shown}{more} are"
