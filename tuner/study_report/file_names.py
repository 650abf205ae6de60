"""Names of files that come from names of studies and parameters."""

import re

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def file_name(name: str) -> str:
    """Return `name` as a file may be called anywhere: a study of plain Optuna can be called anything.

    >>> file_name("digits"), file_name("../my study"), file_name("...")
    ('digits', 'my-study', 'study')
    """
    return _UNSAFE.sub("-", name).strip(".-")[:100] or "study"
