"""The studies of one database: listed, created, read, deleted."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import final

from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from tuner.domain.config import Config
from tuner.domain.errors import StorageError, StudyExistsError, StudyNotFoundError, nearest
from tuner.domain.expected_gain import expected_gain
from tuner.domain.new_study import NewStudy
from tuner.domain.study_record import StudyRecord, companion, is_companion
from tuner.domain.trial import TrialRecord, TrialState
from tuner.domain.trial_counts import tally_of
from tuner.domain.trial_history import TrialHistory
from tuner.storage import reader, schema
from tuner.storage.config_queue import StoredConfigQueue, add_to_queue
from tuner.storage.engine import committed, connect, reading, translated
from tuner.storage.folder_owner import place_of
from tuner.storage.lease import Lease, LeaseRecord, as_left, claim_on, is_left, refuse_held, take, utc_now
from tuner.storage.live_control import StoredControl
from tuner.storage.location import Location, locate
from tuner.storage.row_files import measured
from tuner.storage.study_rows import delete_rows, insert_study
from tuner.storage.summary import Outline, best_numbers, changes, counted, gain_expected, same_numbers
from tuner.storage.tables import check_schema, create_schema
from tuner.storage.writer import SqlStudyWriter

_BUSY_SECONDS = 1.0


@final
class Store:
    """The studies at one location. Reading never creates anything, not even an empty database.

    One that is `read_only` cannot change anything either: the database refuses it.
    """

    def __init__(self, location: Location, *, read_only: bool = False) -> None:
        self.location = location
        # A running study, or one that is watched, waits for other writers itself, so that it can say so, and stop.
        self._writer = connect(location, busy_seconds=_BUSY_SECONDS, read_only=read_only)
        self.engine = self._writer if read_only else connect(location)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the studies, oldest first; none where there is no database yet."""
        return tuple(name for name in self._all_names if not is_companion(name))

    @property
    def _all_names(self) -> tuple[str, ...]:
        """The names of the studies and of those that hold their repetitions."""
        if not self._exists():
            return ()
        with reading(self.engine) as connection:
            return reader.study_names(connection)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the studies and of those that hold their repetitions."""
        if not self._exists():
            return frozenset()
        with reading(self.engine) as connection:
            return reader.study_ids(connection)

    def parts(self, name: str) -> tuple[str, ...]:
        """Return under which names a study is stored: its own, and that of its repetitions where it has any."""
        return tuple(each for each in (name, companion(name)) if each in self)

    def __contains__(self, name: object) -> bool:
        return name in self._all_names

    def read(self, name: str) -> tuple[StudyRecord, tuple[TrialRecord, ...]]:
        """Return a study and its trials, as they were at one moment; raises `StudyNotFoundError`."""
        self._require(name)
        with reading(self.engine) as connection:
            study_id = _id(connection, name)
            study = reader.read_study(connection, study_id)
            return study, reader.read_trials(connection, study_id, study)

    def view(self, name: str, state: TrialState | None = None) -> tuple[StudyRecord, tuple[TrialRecord, ...]]:
        """Return a study and its trials, those in `state` where one is given, as people are shown them.

        What a killed run has left RUNNING is shown as WAITING, its state as soon as the study is resumed.
        """
        self._require(name)
        with reading(self.engine) as connection:
            study_id = _id(connection, name)
            study = reader.read_study(connection, study_id)
            wanted = {state, TrialState.RUNNING} if state is TrialState.WAITING else {state}
            which = None if state is None else schema.trials.c.state.in_([each.value for each in wanted if each])
            trials = as_left(connection, study_id, study, reader.read_trials(connection, study_id, study, which))
            return study, tuple(trial for trial in trials if state is None or trial.state is state)

    def outline(self, name: str, top: int = 1) -> Outline:
        """Return what a summary of a study is made of, as it was at one moment; raises `StudyNotFoundError`.

        That is few of its trials where the database itself can say which are the best.
        """
        self._require(name)
        with reading(self.engine) as connection:
            study_id = _id(connection, name)
            study = reader.read_study(connection, study_id)
            repeated = reader.find_study(connection, companion(name))
            if study.goal.has_several or study.constraints or (repeated is not None and changes(connection, study_id)):
                trials = as_left(connection, study_id, study, reader.read_trials(connection, study_id, study))
                tally = tally_of(trials, study.goal)
                target = study.spec["budget"]["trials"] if study.spec else 0
                expected = expected_gain(trials, study.goal, target)
                repetitions = self.repetitions(name)
                return Outline(study=study, trials=trials, repetitions=repetitions, tally=tally, expected_gain=expected)
            numbers = {0, *best_numbers(connection, study_id, study.direction, top)}
            if repeated is not None:
                numbers |= same_numbers(connection, study_id, repeated)
            numbered = reader.read_trials(connection, study_id, study, schema.trials.c.number.in_(numbers))
            trials = as_left(connection, study_id, study, numbered)
            tally = counted(connection, study_id)
            expected = gain_expected(connection, study_id, study, tally)
            if tally.states.get(TrialState.RUNNING) and is_left(connection, study_id, study):
                tally = tally.with_none_running()
        return Outline(
            study=study, trials=trials, repetitions=self.repetitions(name), tally=tally, expected_gain=expected
        )

    def study(self, name: str) -> StudyRecord:
        """Return a study without its trials; raises `StudyNotFoundError`."""
        self._require(name)
        with reading(self.engine) as connection:
            return reader.read_study(connection, _id(connection, name))

    def news(self, study: StudyRecord, unfinished: Collection[int], known: int) -> tuple[TrialRecord, ...]:
        """Return the trials that can have changed: those of these numbers, and all but the first `known`."""
        numbers = schema.trials.c.number
        with reading(self.engine) as connection:
            wanted = numbers.in_(unfinished) | (numbers >= known)
            return reader.read_trials(connection, _id(connection, study.name), study, wanted)

    def repetitions(self, name: str) -> tuple[TrialRecord, ...]:
        """Return the repetitions of a study's best configurations; none until all are over.

        They have their test metrics, and of the metric what each row contributes, where that was kept.
        """
        if companion(name) not in self:
            return ()
        study, trials = self.read(companion(name))
        finished = [trial for trial in trials if trial.state.is_finished]
        if len(finished) < study.spec["budget"]["trials"]:
            return ()
        folders = place_of(self.location, study).folders_of(study.folder_name)
        return tuple(measured(trial, study, folders.place_of(trial.number)) for trial in trials)

    def reports(self, name: str) -> dict[int, dict[int, dict[str, float]]]:
        """Return every metric that the study's trials reported, by trial number and epoch."""
        self._require(name)
        with reading(self.engine) as connection:
            return reader.read_reports(connection, _id(connection, name))

    def history(self, name: str, number: int) -> TrialHistory:
        """Return what is stored of a trial beside its record."""
        self._require(name)
        with reading(self.engine) as connection:
            study_id = _id(connection, name)
            return TrialHistory(
                metrics=reader.read_reports(connection, study_id, number).get(number, {}),
                decisions=reader.read_decisions(connection, study_id, number),
            )

    def create(self, study: NewStudy) -> None:
        """Create a study without trials, all of it or nothing; raises `StudyExistsError`."""
        create_schema(self.location, self.engine)
        check_schema(self.engine)
        try:
            committed(self.engine, lambda connection: insert_study(connection, study))
        except StorageError as error:
            if isinstance(error.__cause__, IntegrityError):
                raise self._taken(study.name) from error
            raise

    def _taken(self, name: str) -> StudyExistsError:
        """Return the error for a name that the database has already, or takes for one that it has."""
        same = next((each for each in self._all_names if each != name and each.casefold() == name.casefold()), None)
        if same is None or name in self:
            return exists_already(self.location, name)
        return StudyExistsError(
            f"{self.location} takes the name {name!r} for that of study {same!r}: it does not distinguish capitals",
            hint="choose another one with --name NAME",
        )

    def delete(self, name: str, *, is_held: bool = False) -> None:
        """Delete a study with everything stored about it, its repetitions too: all of it or nothing.

        Raises `StudyNotFoundError`, and `StudyHeldError` where a process runs it; `is_held` says that it is the
        caller.
        """
        self._require(name)

        def delete_all(connection: Connection) -> None:
            for study_id in _ids(connection, name):
                if not is_held:
                    refuse_held(connection, study_id, name, utc_now())
                delete_rows(connection, study_id)

        committed(self.engine, delete_all)

    @contextmanager
    def holding(self, name: str) -> Iterator[SqlStudyWriter]:
        """Hold a study, and give its writer: only one process at a time has it.

        Raises `StudyNotFoundError`, and `StudyHeldError` where another process has it.
        """
        study = self.study(name)
        with reading(self.engine) as connection:
            study_id = _id(connection, name)
        lease = Lease(self._writer, study_id, take(self.engine, study_id, name))
        with lease.kept():
            yield SqlStudyWriter(self._writer, study_id, study, lease)

    def queue(self, name: str) -> StoredConfigQueue:
        """Return the queue of a study: configurations that were added to it, and not tried yet."""
        self._require(name)
        with reading(self.engine) as connection:
            return StoredConfigQueue(self._writer, _id(connection, name))

    def enqueue(self, name: str, configs: Sequence[Config]) -> None:
        """Let configurations wait in a study's queue, all of them or none; it may be run meanwhile."""
        self._require(name)
        committed(self.engine, lambda connection: add_to_queue(connection, _id(connection, name), configs))

    def control(self, name: str) -> StoredControl:
        """Return what is asked of the run of a study, and where it is asked."""
        self._require(name)
        with reading(self.engine) as connection:
            return StoredControl(self._writer, _id(connection, name))

    def claim(self, name: str) -> LeaseRecord | None:
        """Return the lease of the process that runs a study, or ran it last; None where it was never run."""
        self._require(name)
        with reading(self.engine) as connection:
            return claim_on(connection, _id(connection, name))

    def is_run(self, name: str) -> bool:
        """Whether a process runs a study now."""
        claim = self.claim(name)
        return claim is not None and claim.is_valid(utc_now())

    def refuse_held(self, name: str) -> None:
        """Raise `StudyHeldError` where a process runs the study, or its repetitions."""
        self._require(name)
        with reading(self.engine) as connection:
            for study_id in _ids(connection, name):
                refuse_held(connection, study_id, name, utc_now())

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        self._writer.dispose()

    def _exists(self) -> bool:
        file = self.location.file
        with translated(self.engine):
            if file is not None and not file.exists():
                return False
        return check_schema(self.engine)

    def _require(self, name: str) -> None:
        if name in self:
            return
        known = self.names
        listed = f"it has: {', '.join(known[-10:])}" if known else "it has no study yet"
        raise StudyNotFoundError(
            f"no study {name!r} in {self.location}{nearest(name, known)}", hint=f"{listed}; --storage looks elsewhere"
        )


def open_store(storage: str | None, *, read_only: bool = False) -> Store:
    """Return the store at `storage` (a URL, a file's path, or None for the usual place)."""
    return Store(locate(storage), read_only=read_only)


def exists_already(location: Location, name: str) -> StudyExistsError:
    """Return the error for a name that is taken."""
    return StudyExistsError(
        f"study {name!r} exists already",
        hint=f"continue it: {location.command('resume', name)}\nor start another with --name NAME",
    )


def _ids(connection: Connection, name: str) -> list[int]:
    """Return the id of a study, and that of its repetitions where there are any."""
    found = (reader.find_study(connection, each) for each in (name, companion(name)))
    return [study_id for study_id in found if study_id is not None]


def _id(connection: Connection, name: str) -> int:
    found = reader.find_study(connection, name)
    if found is None:
        raise StudyNotFoundError(f"study {name!r} was deleted a moment ago")
    return found
