"""Texts without the secrets in them: what is recorded, shown or handed on has none.

A secret is recognised in two ways: by what it looks like (a password in a URL, a header, a key of a known service, what
is called a password) and what it is: the values of variables and settings whose names say that they are secrets.
"""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

HIDDEN = "***"
_SHORTEST = 6
"""What is shorter is a word rather than a secret: hiding it would hide half of every sentence."""

_NAMES = (
    r"passwo?r?d|passphrase|secret|credentials?|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?key|signing[_-]?key"
    r"|account[_-]?key|authorization|webhook|connection[_-]?string|token(?!i[zs]|s?[_-](?:type|id|count|len))"
)
_SECRET_KEY = re.compile(rf"(?i)(?:{_NAMES}(?<!max_token))|(?:^|[_.-])(?:pwd|pat|dsn|cookie)$")
_NOT_SECRET = frozenset({"PWD", "OLDPWD"})

_URL_USER = re.compile(r"(?<=://)(?:[^/\s'\"<>]*@|[^/\s:@'\"<>]*:(?!\d+(?:[/\s'\"?,;)]|$))[^\s'\"<>]*@)")
_HEADER = re.compile(
    r"(?i)(\b(?:proxy-)?authorization\b['\"]?\s*[=:,]\s*['\"]?)(?:(?:basic|bearer|token|digest|negotiate)\s+)?[^\s'\",;}]+"
)
_COOKIE = re.compile(r"(?i)(\b(?:set-)?cookie['\"]?\s*[=:]\s*['\"]?)[^'\"\n]+")
_BEARER = re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]{6,}")
_NAMED = re.compile(
    rf"(?i)((?:\b|_)[\w-]*(?:{_NAMES})[\w-]*['\"]?\s*(?:[=:]|=>)\s*)"
    r"(?!\d{1,6}(?:\.\d+)?(?:[\s,;)}\]]|$))(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s&,;'\"(){}\[\]]+)"
)
_OF_SERVICES = re.compile(
    r"\b(?:sk-[\w-]{16,}|sk_(?:live|test)_\w{10,}|gh[opsur]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[\w-]{10,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,}|hf_\w{20,}|pypi-[\w-]{16,}|npm_\w{20,}|dop_v1_\w{20,}|SG\.[\w-]{16,}\.[\w-]{16,}"
    r"|ya29\.[\w-]{16,}|eyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*)"
)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_SIGNED = re.compile(r"(?i)([?&](?:[\w-]*(?:signature|sig|code|key))=)[^\s&'\"]{6,}")

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
        return {inner: without_secrets(each, "" if key == "columns" else str(inner)) for inner, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(each, key) for each in value]
    if not isinstance(value, str):
        return value
    return HIDDEN if value and _SECRET_KEY.search(key) else redacted(value)


def without_secret_texts(value: Any) -> Any:
    """Return a value of JSON in which no text has a secret; what is called like one stays."""
    if isinstance(value, Mapping):
        return {inner: without_secret_texts(each) for inner, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_secret_texts(each) for each in value]
    return redacted(value) if isinstance(value, str) else value


def redacted(text: str) -> str:
    """Return a text, such as an exception's, without secrets.

    >>> redacted("http://me:hunter2@host/x?token=abcdef failed")
    'http://***@host/x?token=*** failed'
    """
    for secret in sorted(_known_secrets(), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = _PEM.sub(HIDDEN, _URL_USER.sub(f"{HIDDEN}@", text))
    for pattern in (_HEADER, _COOKIE, _SIGNED, _NAMED):
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return _OF_SERVICES.sub(HIDDEN, _BEARER.sub(rf"\1 {HIDDEN}", text))


def is_same_but_hidden(recorded: object, given: object) -> bool:
    """Whether `recorded` may be what `given` was recorded as."""
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
        if name not in _NOT_SECRET and ("://" in value or _SECRET_KEY.search(name)):
            found.update(secret for secret in _secrets(value, name) if len(secret) >= _SHORTEST)
    return found


def _secrets(value: Any, key: str) -> Iterator[str]:
    """Yield the secrets in a value that is called `key`, as texts have them."""
    if isinstance(value, Mapping):
        for inner, each in value.items():
            yield from _secrets(each, "" if key == "columns" else str(inner))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _secrets(each, key)
    elif isinstance(value, str):
        if _SECRET_KEY.search(key):
            yield from {value, value.strip(), quote(value, safe="")}
        for user in _URL_USER.findall(value):
            password = user.removesuffix("@").partition(":")[2]
            yield from {password, unquote(password)}
