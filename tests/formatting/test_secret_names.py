"""Settings and variables are secrets by what they are called."""

import pytest

from tuner.formatting.secret_names import is_secret_key, is_secret_number_key, is_secret_variable


@pytest.mark.parametrize(
    "name",
    [
        *("password", "dbPassword", "db_pass", "PGPASSWORD", "MYSQL_PWD", "api_key", "apiKey", "client-secret", "jwt"),
        *("wandb_token", "accessTokens", "SENTRY_DSN", "session_cookie", "REDIS_AUTH", "connection_string", "my_pat"),
        *("encryption_key", "webhook_url", "Authorization"),
    ],
)
def test_these_are_secrets(name: str) -> None:
    assert is_secret_key(name)
    assert is_secret_variable(name)


@pytest.mark.parametrize(
    "name",
    [
        *("max_tokens", "tokens", "tokenizer", "token_count", "tokens_per_step", "eos_token", "pad_token", "passes"),
        *("compass", "author", "sort_key", "dataset", "path", "bypass", "keyboard", "pattern"),
    ],
)
def test_these_are_none(name: str) -> None:
    assert not is_secret_key(name)


def test_variables_called_keys_are_secrets_and_folders_are_none() -> None:
    assert is_secret_variable("STRIPE_KEY")
    assert not is_secret_variable("PWD")
    assert not is_secret_variable("KEYBOARD")


def test_a_number_is_a_secret_where_a_password_is_expected() -> None:
    assert is_secret_number_key("password")
    assert not is_secret_number_key("token_limit")
    assert not is_secret_number_key("token")
