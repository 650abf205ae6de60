"""A stored study as the text of a study file."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SECRET_KEY = re.compile(r"password|passwd|secret|token|credential|api_?key", re.IGNORECASE)
_PASSWORD = re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@")
_HIDDEN = "***"


def study_text(spec: Mapping[str, Any]) -> str:
    """Return the study file that says what `spec`, a study's stored form, says; without its name, and without secrets.

    A text under a key such as `password` or `api_token`, and the password in a URL, is replaced by `***`.
    """
    content = _as_written(spec)
    plain = {key: value for key, value in content.items() if not isinstance(value, Mapping)}
    sections = {key: value for key, value in content.items() if isinstance(value, Mapping)}
    lines = [*_assignments(plain)]
    for name, section in sections.items():
        lines += [*_section(name, section)]
    return "\n".join(lines) + "\n"


def without_password(text: str) -> str:
    """Return `text` with the passwords of the URLs in it hidden.

    >>> without_password("postgresql://me:pa55@host/studies")
    'postgresql://me:***@host/studies'
    """
    return _PASSWORD.sub(rf"\1:{_HIDDEN}@", text)


def _as_written(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec's content in the order and with the keys of a study file."""
    content = {key: value for key, value in spec.items() if key != "name" and value not in ("", {}, None)}
    for kind in ("sampler", "scheduler"):
        if kind in content:
            content[kind] = {"name": content[kind]["name"], **content[kind].get("options", {})}
    if "budget" in content:
        budget = dict(content["budget"])
        content["budget"] = {**budget, "time": budget.pop("seconds", None)} | {"seconds": None}
    if "limits" in content:
        content["limits"] = {key: "none" if value is None else value for key, value in content["limits"].items()}
    return content


def _section(path: str, content: Mapping[str, Any]) -> Iterator[str]:
    inner = {key: value for key, value in content.items() if isinstance(value, Mapping)}
    plain = [*_assignments({key: value for key, value in content.items() if key not in inner})]
    if plain or not inner:
        yield from ("", f"[{path}]", *plain)
    for key, value in inner.items():
        yield from _section(f"{path}.{_key(key)}", value)


def _assignments(content: Mapping[str, Any]) -> Iterator[str]:
    for key, value in content.items():
        if value is not None:  # which TOML has no word for
            hidden = isinstance(value, str) and _SECRET_KEY.search(key)
            yield f"{_key(key)} = {_value(_HIDDEN if hidden else value)}"


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _text(key)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(without_password(value))
    if isinstance(value, Mapping):
        return f"{{ {', '.join(_assignments(value))} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(each) for each in value)}]"
    return json.dumps(value) if isinstance(value, bool | int) else _number(value)


def _number(value: float) -> str:
    text = repr(float(value))
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def _text(text: str) -> str:
    # JSON's escapes are TOML's, but for the one control character that JSON leaves as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
