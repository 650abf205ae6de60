"""Texts without the secrets in them: what is recorded, shown or handed on has none.

A secret is recognised in two ways: by what it looks like (a password in a URL, a header, a key of a known service, what
is called a password) and what it is: the values of variables and settings whose names say that they are secrets,
however they are written.
"""

import base64
import html
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from tuner.formatting.secret_names import is_secret_key, is_secret_number_key, is_secret_variable
from tuner.formatting.secret_patterns import HIDDEN, secrets_in, users_in, without_patterns

_SHORTEST = 6
"""What is shorter is a word rather than a secret: hiding it would hide half of every sentence."""

_SHORTEST_PART = 8
"""How long a line, or an item, of a secret is that is one itself."""

_KNOWN: set[str] = set()
"""The secrets of this process's settings and storage: they look like nothing in particular."""


def remember(value: Any, key: str = "") -> None:
    """Register the secrets in settings, or in a URL: no text that is recorded from now on has them."""
    _KNOWN.update(secret for secret in _secrets(value, key) if len(secret) >= _SHORTEST)


def without_secrets(value: Any, key: str = "") -> Any:
    """Return settings with `***` for texts under a key such as `password` or `api_token`, and for secrets in others.

    >>> without_secrets({"api_token": "x", "max_tokens": 128, "url": "postgresql://me:pa55@host/data"})
    {'api_token': '***', 'max_tokens': 128, 'url': 'postgresql://***@host/data'}
    """
    if isinstance(value, Mapping):
        # A table may have a column called password, of which its type is no secret.
        return {redacted(str(inner)): without_secrets(each, _key(key, str(inner))) for inner, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(each, inner) for inner, each in _with_keys(value, key)]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return HIDDEN if is_secret_number_key(key) else value
    if not isinstance(value, str):
        return value
    if _PLACEHOLDER.fullmatch(value):
        return value
    return HIDDEN if value and is_secret_key(key) else redacted(value)


def _with_keys(values: Sequence[Any], key: str) -> Iterator[tuple[str, Any]]:
    """Yield the items of a list with what each is called: as the list is, or as the option before it in a command."""
    before: Any = None
    for value in values:
        is_option = isinstance(before, str) and _OPTION.fullmatch(before) is not None
        yield (_key(key, before) if is_option else key), value
        before = value


_OPTION = re.compile(r"--?[A-Za-z][\w-]*")
_PLACEHOLDER = re.compile(r"(?:[\w-]*=)?\{[\w.]+(?:\?[^{}]*)?\}")
"""A word of a command that a trial's value is put into."""


def _key(outer: str, inner: str) -> str:
    """Return what says whether a value is a secret: its own key, or the one of the whole that it is part of."""
    if outer == "columns":
        return ""
    return outer if is_secret_key(outer) else inner


def without_secret_texts(value: Any) -> Any:
    """Return a value of JSON in which no text has a secret; what is called like one stays."""
    if isinstance(value, Mapping):
        return {redacted(str(inner)): without_secret_texts(each) for inner, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_secret_texts(each) for each in value]
    return redacted(value) if isinstance(value, str) else value


def redacted(text: str) -> str:
    """Return a text, such as an exception's, without secrets.

    >>> redacted("http://me:hunter2@host/x?token=abcdef failed")
    'http://***@host/x?token=*** failed'
    """
    written = {each for secret in _known_secrets() for each in _writings(secret)}
    for each in sorted(written, key=len, reverse=True):
        text = text.replace(each, HIDDEN)
    return without_patterns(text)


def is_same_but_hidden(recorded: object, given: object) -> bool:
    """Whether `recorded` may be what `given` was recorded as."""
    if isinstance(recorded, list | tuple) and isinstance(given, list | tuple):
        return len(recorded) == len(given) and all(map(is_same_but_hidden, recorded, given))
    if not isinstance(recorded, str) or HIDDEN not in recorded or not isinstance(given, str):
        return recorded == given
    pattern = ".*".join(map(re.escape, recorded.split(HIDDEN)))
    return re.fullmatch(pattern, given, re.DOTALL) is not None


def is_hidden(value: Any) -> bool:
    """Whether something was recorded without the secrets in it."""
    return any(hidden_in(value, ""))


def hidden_in(value: Any, path: str) -> Iterator[str]:
    """Yield the paths of settings that were recorded without their secrets."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from hidden_in(each, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for each in value:
            yield from hidden_in(each, path)
    elif isinstance(value, str) and HIDDEN in value:
        yield path


def _known_secrets() -> set[str]:
    found = set(_KNOWN)
    for name, value in os.environ.items():
        found.update(_of_variable(name, value))
    return found


@lru_cache(maxsize=4096)
def _of_variable(name: str, value: str) -> frozenset[str]:
    key = "password" if is_secret_variable(name) else ""
    return frozenset(secret for secret in _secrets(value, key) if len(secret) >= _SHORTEST)


def _secrets(value: Any, key: str) -> Iterator[str]:
    """Yield the secrets in a value that is called `key`."""
    if isinstance(value, Mapping):
        for inner, each in value.items():
            yield from _secrets(each, _key(key, str(inner)))
    elif isinstance(value, list | tuple):
        for inner, each in _with_keys(value, key):
            yield from _secrets(each, inner)
    elif isinstance(value, int | float) and not isinstance(value, bool) and is_secret_number_key(key):
        yield str(value)
    elif isinstance(value, str) and not _PLACEHOLDER.fullmatch(value):
        if is_secret_key(key):
            yield from _parts(value)
        yield from secrets_in(value)
        for user in users_in(value):
            name, _, password = user.partition(":")
            yield from {password, unquote(password)} if password else {name, unquote(name)} - {*_USERS}


_USERS = frozenset({"postgres", "mysql", "root", "admin", "tuner"})
"""Names of users that URLs have instead of tokens."""


def _parts(secret: str) -> Iterator[str]:
    """Yield a secret and what of it may stand alone: lines, the items of a list, the secrets in JSON."""
    yield from {secret, secret.strip()}
    members = _members(secret)
    if members is not None:
        yield from _secrets(members, "")
        return
    for part in re.split(r"[\n,;]", secret):
        if len(part.strip()) >= _SHORTEST_PART and not part.strip().startswith("-----"):
            yield part.strip()


def _members(text: str) -> Any:
    """Return what a text says that is an object or a list of JSON, None for others."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


@lru_cache(maxsize=4096)
def _writings(secret: str) -> frozenset[str]:
    """Return a secret as texts may have it: as it is, or quoted, escaped, or encoded in one of the common ways."""
    raw = secret.encode(errors="surrogatepass")
    once = {repr(secret)[1:-1], repr(raw)[2:-1], json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    once |= {secret, secret.replace("'", "\\'"), secret.replace("'", "'\"'\"'"), html.escape(secret)}
    twice = {form for text in once for form in (repr(text)[1:-1], json.dumps(text)[1:-1], text.replace("\\", "\\\\"))}
    urls = {encode(raw, safe) for encode in (quote, quote_plus) for safe in ("", "/")}
    plain = {base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
    return frozenset({*once, *twice, *urls, *map(_lower_escapes, urls), *plain})


def _lower_escapes(url: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), url)
