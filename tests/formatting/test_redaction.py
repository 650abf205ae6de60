"""Secrets are kept out of what is shown."""

from typing import Any

import pytest

from tuner.execution.user_failures import failure_of
from tuner.formatting.redaction import is_same_but_hidden, redacted, remember, without_secrets


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"api_token": "s3cret"}, {"api_token": "***"}),
        ({"database": {"Password": "s3cret", "host": "h"}}, {"database": {"Password": "***", "host": "h"}}),
        ({"apikey": ["s3cret", "other"]}, {"apikey": ["***", "***"]}),
        ("postgresql+psycopg://me:s3cret@host/data", "postgresql+psycopg://***@host/data"),
        (["ftp://:s3cret@host"], ["ftp://***@host"]),
    ],
)
def test_a_secret_is_hidden_wherever_it_lies(told: Any, shown: Any) -> None:
    assert without_secrets(told) == shown


@pytest.mark.parametrize("told", [{"max_tokens": 128}, {"dataset": "digits"}, "https://host:8080/a@b", None, True, 0.5])
def test_what_is_no_secret_stays(told: Any) -> None:
    assert without_secrets(told) == told


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:p@ss@host/db", "postgresql://***@host/db"),
        ("api_key=abc, WANDB_API_KEY: abc", "api_key=***, WANDB_API_KEY: ***"),
        ("?password=x&user=me", "?password=***&user=me"),
        ("nothing secret here", "nothing secret here"),
    ],
)
def test_a_message_of_another_program_is_shown_without_secrets(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_a_secret_of_the_environment_is_hidden_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "correct horse")
    assert redacted("login with correct horse failed") == "login with *** failed"


def test_what_a_trial_has_raised_is_kept_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", "correct horse")
    try:
        raise ValueError("postgresql://me:pa@ss@host/db and correct horse")  # noqa: TRY301
    except ValueError as error:
        failure = failure_of(error)
    assert "ValueError: postgresql://***@host/db and ***" in failure.message
    assert "pa@ss" not in failure.traceback
    assert "correct horse" not in failure.traceback


@pytest.mark.parametrize(
    ("recorded", "given", "is_same"),
    [("***", "x", True), ("a ***", "a b", True), ("a ***", "b b", False), ("x", "x", True), ("x", "y", False)],
)
def test_what_was_recorded_without_its_secret_is_what_it_was_recorded_of(
    recorded: str,
    given: str,
    is_same: bool,  # noqa: FBT001
) -> None:
    assert is_same_but_hidden(recorded, given) is is_same


def test_a_secret_of_the_settings_is_hidden_wherever_it_stands() -> None:
    columns = {"password": "category"}
    remember({"nested": {"api_key": "looks like nothing"}, "url": "https://me:p%40ssword@host/", "columns": columns})
    assert redacted("looks like nothing, p@ssword, category") == "***, ***, category"
