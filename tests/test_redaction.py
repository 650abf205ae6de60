"""Secrets are kept out of what is shown."""

from typing import Any

import pytest

from tuner.redaction import redacted, without_secrets


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
