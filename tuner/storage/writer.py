"""The writer of one study: every call is one transaction, and is refused once another process holds the study."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any, final

from sqlalchemy import Engine, Table, delete, func, insert, select, update
from sqlalchemy.engine import Connection

from tuner.domain import ranking
from tuner.domain.errors import StorageError
from tuner.domain.origin import Origin, OriginKind
from tuner.domain.study_record import StudyRecord
from tuner.domain.study_writer import StudyWriter, Transaction, TrialUpdate
from tuner.domain.trial import TrialRecord, TrialState
from tuner.formatting.redaction import redacted
from tuner.storage import schema
from tuner.storage.config_queue import remove_from_queue
from tuner.storage.engine import writing
from tuner.storage.lease import Lease
from tuner.storage.parameters import distribution_json, stored_value
from tuner.storage.reader import CONSTRAINTS, DECISION, ORIGIN, PREFIX, REPORT, recorded
from tuner.storage.study_rows import inserted_id

_FINITE = "FINITE"


@final
class SqlStudyWriter(StudyWriter):
    """Writes a study that this process holds; the only writer there is, so it keeps what it knows of row ids."""

    def __init__(self, engine: Engine, study_id: int, study: StudyRecord, lease: Lease) -> None:
        if study.space is None:
            raise StorageError(
                f"study {study.name!r} has no search space of ours, so nothing can be added to it",
                hint="another program has written it, or it is damaged; `tuner doctor` says what else is wrong",
            )
        self._engine = engine
        self._lease = lease
        self._study_id = study_id
        self._goal = study.goal
        self._space = study.space
        self._parameters = study.space.parameters
        self._distributions = {path: distribution_json(each) for path, each in self._parameters.items()}
        self._ids = self._known_ids()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with writing(self._engine) as connection:
            self._lease.check(connection)
            yield connection

    def store(self, transaction: Transaction) -> None:
        with self._writing() as connection:
            begun = {trial.number: self._insert_trial(connection, trial) for trial in transaction.begun}
            self._insert_reports(connection, transaction.changes)
            for change in transaction.changes:
                self._update_state(connection, change.trial)
            self._set_schedules(connection, transaction.rescheduled)
            for key, value in transaction.notes.items():
                self._set_note(connection, key, value)
            remove_from_queue(connection, self._study_id, transaction.dequeued)
        self._ids |= begun

    def unbegun(self, trials: Sequence[TrialRecord]) -> list[TrialRecord]:
        """Return those of these trials that are not stored; what failed may have been stored nevertheless."""
        self._ids = self._known_ids()
        return [trial for trial in trials if trial.number not in self._ids]

    def unwritten(self, changes: Sequence[TrialUpdate]) -> list[TrialUpdate]:
        """Return what of these changes is not stored; what failed may have been stored nevertheless."""
        with writing(self._engine) as connection:
            return [
                fresh
                for change in changes
                if change.trial.number in self._ids and (fresh := self._unwritten(connection, change)) is not None
            ]

    def _unwritten(self, connection: Connection, change: TrialUpdate) -> TrialUpdate | None:
        trial_id = self._ids[change.trial.number]
        state = connection.execute(select(schema.trials.c.state).where(schema.trials.c.trial_id == trial_id)).scalar()
        if TrialState(state).is_finished:
            return None
        if change.report is None or change.report.metrics is None:
            return change
        values = schema.trial_intermediate_values.c
        stored = connection.execute(
            select(values.step).where(values.trial_id == trial_id, values.step == change.report.epoch)
        ).scalar()
        return change if stored is None else replace(change, report=None, comparisons=())

    def configure(self, trials: Sequence[TrialRecord]) -> None:
        """Store the configurations of trials that another program has added without one."""
        ids = [self._ids[trial.number] for trial in trials]
        params, attributes = schema.trial_params, schema.trial_user_attributes
        with self._writing() as connection:
            connection.execute(delete(params).where(params.c.trial_id.in_(ids)))
            connection.execute(delete(attributes).where(attributes.c.trial_id.in_(ids), attributes.c.key == ORIGIN))
            for trial_id, trial in zip(ids, trials, strict=True):
                connection.execute(insert(params), [*self._param_rows(trial_id, trial)])
                self._insert_origin(connection, trial_id, Origin(kind=OriginKind.ADDED))

    def reopen(self, trials: Sequence[TrialRecord], notes: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Store finished trials that wait to be trained again, or further, and notes about the study, as one.

        Their reports stay. What was only true of their ends is deleted, the test of one of them included.
        """
        ids = [self._ids[trial.number] for trial in trials]
        with self._writing() as connection:
            for table, column, keys in _OF_THE_END:
                owned = delete(table).where(table.c.trial_id.in_(ids))
                connection.execute(owned if column is None else owned.where(table.c[column].in_(keys)))
            for trial in trials:
                self._update_state(connection, trial)
            self._delete_test(connection, {trial.number for trial in trials})
            for key, value in notes.items():
                self._set_note(connection, key, value)

    def _delete_test(self, connection: Connection, numbers: Collection[int]) -> None:
        table = schema.study_user_attributes
        note = (table.c.study_id == self._study_id) & (table.c.key == f"{PREFIX}test")
        stored = connection.execute(select(table.c.value_json).where(note)).scalar()
        if stored is not None and json.loads(stored).get("number") in numbers:
            connection.execute(delete(table).where(note))

    def _set_schedules(self, connection: Connection, trials: Sequence[TrialRecord]) -> None:
        if not trials:
            return
        table, key = schema.trial_user_attributes, f"{PREFIX}schedule"
        ids = [self._ids[trial.number] for trial in trials]
        schedules = (json.dumps([stage.describe() for stage in trial.schedule]) for trial in trials)
        rows = [
            {"trial_id": trial_id, "key": key, "value_json": schedule}
            for trial_id, schedule in zip(ids, schedules, strict=True)
        ]
        connection.execute(delete(table).where(table.c.trial_id.in_(ids), table.c.key == key))
        connection.execute(insert(table), rows)

    def _set_note(self, connection: Connection, key: str, value: Any) -> None:
        table = schema.study_user_attributes
        connection.execute(delete(table).where(table.c.study_id == self._study_id, table.c.key == f"{PREFIX}{key}"))
        row = {"study_id": self._study_id, "key": f"{PREFIX}{key}", "value_json": json.dumps(recorded(key, value))}
        connection.execute(insert(table).values(row))

    def _known_ids(self) -> dict[int, int]:
        columns = schema.trials.c
        with writing(self._engine) as connection:
            rows = connection.execute(
                select(columns.number, columns.trial_id).where(columns.study_id == self._study_id)
            )
            return {row.number: row.trial_id for row in rows}

    def _insert_trial(self, connection: Connection, trial: TrialRecord) -> int:
        columns = schema.trials.c
        last = connection.execute(select(func.max(columns.number)).where(columns.study_id == self._study_id)).scalar()
        expected = 0 if last is None else last + 1
        if trial.number > expected:
            raise ValueError(f"trial {trial.number} is not the next one, {expected}")
        if trial.number < expected:
            raise StorageError(
                f"another program has added trial {last} to the study while it runs",
                hint="a study is added to while nothing runs it; `tuner resume` continues with what was added",
            )
        row = {
            "number": trial.number,
            "study_id": self._study_id,
            "state": trial.state.value,
            "datetime_start": trial.started,
        }
        trial_id = inserted_id(connection, schema.trials, row)
        connection.execute(insert(schema.trial_params), [*self._param_rows(trial_id, trial)])
        if trial.origin is not None:
            self._insert_origin(connection, trial_id, trial.origin)
        return trial_id

    def _insert_origin(self, connection: Connection, trial_id: int, origin: Origin) -> None:
        row = {"trial_id": trial_id, "key": ORIGIN, "value_json": json.dumps(origin.describe())}
        connection.execute(insert(schema.trial_user_attributes), [row])

    def _param_rows(self, trial_id: int, trial: TrialRecord) -> Iterator[dict[str, Any]]:
        for path, value in self._space.flatten(trial.config).items():
            yield {
                "trial_id": trial_id,
                "param_name": path,
                "param_value": stored_value(self._parameters[path], value),
                "distribution_json": self._distributions[path],
            }

    def _insert_reports(self, connection: Connection, changes: Sequence[TrialUpdate]) -> None:
        reports = [change.report for change in changes if change.report and change.report.metrics is not None]
        if not reports:
            return
        values = [
            {
                "trial_id": self._ids[report.number],
                "step": report.epoch,
                "intermediate_value": (report.metrics or {})[self._goal.metric],
                "intermediate_value_type": _FINITE,
            }
            for report in reports
        ]
        metrics = [
            {
                "trial_id": self._ids[report.number],
                "key": f"{REPORT}{report.epoch}",
                "value_json": json.dumps(dict(report.metrics or {})),
            }
            for report in reports
        ]
        connection.execute(insert(schema.trial_intermediate_values), values)
        compared = [
            {
                "trial_id": self._ids[change.report.number],
                "key": f"{DECISION}{change.report.epoch}",
                "value_json": json.dumps([each.describe() for each in change.comparisons]),
            }
            for change in changes
            if change.report and change.comparisons
        ]
        connection.execute(insert(schema.trial_system_attributes), [*metrics, *compared])

    def _update_state(self, connection: Connection, trial: TrialRecord) -> None:
        trial_id = self._ids[trial.number]
        connection.execute(
            update(schema.trials)
            .where(schema.trials.c.trial_id == trial_id, schema.trials.c.state != trial.state.value)
            .values(state=trial.state.value, datetime_start=trial.started, datetime_complete=trial.finished)
        )
        if trial.state.is_finished:
            self._insert_result(connection, trial_id, trial)

    def _insert_result(self, connection: Connection, trial_id: int, trial: TrialRecord) -> None:
        if trial.value is not None and trial.failure is None:
            values = [
                {"trial_id": trial_id, "objective": index, "value": value, "value_type": _FINITE}
                for index, value in enumerate(ranking.values(trial, self._goal))
            ]
            connection.execute(insert(schema.trial_values), values)
            self._insert_constraints(connection, trial_id, trial)
        rows = [
            {"trial_id": trial_id, "key": f"{PREFIX}{key}", "value_json": json.dumps(value)}
            for key, value in _result(trial)
        ]
        if rows:
            connection.execute(insert(schema.trial_user_attributes), rows)

    def _insert_constraints(self, connection: Connection, trial_id: int, trial: TrialRecord) -> None:
        excesses = [constraint.excess(trial.metrics) for constraint in self._goal.constraints]
        if excesses:
            row = {"trial_id": trial_id, "key": CONSTRAINTS, "value_json": json.dumps(excesses)}
            connection.execute(insert(schema.trial_system_attributes).values(row))


def _result(trial: TrialRecord) -> Iterator[tuple[str, Any]]:
    if trial.epoch:
        yield "epoch", trial.epoch
        yield "metrics", dict(trial.metrics)
    if trial.failure is not None:
        failure = trial.failure
        texts = {"message": redacted(failure.message), "traceback": redacted(failure.traceback)}
        yield "failure", {"reason": failure.reason.value, **texts}


_OF_THE_END: tuple[tuple[Table, str | None, tuple[str, ...]], ...] = (
    (schema.trial_values, None, ()),
    (schema.trial_user_attributes, "key", (f"{PREFIX}epoch", f"{PREFIX}metrics", f"{PREFIX}failure")),
    (schema.trial_system_attributes, "key", (CONSTRAINTS,)),
)
"""What is stored of a trial once it is finished: tables, with the keys where it is only some of their rows."""
