"""Secrets are kept out of what is shown."""

import base64
import html
import json
import shlex
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

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


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ({"password": 12345678, "tokens": 12345678}, {"password": "***", "tokens": 12345678}),
        ({"credentials": {"user": "me", "value": "s3cret"}}, {"credentials": {"user": "***", "value": "***"}}),
        ({"http://me:s3cret@host": 1}, {"http://***@host": 1}),
        ({"passwords": {"a": ["s3cret"]}}, {"passwords": {"a": ["***"]}}),
    ],
)
def test_whatever_lies_under_the_name_of_a_secret_is_one(told: Any, shown: Any) -> None:
    assert without_secrets(told) == shown


SECRET = "pa \"s's\\w&o<r>d\u00e9/9"
WRITINGS: tuple[Callable[[str], str], ...] = (
    *(str, repr, json.dumps, quote, quote_plus, html.escape, shlex.quote),
    lambda text: repr(text.encode()),
    lambda text: repr(repr(text)),
    lambda text: json.dumps(json.dumps(text)),
    lambda text: quote(text, safe="").lower(),
    lambda text: base64.b64encode(text.encode()).decode(),
)


@pytest.mark.parametrize("number", range(len(WRITINGS)))
def test_a_known_secret_is_hidden_however_it_is_written(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", SECRET)
    shown = redacted(f"it failed with {WRITINGS[number](SECRET)}, and ended")
    assert "***" in shown
    assert shown.strip("itfaledwhn,* bu'\"\\=") == ""


@pytest.mark.parametrize(
    ("variable", "value", "secret"),
    [
        ("LINES_TOKEN", "firstline01\nsecondline02", "secondline02"),
        ("SECRETS", "firstitem01,seconditem02", "seconditem02"),
        ("GCP_CREDENTIALS", '{"type": "account", "private_key": "lineone0123\\nlinetwo0123"}', "linetwo0123"),
        ("SENTRY", "https://publickey0123456@sentry.io/1", "publickey0123456"),
        ("DATABASE", "host=h password=keyword0123", "keyword0123"),
        ("BLOB", "https://host/x?sig=signature0123", "signature0123"),
        ("HTTPS_PROXY", "http://me:proxy%400123@proxy:1", "proxy@0123"),
    ],
)
def test_a_part_of_a_variable_that_is_a_secret_is_hidden_alone(
    variable: str, value: str, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert redacted(f"it failed with {secret} there") == "it failed with *** there"
    assert redacted("of that type is the account") == "of that type is the account"


COMMAND = [
    "python",
    "x.py",
    "--password",
    "s3cret01",
    "--url=http://u:s3cret02@h",
    "--token",
    "{token}",
    "--lr",
    "{lr}",
]


def test_the_words_of_a_command_are_kept_without_secrets_and_with_its_placeholders() -> None:
    shown = ["python", "x.py", "--password", "***", "--url=http://***@h", "--token", "{token}", "--lr", "{lr}"]
    assert without_secrets(COMMAND) == shown
    assert without_secrets(["--api-key={key}", "--max-tokens", "many"]) == ["--api-key={key}", "--max-tokens", "many"]
    assert is_same_but_hidden(shown, COMMAND)
    assert not is_same_but_hidden(shown, [*COMMAND[:-1], "other"])


def test_a_secret_of_a_command_is_hidden_wherever_it_stands() -> None:
    remember(COMMAND)
    assert redacted("it failed with s3cret01 and s3cret02 and {token}") == "it failed with *** and *** and {token}"
