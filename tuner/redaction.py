"""What a study was told, without the secrets in it: for what is shown or handed on."""

import re
from collections.abc import Mapping
from typing import Any

_SECRET_KEY = re.compile(r"password|passwd|secret|token|credential|api_?key", re.IGNORECASE)
_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")
_HIDDEN = "***"


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
