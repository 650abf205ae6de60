"""What a summary of a large study needs, found by the database: its counts, and which few trials matter."""

from dataclasses import dataclass
from typing import final

from sqlalchemy import and_, case, func, select
from sqlalchemy.engine import Connection

from tuner.domain.expected_gain import LEAST_FINISHED, ExpectedGain, Records
from tuner.domain.study import Direction
from tuner.domain.study_record import StudyRecord
from tuner.domain.trial import TrialRecord, TrialState
from tuner.domain.trial_counts import TrialCounts
from tuner.storage import schema
from tuner.storage.reader import PREFIX


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A study, those of its trials that a summary shows or compares, and all of them counted.

    `trials` are the first one, the best ones, and those whose configurations were trained again.
    """

    study: StudyRecord
    trials: tuple[TrialRecord, ...]
    repetitions: tuple[TrialRecord, ...]
    tally: TrialCounts
    expected_gain: ExpectedGain | None


def counted(connection: Connection, study_id: int) -> TrialCounts:
    """Return the counts of a study without constraints."""
    trials, points = schema.trials.c, schema.trial_intermediate_values.c
    states = select(trials.state, func.count()).where(trials.study_id == study_id).group_by(trials.state)
    reached = (
        select(func.max(points.step).label("step"))
        .join_from(schema.trial_intermediate_values, schema.trials, points.trial_id == trials.trial_id)
        .where(trials.study_id == study_id, points.intermediate_value_type != "NAN")
        .group_by(points.trial_id)
        .subquery()
    )
    return TrialCounts(
        states={TrialState(state): count for state, count in connection.execute(states)},
        epochs=int(connection.execute(select(func.sum(reached.c.step))).scalar() or 0),
    )


def gain_expected(connection: Connection, study_id: int, study: StudyRecord, tally: TrialCounts) -> ExpectedGain | None:
    """Return the expected gain of a study without constraints and with one metric, without reading its trials."""
    target = study.spec["budget"]["trials"] if study.spec else 0
    num_finished = sum(count for state, count in tally.states.items() if state.is_finished)
    if not LEAST_FINISHED <= num_finished < target:
        return None  # no values are read to learn what the counts say
    trials, values = schema.trials.c, schema.trial_values.c
    complete = (values.trial_id == trials.trial_id) & (trials.state == TrialState.COMPLETE.value)
    finished = [state.value for state in TrialState if state.is_finished]
    rows = connection.execute(
        select(values.value)
        .join_from(schema.trials, schema.trial_values, complete, isouter=True)
        .where(trials.study_id == study_id, trials.state.in_(finished))
        .order_by(trials.datetime_complete, trials.number)
    )
    records = Records(study.goal)
    for value in rows.scalars():
        records.add(value)
    return records.expected(target)


def best_numbers(connection: Connection, study_id: int, direction: Direction, count: int) -> set[int]:
    """Return the numbers of the best complete trials by their only metric, in the order of `domain.ranking`."""
    trials, values = schema.trials.c, schema.trial_values.c
    kind = case((values.value_type == "INF_POS", 1), (values.value_type == "INF_NEG", -1), else_=0)
    found = connection.execute(
        select(trials.number)
        .join_from(schema.trials, schema.trial_values, trials.trial_id == values.trial_id)
        .where(trials.study_id == study_id, trials.state == TrialState.COMPLETE.value, values.objective == 0)
        .order_by(-direction.sign * kind, -direction.sign * values.value, trials.number)
        .limit(count)
    )
    return set(found.scalars())


def changes(connection: Connection, study_id: int) -> bool:
    """Whether a trial of the study has changed its configuration on the way, which its parameters do not show."""
    trials, attributes = schema.trials.c, schema.trial_user_attributes.c
    found = connection.execute(
        select(attributes.trial_id)
        .join_from(schema.trial_user_attributes, schema.trials, attributes.trial_id == trials.trial_id)
        .where(trials.study_id == study_id, attributes.key == f"{PREFIX}schedule")
        .limit(1)
    )
    return found.first() is not None


def same_numbers(connection: Connection, study_id: int, repeated_id: int) -> set[int]:
    """Return the numbers of the trials that have a configuration of one of the trials of study `repeated_id`."""
    trials, params = schema.trials.c, schema.trial_params.c
    of_trial = (
        select(trials.number, params.param_name, params.param_value)
        .join_from(schema.trials, schema.trial_params, trials.trial_id == params.trial_id)
        .order_by(trials.number)
    )
    configs: dict[int, set[tuple[str, float]]] = {}
    for number, name, value in connection.execute(of_trial.where(trials.study_id == repeated_id)):
        configs.setdefault(number, set()).add((name, value))
    found: set[int] = set()
    for config in {frozenset(config) for config in configs.values()}:
        # Few others have a number with a fraction, so it is the one to look for.
        name, value = min(config, key=lambda each: (each[1].is_integer(), each))
        first = and_(params.param_name == name, params.param_value == value)
        having = select(params.trial_id).where(first)
        near: dict[int, set[tuple[str, float]]] = {}
        wanted = and_(trials.study_id == study_id, trials.trial_id.in_(having))
        for number, param, stored in connection.execute(of_trial.where(wanted)):
            near.setdefault(number, set()).add((param, stored))
        found |= {number for number, each in near.items() if each == config}
    return found
