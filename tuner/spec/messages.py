"""What pydantic has found wrong with a study file, in words: the key, the value, what is expected, the nearest name."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from tuner.domain.errors import nearest

_KINDS = {
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "int_parsing": "is not a whole number",
    "int_parsing_size": "has too many digits",
    "float_type": "is not a number",
    "float_parsing": "is not a number",
    "string_type": "is not text",
    "bool_type": "is neither true nor false",
    "list_type": "is not a list",
    "dict_type": "is not a section",
    "model_type": "is not a section",
    "model_attributes_type": "is not a section",
}


def problem(mistake: Mapping[str, Any], content: Mapping[str, Any], known: Sequence[str]) -> str:
    """Return what is wrong in `content`, with its key; `known` are the keys that there are beside it."""
    *sections, key = path = [str(part) for part in mistake["loc"]]
    if mistake["type"] == "extra_forbidden":
        where = f" in [{'.'.join(sections)}]" if sections else ""
        return f"unknown key {key!r}{where}{nearest(key, known)} (known: {', '.join(known)})"
    if mistake["type"] == "missing":
        return f"{'.'.join(path)}: is missing"
    return f"{'.'.join(key_path(path, content))}: {sentence(mistake)}"


def place(problem_path: Sequence[str], where: str, overrides: Collection[str]) -> str:
    """Return where the key was given: in one of the `overrides`, which are key paths, or else in the file `where`."""
    given = next((each for each in overrides if each.split(".")[: len(problem_path)] == [*problem_path]), None)
    return where if given is None else f"override {given}"


def key_path(path: Sequence[str], content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the parts of the path that are keys; pydantic adds positions in lists."""
    here: Any = content
    for part in path:
        if not isinstance(here, Mapping) or part not in here:
            return
        here = here[part]
        yield part


def sentence(mistake: Mapping[str, Any]) -> str:
    """Return what pydantic has found wrong with a value, in words."""
    given = repr(mistake["input"])
    context = mistake.get("ctx", {})
    match mistake["type"]:
        case "literal_error" | "enum":
            expected = str(context["expected"])
            words = re.findall(r"'(\w+)'", expected)
            return f"{given} is not {expected}{nearest(str(mistake['input']), words)}"
        case "greater_than_equal":
            return f"{given} is below {context['ge']:g}"
        case "greater_than":
            return f"{given} is not above {context['gt']:g}"
        case "value_error":
            return f"{given} {context['error']}"
        case kind:
            return f"{given} {_KINDS.get(kind, mistake['msg'])}"
