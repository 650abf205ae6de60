"""Rows that another program has written: read as they are, or named."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tuner
from tuner.domain.errors import StorageError
from tuner.storage.store import Store, open_store


def failing(trial: tuner.Trial) -> Iterator[dict[str, Any]]:
    if trial.number:
        raise ValueError("on purpose")
    yield {"score": 1.0}


@pytest.fixture
def store(workplace: Path) -> Iterator[Store]:
    spec = tuner.StudySpec(
        objective=failing,
        search_space=tuner.SearchSpace(x=tuner.Float(0, 1)),
        metric="score",
        name="s",
        budget=tuner.Budget(trials=2, epochs=1),
        executor="inline",
    )
    tuner.run(spec, storage="s.db")
    opened = open_store("s.db")
    yield opened
    opened.close()


ATTRIBUTES = {
    "failure": ["null!", "[]", '{"reason": "raised"}', '{"reason": "asleep", "message": ""}', "5", "[" * 900],
    "metrics": ['{"score": "x"}', "[1]"],
    "epoch": ['"x"', "[]"],
}


@pytest.mark.parametrize(("key", "text"), [(key, text) for key, texts in ATTRIBUTES.items() for text in texts])
def test_a_trial_that_cannot_be_read_is_named(store: Store, key: str, text: str) -> None:
    with sqlite3.connect("s.db") as connection:
        connection.execute("DELETE FROM trial_user_attributes WHERE trial_id = 2 AND key = ?", (f"tuner:{key}",))
        connection.execute(
            "INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES (2, ?, ?)", (f"tuner:{key}", text)
        )
    connection.close()
    with pytest.raises(StorageError, match="trial 1 of study 's' cannot be read"):
        store.read("s")


@pytest.mark.parametrize("key", ["spec", "source", "space"])
@pytest.mark.parametrize("text", ["[1]", "5", '{"settings": []}', '{"folder": 3}', '{"budget": {"trials": "x"}}', "{"])
def test_a_study_that_cannot_be_read_is_named(store: Store, key: str, text: str) -> None:
    with sqlite3.connect("s.db") as connection:
        connection.execute("UPDATE study_user_attributes SET value_json = ? WHERE key = ?", (text, f"tuner:{key}"))
    connection.close()
    try:
        store.read("s")
    except StorageError as error:
        assert "study 1 of the storage cannot be read" in error.message  # noqa: PT017 - some of these can be read


@pytest.mark.parametrize(
    "budget",
    [
        {"trials": 3, "unit": "\x1b[31mtrees", "amount": 9},
        {"trials": 3, "epochs": 3, "steps": 9},
        {"trials": 3, "amount": 9},
    ],
)
def test_a_study_whose_unit_is_no_word_or_not_one_cannot_be_read(store: Store, budget: dict[str, Any]) -> None:
    spec = json.dumps({**store.study("s").spec, "budget": budget})
    with sqlite3.connect("s.db") as connection:
        connection.execute("UPDATE study_user_attributes SET value_json = ? WHERE key = 'tuner:spec'", (spec,))
    connection.close()
    with pytest.raises(StorageError, match="study 1 of the storage cannot be read: ValueError: its spec has budget"):
        store.read("s")


def test_a_time_that_is_none_is_told(store: Store) -> None:
    with sqlite3.connect("s.db") as connection:
        connection.execute("UPDATE trials SET datetime_start = 'noon'")
    connection.close()
    with pytest.raises(StorageError, match=r"a row of the storage .*s\.db cannot be read"):
        store.read("s")
