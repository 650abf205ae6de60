"""Optuna's tables, as far as they are read and written here.

Optuna creates them (see `engine.py`); declaring them again, in SQLAlchemy's core, lets one epoch of a whole cohort be
one transaction (Optuna's own interface commits every value by itself) and lets queries read without importing Optuna.
`VERSION` is the revision of the schema these declarations describe: a database of another one is refused.
"""

from sqlalchemy import Column, DateTime, Enum, Float, ForeignKey, Integer, MetaData, String, Table, Text
from sqlalchemy.types import TypeEngine

VERSION = "v3.2.0.a"

metadata = MetaData()


def _one_of(name: str, *words: str) -> TypeEngine[str]:
    """Return the type of a column that Optuna declares as an enum: a type of its own on PostgreSQL, words elsewhere."""
    return String(max(map(len, words))).with_variant(Enum(*words, name=name), "postgresql")


alembic_version = Table("alembic_version", metadata, Column("version_num", String(32), primary_key=True))

studies = Table(
    "studies",
    metadata,
    Column("study_id", Integer, primary_key=True),
    Column("study_name", String(512), nullable=False, unique=True),
)

study_directions = Table(
    "study_directions",
    metadata,
    Column("study_direction_id", Integer, primary_key=True),
    Column("direction", _one_of("studydirection", "NOT_SET", "MINIMIZE", "MAXIMIZE"), nullable=False),
    Column("study_id", Integer, ForeignKey("studies.study_id"), nullable=False),
    Column("objective", Integer, nullable=False),
)

trials = Table(
    "trials",
    metadata,
    Column("trial_id", Integer, primary_key=True),
    Column("number", Integer),
    Column("study_id", Integer, ForeignKey("studies.study_id")),
    Column("state", _one_of("trialstate", "RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING"), nullable=False),
    Column("datetime_start", DateTime),
    Column("datetime_complete", DateTime),
)

trial_params = Table(
    "trial_params",
    metadata,
    Column("param_id", Integer, primary_key=True),
    Column("trial_id", Integer, ForeignKey("trials.trial_id")),
    Column("param_name", String(512)),
    Column("param_value", Float),
    Column("distribution_json", Text),
)

trial_values = Table(
    "trial_values",
    metadata,
    Column("trial_value_id", Integer, primary_key=True),
    Column("trial_id", Integer, ForeignKey("trials.trial_id"), nullable=False),
    Column("objective", Integer, nullable=False),
    Column("value", Float),
    Column("value_type", _one_of("trialvaluetype", "FINITE", "INF_POS", "INF_NEG"), nullable=False),
)

trial_intermediate_values = Table(
    "trial_intermediate_values",
    metadata,
    Column("trial_intermediate_value_id", Integer, primary_key=True),
    Column("trial_id", Integer, ForeignKey("trials.trial_id"), nullable=False),
    Column("step", Integer, nullable=False),
    Column("intermediate_value", Float),
    Column(
        "intermediate_value_type",
        _one_of("trialintermediatevaluetype", "FINITE", "INF_POS", "INF_NEG", "NAN"),
        nullable=False,
    ),
)

trial_heartbeats = Table(
    "trial_heartbeats",
    metadata,
    Column("trial_heartbeat_id", Integer, primary_key=True),
    Column("trial_id", Integer, ForeignKey("trials.trial_id"), nullable=False),
)


def _attributes(name: str, owner: str, owner_key: str) -> Table:
    return Table(
        name,
        metadata,
        Column(f"{name.removesuffix('s')}_id", Integer, primary_key=True),
        Column(owner_key, Integer, ForeignKey(f"{owner}.{owner_key}")),
        Column("key", String(512)),
        Column("value_json", Text),
    )


study_user_attributes = _attributes("study_user_attributes", "studies", "study_id")
study_system_attributes = _attributes("study_system_attributes", "studies", "study_id")
trial_user_attributes = _attributes("trial_user_attributes", "trials", "trial_id")
trial_system_attributes = _attributes("trial_system_attributes", "trials", "trial_id")
