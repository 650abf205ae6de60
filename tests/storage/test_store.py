import json
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from commands import PROGRAM, TEMPLATE
from databases import transaction
from fakes import MAXIMIZED, described, metrics
from sqlalchemy import select, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

from tuner import Choice, Float, Int, SearchSpace
from tuner.domain.constraint import Constraint
from tuner.domain.errors import StorageError, StudyExistsError, StudyNotFoundError
from tuner.domain.goal import Goal
from tuner.domain.new_study import NewStudy
from tuner.domain.ranking import front
from tuner.domain.study import Direction
from tuner.domain.study_writer import Transaction, TrialUpdate
from tuner.domain.trial import Failure, FailureReason, Report, Stage, TrialRecord, TrialState
from tuner.running.session import now
from tuner.storage import schema
from tuner.storage.store import Store, open_store
from tuner.storage.writer import SqlStudyWriter

SPACE = SearchSpace(
    optimizer=Choice(
        adamw={"lr": Float(1e-4, 1e-1, log=True)}, sgd={"lr": Float(0.1, 1.0), "nesterov": Choice(True, False)}
    ),
    depth=Int(1, 3),
    scaling=Choice("none", "standard", None),
)


@pytest.fixture
def store(storage: str) -> Iterator[Store]:
    """A store of each kind."""
    opened = open_store(storage)
    yield opened
    opened.close()


@pytest.fixture
def file_store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "inner" / "studies.db"))


@pytest.fixture
def plain_storage(store: Store) -> Iterator[optuna.storages.RDBStorage]:
    """The store, with a study `s` in it, as plain Optuna has it."""
    create(store)
    storage = optuna.storages.RDBStorage(store.location.url.render_as_string(hide_password=False))
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def sql(store: Store, statement: str) -> None:
    with transaction(store.location) as connection:
        connection.execute(text(statement))


def values(store: Store, query: str) -> list[Any]:
    with transaction(store.location) as connection:
        return list(connection.execute(text(query)).scalars())


def create(store: Store, name: str = "s") -> None:
    store.create(NewStudy(name=name, goal=MAXIMIZED, space=SPACE, spec=described(MAXIMIZED, 4), source={}))


def running(number: int) -> TrialRecord:
    config = SPACE.at(dict.fromkeys(SPACE.parameters, (number + 0.5) / 5))
    return TrialRecord(number=number, state=TrialState.RUNNING, config=config, started=now())


def reported(trial: TrialRecord, epoch: int, value: float, state: TrialState = TrialState.RUNNING) -> TrialUpdate:
    curve = {**trial.curve, epoch: value}
    best = max(curve, key=lambda each: curve[each])
    changed = TrialRecord(
        number=trial.number,
        state=state,
        config=trial.config,
        curve=curve,
        value=curve[best],
        epoch=best,
        metrics=metrics(curve[best]),
        started=trial.started,
        finished=now() if state.is_finished else None,
    )
    return TrialUpdate(trial=changed, report=Report(number=trial.number, epoch=epoch, metrics=metrics(value)))


def fill(store: Store) -> None:
    """Store one trial of each kind: complete, pruned, failed and running."""
    with store.holding("s") as writer:
        fill_in(writer)


def fill_in(writer: SqlStudyWriter) -> None:
    for number in range(4):
        writer.begin([running(number)])
    first = reported(running(0), 1, 0.5)
    writer.write([first])
    writer.write([reported(first.trial, 2, 0.9)])
    second = reported(first.trial, 2, 0.9)
    writer.write([reported(second.trial, 3, 0.8, TrialState.COMPLETE)])
    writer.write([reported(running(1), 1, 0.1, TrialState.PRUNED)])
    failure = Failure(reason=FailureReason.RAISED, message="it broke", traceback="line 1")
    failed = TrialRecord(
        number=2, state=TrialState.FAIL, config=running(2).config, failure=failure, started=now(), finished=now()
    )
    writer.write([TrialUpdate(trial=failed, report=Report(number=2, epoch=0, failure=failure))])
    writer.write([reported(running(3), 1, 0.3)])


def test_what_is_written_is_read_back_equal(store: Store) -> None:
    create(store)
    fill(store)
    study, trials = store.read("s")
    assert (study.name, study.metric, study.direction, study.space) == ("s", "accuracy", Direction.MAXIMIZE, SPACE)
    complete, pruned, failed, unfinished = trials
    assert complete.state is TrialState.COMPLETE
    assert complete.config == running(0).config
    assert complete.curve == {1: 0.5, 2: 0.9, 3: 0.8}
    assert (complete.value, complete.epoch, complete.metrics) == (0.9, 2, metrics(0.9))
    assert complete.seconds is not None
    assert (pruned.state, pruned.value, pruned.epoch) == (TrialState.PRUNED, 0.1, 1)
    assert failed.failure == Failure(reason=FailureReason.RAISED, message="it broke", traceback="line 1")
    assert (unfinished.state, unfinished.value, unfinished.last_epoch) == (TrialState.RUNNING, 0.3, 1)


def test_every_metric_of_every_epoch_is_kept(store: Store) -> None:
    create(store)
    fill(store)
    assert store.reports("s")[0] == {1: metrics(0.5), 2: metrics(0.9), 3: metrics(0.8)}


def test_optuna_opens_our_studies_as_they_are(store: Store, plain_storage: optuna.storages.RDBStorage) -> None:
    fill(store)
    study = optuna.load_study(study_name="s", storage=plain_storage)
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "PRUNED", "FAIL", "RUNNING"]
    assert study.best_value == 0.9
    assert study.direction.name == "MAXIMIZE"
    assert study.metric_names == ["accuracy"]
    assert study.trials[0].intermediate_values == {1: 0.5, 2: 0.9, 3: 0.8}
    assert study.trials[0].user_attrs["tuner:metrics"] == metrics(0.9)
    for trial, record in zip(study.trials, store.read("s")[1], strict=True):
        assert trial.params == SPACE.flatten(record.config)
        assert set(trial.distributions) == set(trial.params)


def test_a_study_of_plain_optuna_can_be_read(store: Store, plain_storage: optuna.storages.RDBStorage) -> None:
    plain = optuna.create_study(study_name="plain", storage=plain_storage, direction="minimize")
    plain.optimize(lambda trial: trial.suggest_float("x", 0, 1) + trial.suggest_int("n", 1, 3), n_trials=3)
    study, trials = store.read("plain")
    assert study.space is None
    assert study.direction is Direction.MINIMIZE
    assert [trial.value for trial in trials] == [each.value for each in plain.trials]
    assert set(trials[0].config) == {"x", "n"}


def test_a_study_of_several_metrics_that_plain_optuna_made_has_its_front(
    store: Store, plain_storage: optuna.storages.RDBStorage
) -> None:
    plain = optuna.create_study(study_name="plain", storage=plain_storage, directions=["minimize", "maximize"])
    plain.optimize(lambda trial: (trial.suggest_float("x", 0, 1), abs(trial.suggest_float("y", -1, 1))), n_trials=8)
    study, trials = store.read("plain")
    assert (study.metrics, study.directions) == (("value_0", "value_1"), (Direction.MINIMIZE, Direction.MAXIMIZE))
    assert [[trial.value, trial.metrics["value_1"]] for trial in trials] == [each.values for each in plain.trials]
    assert {trial.number for trial in front(trials, study.goal)} == {each.number for each in plain.best_trials}


def test_several_metrics_and_constraints_are_stored_as_optuna_stores_them(
    store: Store, plain_storage: optuna.storages.RDBStorage
) -> None:
    store.delete("s")
    goal = Goal(
        metrics=("accuracy", "loss"),
        directions=(Direction.MAXIMIZE, Direction.MINIMIZE),
        constraints=(Constraint.parse("loss <= 0.5"),),
    )
    store.create(NewStudy(name="s", goal=goal, space=SPACE, spec=described(goal, 4), source={}))
    fill(store)
    assert store.study("s").goal == goal
    study = optuna.load_study(study_name="s", storage=plain_storage)
    assert [each.name for each in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study.metric_names == ["accuracy", "loss"]
    complete, pruned, failed, running = study.trials
    assert complete.values == [0.9, pytest.approx(0.1)]
    assert complete.constraints == {"0": pytest.approx(-0.8)}
    assert pruned.constraints == {"0": pytest.approx(0.8)}
    assert failed.constraints == running.constraints == {}
    assert [trial.number for trial in study.best_trials] == [0]


def test_a_study_is_created_once(store: Store) -> None:
    create(store)
    with pytest.raises(StudyExistsError, match="exists already"):
        create(store)
    assert store.names == ("s",)


def test_a_missing_study_names_the_nearest_one(store: Store) -> None:
    create(store, "digits")
    with pytest.raises(StudyNotFoundError, match="did you mean 'digits'"):
        store.read("digit")
    with pytest.raises(KeyError):
        store.read("digit")


def test_reading_creates_nothing(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "none" / "studies.db"))
    assert store.names == ()
    with pytest.raises(StudyNotFoundError):
        store.read("s")
    assert list(tmp_path.iterdir()) == []


def test_files_and_folders_are_for_their_owner_alone(file_store: Store) -> None:
    create(file_store)
    file = file_store.location.file
    assert file is not None
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_deleting_a_study_leaves_nothing_of_it_and_all_of_the_others(store: Store) -> None:
    create(store)
    fill(store)
    create(store, "other")
    store.delete("s")
    assert store.names == ("other",)
    for table in ("trials", "trial_params", "trial_values", "trial_intermediate_values", "trial_user_attributes"):
        assert values(store, f"select count(*) from {table}") == [0]


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    create(store)
    with store.holding("s") as writer, pytest.raises(ValueError, match="is not the next one"):
        writer.begin([running(0), running(2)])
    assert store.read("s")[1] == ()


def test_new_trials_changes_and_notes_of_a_transaction_are_stored_together_or_not_at_all(store: Store) -> None:
    create(store)
    first = reported(running(0), 1, 0.5)
    with store.holding("s") as writer:
        writer.begin([running(0)])
        with pytest.raises(ValueError, match="is not the next one"):
            writer.store(Transaction(begun=(running(2),), changes=(first,), notes={"batching": {}}))
        study, (trial,) = store.read("s")
        assert (trial.curve, study.notes.get("batching")) == ({}, None)
        writer.store(Transaction(begun=(running(1),), changes=(first,), notes={"batching": {"most": 1}}))
        writer.write([reported(running(1), 1, 0.25)])
    study, trials = store.read("s")
    assert [trial.curve for trial in trials] == [{1: 0.5}, {1: 0.25}]
    assert study.notes["batching"] == {"most": 1}


def test_a_trial_that_another_program_adds_meanwhile_ends_the_run_with_what_to_do(
    store: Store, plain_storage: str
) -> None:

    with store.holding("s") as writer:
        optuna.load_study(study_name="s", storage=plain_storage).enqueue_trial({"x": 0.5})
        with pytest.raises(StorageError, match="another program has added trial 0") as raised:
            writer.begin([running(0)])
    assert not raised.value.may_pass
    assert "`tuner resume` continues with what was added" in raised.value.hint


def test_an_annotation_replaces_the_one_before(store: Store) -> None:
    create(store)
    with store.holding("s") as writer:
        writer.annotate("test", {"number": 1})
        writer.annotate("test", {"number": 2})
    assert store.read("s")[0].notes == {"test": {"number": 2}}


def test_a_schema_of_another_version_is_refused_and_left_alone(store: Store) -> None:
    create(store)
    sql(store, "update alembic_version set version_num = 'v9.0.0'")
    with pytest.raises(StorageError, match=r"schema v9\.0\.0") as raised:
        _ = store.names
    assert raised.value.exit_code == 4


def test_a_damaged_file_is_told_in_words(tmp_path: Path) -> None:
    file = tmp_path / "studies.db"
    file.write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError, match="file is not a database"):
        _ = open_store(str(file)).names


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = open_store(str(tmp_path / "file" / "studies.db"))
    with pytest.raises(StorageError):
        create(store)


def test_an_unreachable_server_is_told_without_the_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store(str(tmp_path / "studies.db"))
    create(store)

    def refuse(*_: object) -> None:
        raise OperationalError("select 1", {}, ConnectionRefusedError("connection refused"))

    monkeypatch.setattr(Engine, "connect", refuse)
    with pytest.raises(StorageError, match="connection refused"):
        store.read("s")


def test_a_number_column_survives_json(store: Store) -> None:
    create(store)
    fill(store)
    keys = schema.trial_user_attributes.c
    with transaction(store.location) as connection:
        stored = connection.execute(select(keys.value_json).where(keys.key == "tuner:metrics")).scalars().first()
    assert json.loads(str(stored)) == metrics(0.9)


def test_a_database_whose_making_was_killed_halfway_holds_no_studies_and_is_made_whole(store: Store) -> None:
    create(store)
    store.delete("s")
    sql(store, "DELETE FROM alembic_version")
    assert not store.names
    create(store)
    assert store.names == ("s",)


def test_a_schedule_is_stored_and_read_back(store: Store) -> None:
    create(store)
    with store.holding("s") as writer:
        trial, source = running(0), running(1)
        writer.begin([trial, source])
        first, second = (Stage(epoch=0, config=trial.config), Stage(epoch=3, config=source.config, source=1))
        writer.reschedule([replace(trial, schedule=(first,))])
        writer.reschedule([replace(trial, schedule=(first, second))])
    _, (read, other) = store.read("s")
    assert read.schedule == (first, second)
    assert read.config == source.config
    assert (other.schedule, other.config) == ((), source.config)


VISITOR = """
import sys
from tuner.storage.store import open_store
store = open_store(sys.argv[1])
assert store.names == ("kept",), store.names
store.close()
"""


def test_a_process_that_comes_and_goes_leaves_the_log_to_the_one_that_stays(tmp_path: Path) -> None:
    """A file's locks are a process's: closing any of its handles would give up those that SQLite relies on."""
    file = tmp_path / "studies.db"
    create(open_store(str(file)), "kept")
    stays = open_store(str(file))
    assert stays.names == ("kept",)
    create(stays, "new")
    stays.delete("new")
    (tmp_path / "visitor.py").write_text(VISITOR)
    visited = TEMPLATE.run("visitor.py", str(file), main=PROGRAM)
    assert visited.returncode == 0, visited.stderr
    assert file.with_name("studies.db-wal").exists()
    create(stays, "newer")
    stays.close()
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert open_store(str(file)).names == ("kept", "newer")


def test_numbers_that_are_not_finite_are_read_as_plain_optuna_stored_them(
    store: Store, plain_storage: optuna.storages.RDBStorage
) -> None:
    plain = optuna.create_study(study_name="plain", storage=plain_storage, direction="minimize")
    for reported_value, value in ((float("nan"), 1 / 3), (float("inf"), float("inf")), (0.1, float("-inf"))):
        trial = plain.ask()
        trial.report(reported_value, 1)
        trial.report(1e-300, 2)
        plain.tell(trial, value)
    trials = store.read("plain")[1]
    assert [trial.value for trial in trials] == [1 / 3, float("inf"), float("-inf")]
    assert [dict(trial.curve) for trial in trials] == [{2: 1e-300}, {1: float("inf"), 2: 1e-300}, {1: 0.1, 2: 1e-300}]


def test_a_large_space_is_stored_whole(store: Store) -> None:
    space = SearchSpace(word=Choice(*(f"{number:0100d}" for number in range(800))))
    store.create(NewStudy(name="large", goal=MAXIMIZED, space=space, spec={}, source={}))
    config = space.at({"word": 0.5})
    with store.holding("large") as writer:
        writer.begin([TrialRecord(number=0, state=TrialState.RUNNING, config=config, started=now())])
    study, trials = store.read("large")
    assert study.space == space
    assert trials[0].config == config
