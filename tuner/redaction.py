"""What a study was told, without the secrets in it: for what is shown or handed on."""

import os
import re
from collections.abc import Mapping
from typing import Any

_SECRET_KEY = re.compile(r"password|passwd|secret|token|credential|api_?key", re.IGNORECASE)
_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")
_USER = re.compile(r"(?<=://)[^/\s]+@")
_NAMED = re.compile(r"(?i)\b(\w*(?:api_?key|api-key|password|passwd|secret|token))(\s*[=:]\s*)[^\s&,;'\"]+")
_HIDDEN = "***"
_SHORTEST = 6
"""What is shorter is a word rather than a secret: hiding it would hide half of every sentence."""


def without_secrets(value: Any, key: str = "") -> Any:
    """Return `value` with `***` for texts under a key such as `password` or `api_token`, and for passwords in URLs.

    >>> without_secrets({"api_token": "x", "max_tokens": 128, "url": "postgresql://me:pa55@host/data"})
    {'api_token': '***', 'max_tokens': 128, 'url': 'postgresql://me:***@host/data'}
    """
    if isinstance(value, Mapping):
        return {inner: without_secrets(each, str(inner)) for inner, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(each, key) for each in value]
    if not isinstance(value, str):
        return value
    return _HIDDEN if _SECRET_KEY.search(key) else _PASSWORD.sub(rf"\1:{_HIDDEN}@", value)


def redacted(text: str) -> str:
    """Return a message of somebody else's program without secrets: it can quote URLs, headers and what it was given.

    Hidden are users and passwords in URLs, what is called a key or password, and the environment's own secrets.

    >>> redacted("http://me:hunter2@host/x?token=abc failed")
    'http://***@host/x?token=*** failed'
    """
    for name, value in os.environ.items():
        if _SECRET_KEY.search(name) and len(value) >= _SHORTEST:
            text = text.replace(value, _HIDDEN)
    return _NAMED.sub(rf"\1\2{_HIDDEN}", _USER.sub(f"{_HIDDEN}@", text))
