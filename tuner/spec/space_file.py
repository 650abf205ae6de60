"""Search spaces as TOML: every parameter, branch and rule that a space in Python can have, and all mistakes at once.

A parameter is a table with its kind, or short for one:

```toml
lr = {float = [1e-4, 1e-1], log = true, default = 1e-3}
depth = {int = [1, 3]}
batch_size = [32, 64, 128]                  # short for {choice = [32, 64, 128]}

[optimizer.choice.adamw]                    # branches: their parameters exist where they are chosen
weight_decay = {float = [1e-6, 1e-1], log = true}
[optimizer.choice.sgd]

[[rules]]
require = "depth * batch_size <= 256"
why = "more does not fit"
```
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, final

from tuner.domain.choice import Choice
from tuner.domain.config import Scalar
from tuner.domain.config_path import config_paths
from tuner.domain.errors import ConfigurationError, SearchSpaceError, nearest
from tuner.domain.expression import Expression
from tuner.domain.number import Float, Int
from tuner.domain.parameter import NotGiven, Parameter
from tuner.domain.search_space import SearchSpace
from tuner.system.untrusted_files import text_of

SUFFIX = ".toml"
"""What distinguishes the path of a search space from the name of one."""

RULES = "rules"

_RANGES: Mapping[str, type[Float | Int]] = {"float": Float, "int": Int}
_KEYS = {
    "float": ("float", "log", "step", "default", "prior"),
    "int": ("int", "log", "step", "default", "prior"),
    "choice": ("choice", "values", "default", "prior"),
}
_RULE_KEYS = ("require", "why")
_DEEPEST = 50
_HOW = "write it as {float = [0.0, 1.0]}, {int = [1, 3]}, {choice = [...]}, or as a list of values"


def is_space_file(reference: object) -> bool:
    """Whether a study's `search_space` is the path of a file, and not a name."""
    return isinstance(reference, str) and reference.endswith(SUFFIX)


def read_space_file(path: Path) -> SearchSpace:
    """Return the search space that a TOML file describes; raises `ConfigurationError` with every mistake in it."""
    try:
        content = tomllib.loads(text_of(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the search space {path} cannot be read: {error}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"the search space {path} is not TOML: {error}") from None
    return parse_space(content, path.name)


def parse_space(content: Mapping[str, Any], where: str) -> SearchSpace:
    """Return the search space that `content` describes; raises `SearchSpaceError` with every mistake in it.

    `where` names the file in messages.
    """
    reader = _Reader()
    given = {name: value for name, value in content.items() if name != RULES or not _is_rules(value)}
    parameters = reader.tree("", given, 0)
    space: SearchSpace | None = None
    try:
        # Where all that there was is wrong, it is no news that nothing is there.
        space = SearchSpace(**parameters) if parameters or not reader.problems else None
    except SearchSpaceError as error:
        reader.problems += error.problems
    rules = content[RULES] if RULES not in given and RULES in content else []
    found = [*_rules(rules, space if not reader.problems else None, reader.problems)]
    if reader.problems or space is None:
        raise SearchSpaceError(f"{where}: {problem}" for problem in reader.problems)
    for why, expression in found:
        space.require(why, expression)
    return space


def _is_rules(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, Mapping) for each in value)


def _rules(
    rules: list[Mapping[str, Any]], space: SearchSpace | None, problems: list[str]
) -> Iterator[tuple[str, Expression]]:
    """Yield the reason and the condition of each rule; what is wrong with one is added to `problems`.

    Without a `space`, since that has mistakes, parameters that are not known are none.
    """
    for index, rule in enumerate(rules):
        where = f"{RULES}[{index}]"
        problems += [
            f"{where}: unknown key {key!r}{nearest(key, _RULE_KEYS)} (known: {', '.join(_RULE_KEYS)})"
            for key in rule
            if key not in _RULE_KEYS
        ]
        text, why = rule.get("require"), rule.get("why", rule.get("require"))
        if not isinstance(text, str) or not isinstance(why, str) or not why.strip():
            key = "why" if isinstance(text, str) else "require"
            problems.append(f"{where}.{key}: {'is missing' if key not in rule else f'{rule[key]!r} is not text'}")
            continue
        try:
            if space is not None:
                yield why, Expression.parse(text, config_paths(space))
        except ValueError as error:
            problems += [f"{where}.require: {text!r}: {line}" for line in str(error).splitlines()]


@final
class _Reader:
    """Reads parameters, and collects what is wrong with those that cannot be built."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def tree(self, prefix: str, content: Mapping[str, Any], depth: int) -> dict[str, Parameter]:
        """Return the parameters of the space, or of a branch, that can be built."""
        if depth > _DEEPEST:
            self.problems.append(f"{prefix[:50]}...: is nested too deeply")
            return {}
        found = {name: self._parameter(f"{prefix}{name}", value, depth) for name, value in content.items()}
        return {name: parameter for name, parameter in found.items() if parameter is not None}

    def _parameter(self, path: str, value: Any, depth: int) -> Parameter | None:
        if isinstance(value, list):
            return self._choice(path, {"choice": value}, depth)
        if not isinstance(value, Mapping):
            return self._choice(path, {"choice": [value]}, depth)
        kinds = [kind for kind in _KEYS if kind in value]
        if len(kinds) != 1:
            meant = next(filter(None, (nearest(key, _KEYS) for key in value if not kinds)), "")
            which = "has no kind" if not kinds else f"has {len(kinds)} kinds, {' and '.join(kinds)}"
            self.problems.append(f"{path}: {which}{meant}; {_HOW}")
            return None
        (kind,) = kinds
        unknown = [key for key in value if key not in _KEYS[kind]]
        self.problems += [
            f"{path}: unknown key {key!r}{nearest(key, _KEYS[kind])} (known: {', '.join(_KEYS[kind])})"
            for key in unknown
        ]
        known = {key: inner for key, inner in value.items() if key not in unknown}
        return self._choice(path, known, depth) if kind == "choice" else self._range(path, kind, known)

    def _range(self, path: str, kind: str, content: Mapping[str, Any]) -> Parameter | None:
        bounds = content[kind]
        if not isinstance(bounds, list) or len(bounds) != 2:  # noqa: PLR2004 - a range has two ends
            self.problems.append(f"{path}: {kind} is {bounds!r}, not the two ends of a range, [low, high]")
            return None
        options = {key: inner for key, inner in content.items() if key != kind}
        return _RANGES[kind](*bounds, **options)

    def _choice(self, path: str, content: Mapping[str, Any], depth: int) -> Parameter | None:
        values: Any = content["choice"]
        branches: Mapping[str, Any] = {}
        if isinstance(values, Mapping):
            values, branches = content.get("values", []), values
        elif "values" in content:
            self.problems.append(f"{path}: values are for a choice of branches, which this is not")
            return None
        if not isinstance(values, list):
            self.problems.append(f"{path}: {values!r} is not a list of values")
            return None
        wrong = [f"{path}.{name}: is not a table of parameters" for name in branches if not _is_table(branches[name])]
        keywords = [key for key in ("default", "prior") if key in branches and (key == "default" or key in content)]
        wrong += [f"{path}.{key}: no branch can be called so" for key in keywords]
        if wrong:
            self.problems += wrong
            return None
        trees = {name: self.tree(f"{path}.{name}.", branch, depth + 1) for name, branch in branches.items()}
        given = {key: _scalar(content.get(key, NotGiven.NOT_GIVEN)) for key in ("default", "prior")}
        return Choice(*map(_scalar, values), **{**given, **trees})


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _scalar(value: Any) -> Any:
    """Return a value of a choice; TOML has no word for None, which is `{none = true}`."""
    return None if value == {"none": True} else value


def space_text(space: SearchSpace) -> str:
    """Return the search space as a TOML file that describes the same.

    Raises `ConfigurationError` for what no file can say: a rule that is a function.
    """
    functions = [rule.reason for rule in space.rules if not isinstance(rule.holds, Expression)]
    problems = [f"the rule {reason!r} is a function in Python; write it as an expression" for reason in functions]
    if RULES in space.tree and space.rules:
        problems.append(f"a parameter is called {RULES!r}, which stands for the rules")
    if problems:
        raise ConfigurationError(f"the search space cannot be written as TOML: {problem}" for problem in problems)
    lines = [*_table((), space.tree)]
    for rule in space.rules:
        lines += ["", f"[[{RULES}]]", f"require = {_toml(str(rule.holds))}"]
        lines += [f"why = {_toml(rule.reason)}"] if rule.reason != str(rule.holds) else []
    return "\n".join(lines).lstrip("\n") + "\n"


def _table(path: tuple[str, ...], tree: Mapping[str, Parameter]) -> Iterator[str]:
    """Yield the lines of a table of parameters, those without branches first: what follows belongs to other tables."""
    plain = {name: each for name, each in tree.items() if not _has_branches(each)}
    if path and (plain or not tree):
        yield from ("", f"[{'.'.join(map(_key, path))}]")
    for name, parameter in plain.items():
        yield f"{_key(name)} = {_inline(parameter)}"
    for name, parameter in tree.items():
        if name not in plain and isinstance(parameter, Choice):
            yield from _branches((*path, name), parameter)


def _branches(path: tuple[str, ...], choice: Choice) -> Iterator[str]:
    assert choice.branches is not None  # as `_has_branches` says
    values = [value for value in choice.branches if not isinstance(value, str)]
    head = {"values": _toml(values)} if values else {}
    head |= _said(choice)
    if head:
        yield from ("", f"[{'.'.join(map(_key, path))}]", *(f"{key} = {value}" for key, value in head.items()))
    for name, branch in choice.branches.items():
        if isinstance(name, str):
            yield from _table((*path, "choice", name), branch)


def _has_branches(parameter: Parameter) -> bool:
    return isinstance(parameter, Choice) and parameter.branches is not None


def _inline(parameter: Parameter) -> str:
    if isinstance(parameter, Choice):
        values = _toml(list(parameter.options))
        said = "".join(f", {key} = {value}" for key, value in _said(parameter).items())
        return f"{{choice = {values}{said}}}" if said else values
    assert isinstance(parameter, Float | Int)  # there are no others
    kind = "float" if isinstance(parameter, Float) else "int"
    words = [f"{kind} = {_toml([parameter.low, parameter.high])}"]
    words += ["log = true"] if parameter.log else []
    words += [f"step = {_toml(parameter.step)}"] if parameter.step is not None else []
    words += [f"default = {_toml(parameter.given)}"] if parameter.given is not None else []
    words += [f"prior = {_toml(parameter.prior)}"] if parameter.prior is not None else []
    return f"{{{', '.join(words)}}}"


def _said(choice: Choice) -> dict[str, str]:
    """Return the default and the prior of a choice as TOML, without what is so anyway."""
    anyway = choice.options[0] if isinstance(choice.prior, NotGiven) else choice.prior
    said = {} if choice.default == anyway and type(choice.default) is type(anyway) else {"default": choice.default}
    if not isinstance(choice.prior, NotGiven):
        said["prior"] = choice.prior
    return {key: _toml(value) for key, value in said.items()}


def _toml(value: Scalar | list[Any]) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if value is None:
        return "{none = true}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    text = repr(value)
    return text if not isinstance(value, float) or any(mark in text for mark in ".ein") else f"{text}.0"


def _quoted(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
    return (
        '"'
        + "".join(escapes.get(each) or (each if each.isprintable() else f"\\U{ord(each):08X}") for each in text)
        + '"'
    )


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)
