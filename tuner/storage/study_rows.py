"""The rows of a whole study: inserted when it is created, deleted with it."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.engine import Connection

from tuner.domain.new_study import NewStudy
from tuner.storage import reader, schema

_STUDY_TABLES: tuple[Table, ...] = (
    schema.study_user_attributes,
    schema.study_system_attributes,
    schema.study_directions,
)
_TRIAL_TABLES: tuple[Table, ...] = (
    schema.trial_params,
    schema.trial_values,
    schema.trial_intermediate_values,
    schema.trial_user_attributes,
    schema.trial_system_attributes,
    schema.trial_heartbeats,
)


def insert_study(connection: Connection, study: NewStudy) -> None:
    """Insert a study without trials."""
    study_id = inserted_id(connection, schema.studies, {"study_name": study.name})
    directions = [
        {"study_id": study_id, "objective": index, "direction": direction.value.upper()}
        for index, direction in enumerate(study.goal.directions)
    ]
    names = {"study_id": study_id, "key": reader.METRIC_NAMES, "value_json": json.dumps(study.goal.metrics)}
    identity = study.identity or reader.new_id()
    attributes = {**reader.study_attributes(study.spec, study.source, study.space, identity), **study.notes}
    kept = [
        {"study_id": study_id, "key": f"{reader.PREFIX}{key}", "value_json": json.dumps(reader.recorded(key, value))}
        for key, value in attributes.items()
    ]
    connection.execute(insert(schema.study_directions), directions)
    connection.execute(insert(schema.study_system_attributes).values(names))
    connection.execute(insert(schema.study_user_attributes), kept)


def inserted_id(connection: Connection, table: Table, row: Mapping[str, Any]) -> int:
    """Insert `row` and return the id that the database gave it."""
    key = connection.execute(insert(table).values(row)).inserted_primary_key
    assert key is not None  # only for tables without one
    return int(key[0])


def delete_rows(connection: Connection, study_id: int) -> None:
    """Delete a study's rows in all tables."""
    trial_ids = select(schema.trials.c.trial_id).where(schema.trials.c.study_id == study_id)
    for table in _TRIAL_TABLES:
        connection.execute(delete(table).where(table.c.trial_id.in_(trial_ids)))
    for table in (schema.trials, *_STUDY_TABLES, schema.studies):
        connection.execute(delete(table).where(table.c.study_id == study_id))
