"""Rows to records: how a study and its trials are read back."""

import math
import re
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, select
from sqlalchemy.engine import Connection

from tuner.domain.config import Config, Scalar
from tuner.domain.constraint import Constraint
from tuner.domain.decision import Comparison
from tuner.domain.goal import Goal
from tuner.domain.origin import Origin
from tuner.domain.search_space import SearchSpace
from tuner.domain.study import Direction
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import Failure, FailureReason, Stage, TrialRecord, TrialState, best_epoch
from tuner.formatting.redaction import without_secret_texts, without_secrets
from tuner.storage import schema
from tuner.storage.parameters import parsed_value
from tuner.storage.validation import check_notes, check_result, check_spec, checked_report, readable
from tuner.system.untrusted_files import json_of

PREFIX = "tuner:"
METRIC_NAMES = "study:metric_names"
REPORT = f"{PREFIX}report:"
DECISION = f"{PREFIX}decision:"
"""The system attribute of a trial with what was compared after a report; the report's epoch follows."""
ORIGIN = f"{PREFIX}origin"
_ENQUEUED = "fixed_params"
"""The system attribute in which Optuna keeps what a trial was enqueued with."""
CONSTRAINTS = "constraints"
"""The system attribute of a trial in which Optuna lists how far it is beyond each constraint; met is 0 and below.

Optuna 5 itself writes an attribute for each, which it reads as well but optuna-dashboard does not.
"""

_NOT_FINITE = {"INF_POS": math.inf, "INF_NEG": -math.inf, "NAN": math.nan}
_SPEC, _SOURCE, _SPACE, _ID = "spec", "source", "space", "id"
_IS_ID = re.compile(r"[0-9a-f]{16}")
_DIRECTIONS = {"MAXIMIZE": Direction.MAXIMIZE, "MINIMIZE": Direction.MINIMIZE, "NOT_SET": Direction.MINIMIZE}


def find_study(connection: Connection, name: str) -> int | None:
    """Return the id of the study called `name`, or None."""
    studies = schema.studies.c
    rows = connection.execute(select(studies.study_id, studies.study_name).where(studies.study_name == name))
    # To MySQL, in tables that others have made, "a" is "A".
    return next((row.study_id for row in rows if row.study_name == name), None)


def study_names(connection: Connection) -> tuple[str, ...]:
    """Return the names of all studies, oldest first."""
    rows = connection.execute(select(schema.studies.c.study_name).order_by(schema.studies.c.study_id))
    names = tuple(row.study_name for row in rows)
    with readable("the name of a study"):
        if strange := [name for name in names if not isinstance(name, str)]:
            raise TypeError(f"{strange[0]!r} is not text")
    return names


_NOWHERE: Mapping[str, Any] = {"study": "", "folder": "", "overrides": {}}
"""The source of a study that says none: it was started in no folder that is known, so nothing of it is trusted."""


def read_study(connection: Connection, study_id: int) -> StudyRecord:
    """Return a study without its trials; raises `StorageError` where it cannot be read."""
    with readable(f"study {study_id} of the storage"):
        return _read_study(connection, study_id)


def _read_study(connection: Connection, study_id: int) -> StudyRecord:
    """Return the study with this id."""
    name = connection.execute(_of_study(schema.studies, study_id)).one().study_name
    objectives = _of_study(schema.study_directions, study_id).order_by(schema.study_directions.c.objective)
    directions = tuple(_DIRECTIONS[row.direction] for row in connection.execute(objectives))
    notes = _attributes(connection.execute(_of_study(schema.study_user_attributes, study_id)))
    system = {
        row.key: json_of(row.value_json)
        for row in connection.execute(_of_study(schema.study_system_attributes, study_id))
    }
    space, spec, identity = notes.pop(_SPACE, None), notes.pop(_SPEC, {}), notes.pop(_ID, "")
    source = notes.pop(_SOURCE, {})
    check_spec(spec, source)
    source = {**_NOWHERE, **source} if spec else source
    check_notes(notes)
    return StudyRecord(
        name=name,
        goal=Goal(
            metrics=_metrics(spec, system.get(METRIC_NAMES, ()), len(directions)),
            directions=directions,
            constraints=tuple(map(Constraint.parse, spec.get("constraints", ()))),
        ),
        space=SearchSpace.from_description(space) if space else None,
        rules=tuple(space["rules"]) if space else (),
        spec=spec,
        source=source,
        notes=notes,
        id=identity if isinstance(identity, str) and _IS_ID.fullmatch(identity) else "",  # it becomes part of paths
    )


def recorded(key: str, value: Any) -> Any:
    """Return an attribute of a study as it is stored: without the secrets of its settings, or in any text."""
    match key:
        case "spec" | "source":
            said = {
                part: without_secrets(value[part]) for part in ("settings", "overrides", "command") if part in value
            }
            return {**value, **said}
        case "space":
            return value  # what it may be is no secret, and has to be the same when it is read
        case _:
            return without_secret_texts(value)


def new_id() -> str:
    """Return an id for a new study, which no other study has in any database."""
    return uuid.uuid4().hex[:16]


def study_ids(connection: Connection) -> frozenset[str]:
    """Return the ids of all studies that have one."""
    attributes = schema.study_user_attributes
    rows = connection.execute(select(attributes.c.value_json).where(attributes.c.key == f"{PREFIX}{_ID}"))
    with readable("the id of a study"):
        return frozenset(str(json_of(value)) for value in rows.scalars())


def study_attributes(
    spec: Mapping[str, Any], source: Mapping[str, Any], space: SearchSpace, identity: str
) -> dict[str, Any]:
    """Return the attributes that a new study is stored with: what `read_study` reads back."""
    return {_ID: identity, _SPEC: spec, _SOURCE: source, _SPACE: space.describe()}


def read_trials(
    connection: Connection, study_id: int, study: StudyRecord, which: ColumnElement[bool] | None = None
) -> tuple[TrialRecord, ...]:
    """Return a study's trials in the order of their numbers, all of them or those for which `which` is true.

    An unfinished trial has the value and epoch of its best report so far, and no metrics.
    """
    of_study = schema.trials.c.study_id == study_id
    wanted = of_study if which is None else of_study & which
    parts = {
        table: _grouped(connection, table, wanted)
        for table in (
            schema.trial_params,
            schema.trial_values,
            schema.trial_intermediate_values,
            schema.trial_user_attributes,
        )
    }
    rows = connection.execute(select(schema.trials).where(wanted).order_by(schema.trials.c.number)).all()
    waiting = [row.trial_id for row in rows if row.state == TrialState.WAITING.value]
    enqueued = _enqueued(connection, [each for each in waiting if not parts[schema.trial_params][each]])
    trials = (_named_trial(row, study, {table: parts[table][row.trial_id] for table in parts}) for row in rows)
    return tuple(
        replace(trial, config=enqueued[row.trial_id]) if row.trial_id in enqueued else trial
        for row, trial in zip(rows, trials, strict=True)
    )


def _named_trial(row: Row[Any], study: StudyRecord, parts: Mapping[Table, Sequence[Row[Any]]]) -> TrialRecord:
    with readable(f"trial {row.number} of study {study.name!r}"):
        return _trial(row, study, parts)


def _enqueued(connection: Connection, trial_ids: Sequence[int]) -> dict[int, Config]:
    """Return the values that Optuna's `enqueue_trial` was given, by the id of the trial, of these that have any."""
    if not trial_ids:
        return {}
    table = schema.trial_system_attributes
    rows = connection.execute(select(table).where(table.c.trial_id.in_(trial_ids), table.c.key == _ENQUEUED))
    found = {}
    for row in rows:
        with readable("what a trial was enqueued with"):
            found[row.trial_id] = Config(json_of(row.value_json))
    return found


def read_decisions(connection: Connection, study_id: int, number: int) -> dict[int, tuple[Comparison, ...]]:
    """Return what trial `number` was compared with, by the epoch of the report that was judged."""
    attributes, trials = schema.trial_system_attributes, schema.trials
    rows = connection.execute(
        select(attributes.c.key, attributes.c.value_json)
        .join_from(attributes, trials, attributes.c.trial_id == trials.c.trial_id)
        .where(trials.c.study_id == study_id, trials.c.number == number, attributes.c.key.startswith(DECISION))
    )
    with readable(f"a decision about trial {number}"):
        found = {int(key.removeprefix(DECISION)): tuple(map(Comparison.parsed, json_of(value))) for key, value in rows}
    return dict(sorted(found.items()))


def read_reports(
    connection: Connection, study_id: int, trial: int | None = None
) -> dict[int, dict[int, dict[str, float]]]:
    """Return every metric that was reported, by trial number and epoch; of a single trial where one is given."""
    attributes, trials = schema.trial_system_attributes, schema.trials
    wanted = (trials.c.study_id == study_id) & attributes.c.key.startswith(REPORT)
    rows = connection.execute(
        select(trials.c.number, attributes.c.key, attributes.c.value_json)
        .join_from(attributes, trials, attributes.c.trial_id == trials.c.trial_id)
        .where(wanted if trial is None else wanted & (trials.c.number == trial))
    )
    reports: dict[int, dict[int, dict[str, float]]] = defaultdict(dict)
    for number, key, value in rows:
        with readable(f"a report of trial {number}"):
            reports[number][int(key.removeprefix(REPORT))] = checked_report(json_of(value))
    return {number: dict(sorted(epochs.items())) for number, epochs in sorted(reports.items())}


def _metrics(spec: Mapping[str, Any], names: Sequence[str], count: int) -> tuple[str, ...]:
    """Return what the objectives are called: as our own spec says, or what Optuna was given as names."""
    own = tuple(spec.get("metrics", ())) or tuple(filter(None, (spec.get("metric"),)))
    metrics = own or tuple(names) or _unnamed(count)
    if len(metrics) != count or not all(isinstance(name, str) for name in metrics):
        raise TypeError(f"it has the metrics {metrics!r:.100} and {count} directions")
    return metrics


def _unnamed(count: int) -> tuple[str, ...]:
    """Return names for the objectives of a study that plain Optuna made without naming them."""
    return tuple(f"value_{index}" for index in range(count)) if count > 1 else ("value",)


def _of_study(table: Table, study_id: int) -> Select[Any]:
    return select(table).where(table.c.study_id == study_id)


def _grouped(connection: Connection, table: Table, wanted: ColumnElement[bool]) -> Mapping[int, Sequence[Row[Any]]]:
    groups: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(
        select(table).join_from(table, schema.trials, table.c.trial_id == schema.trials.c.trial_id).where(wanted)
    ):
        groups[row.trial_id].append(row)
    return groups


def _attributes(rows: Iterable[Row[Any]]) -> dict[str, Any]:
    """Return the attributes that are ours, by key without the prefix."""
    ours = (row for row in rows if row.key.startswith(PREFIX))
    return {row.key.removeprefix(PREFIX): json_of(row.value_json) for row in ours}


def _trial(row: Row[Any], study: StudyRecord, parts: Mapping[Table, Sequence[Row[Any]]]) -> TrialRecord:
    notes = _attributes(parts[schema.trial_user_attributes])
    params = {
        each.param_name: parsed_value(each.distribution_json, each.param_value) for each in parts[schema.trial_params]
    }
    points = sorted(parts[schema.trial_intermediate_values], key=lambda each: int(each.step))
    measured = {each.step: _number(each.intermediate_value, each.intermediate_value_type) for each in points}
    curve = {step: value for step, value in measured.items() if not math.isnan(value)}
    best = best_epoch(curve, study.direction)
    values = {
        study.metrics[each.objective]: _number(each.value, each.value_type) for each in parts[schema.trial_values]
    }
    origin = notes.get("origin")
    failure, metrics, epoch = notes.get("failure"), notes.get("metrics", {}), notes.get("epoch", best)
    check_result(failure, metrics, epoch)
    record = TrialRecord(
        number=row.number,
        state=TrialState(row.state),
        config=_config(study.space, params),
        value=values.get(study.metric, curve.get(best)),
        epoch=epoch,
        metrics=notes.get("metrics", values if study.goal.has_several else {}),
        curve=curve,
        failure=Failure(**{**failure, "reason": FailureReason(failure["reason"])}) if failure else None,
        schedule=_schedule(notes.get("schedule", ())),
        started=row.datetime_start,
        finished=row.datetime_complete,
        origin=None if origin is None else Origin.parsed(origin),
    )
    newest = math.inf if not record.state.is_finished else record.epoch
    return replace(record, config=record.config_at(newest)) if record.schedule else record


def _number(stored: float | None, kind: str) -> float:
    """Return the value that plain Optuna, or we, stored: not every database takes those that are not finite."""
    return float(_NOT_FINITE.get(kind, math.nan if stored is None else stored))


def _schedule(stages: Iterable[Mapping[str, Any]]) -> tuple[Stage, ...]:
    return tuple(Stage(**{**stage, "config": Config(stage["config"])}) for stage in stages)


def _config(space: SearchSpace | None, values: Mapping[str, Scalar]) -> Config:
    """Return the nested configuration; a trial that plain Optuna added has its parameters as they are."""
    if space is None:
        return Config(values)
    try:
        return space.unflatten(values)
    except KeyError:
        return Config(values)
