"""What is given beside a study file: options, arguments, `--set key.path=value`."""

import tomllib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, TypedDict

from tuner.domain.constraint import Constraint
from tuner.domain.errors import ConfigurationError, Mistakes, nearest
from tuner.domain.fidelity import AMOUNT, UNIT, UNIT_KEYS
from tuner.domain.study import Direction

_Direction = Literal["maximize", "minimize"]

KEY_PATHS = {
    "name": "name",
    "trials": "budget.trials",
    "epochs": "budget.epochs",
    "steps": "budget.steps",
    "tokens": "budget.tokens",
    "examples": "budget.examples",
    "unit": "budget.unit",
    "amount": "budget.amount",
    "time": "budget.time",
    "target_value": "budget.target",
    "patience": "budget.patience",
    "until": "budget.until",
    "retries": "retries",
    "seed": "seed",
    "sampler": "sampler",
    "scheduler": "scheduler",
    "executor": "executor",
    "warm_start": "warm_start",
    "start": "start",
    "cohort": "resources.cohort",
    "parallel": "resources.parallel",
    "address": "cluster.address",
    "confirm": "confirm.run",
    "space": "search_space",
    "metric": "metric",
    "direction": "direction",
    "metrics": "metrics",
    "directions": "directions",
    "constraints": "constraints",
}
"""The key paths of what can be given beside a study file, by the words that people use."""


class Overrides(TypedDict, total=False):
    """What can be given beside a study file, as type checkers and editors know it; None is as good as nothing."""

    name: str | None
    trials: int | None
    epochs: int | None
    steps: int | None
    tokens: int | None
    examples: int | None
    unit: str | None
    amount: int | None
    time: float | str | None
    target_value: float | Literal["none"] | None
    patience: int | Literal["none"] | None
    until: Literal["trials", "no gain"] | None
    retries: int | None
    seed: int | None
    sampler: str | dict[str, Any] | None
    scheduler: str | dict[str, Any] | None
    executor: str | None
    warm_start: str | list[str] | tuple[str, ...] | None
    start: Sequence[Mapping[str, Any]] | None
    cohort: int | Literal["auto"] | None
    parallel: int | Literal["auto"] | None
    address: str | None
    confirm: bool | Literal["auto"] | None
    space: str | None
    metric: str | None
    direction: _Direction | None
    metrics: list[str] | None
    directions: list[_Direction] | None
    constraints: list[str] | None


def key_paths(overrides: Mapping[str, Any], mistakes: Mistakes | None = None) -> dict[str, Any]:
    """Return the overrides by their key paths.

    Raises `ConfigurationError` for words that have none, or collects them in `mistakes`.
    """
    found = mistakes or Mistakes()
    unknown = [word for word in overrides if word not in KEY_PATHS]
    found.add(f"unknown override {word!r}{nearest(word, KEY_PATHS)}" for word in unknown)
    if mistakes is None:
        found.raise_all()
    return {KEY_PATHS[word]: value for word, value in overrides.items() if word in KEY_PATHS}


def given_paths(overrides: Mapping[str, Any], mistakes: Mistakes) -> dict[str, Any]:
    """Return the overrides that are given, which None is not, by their key paths."""
    return key_paths({word: plain(value) for word, value in overrides.items() if value is not None}, mistakes)


def plain(value: Any) -> Any:
    """Return the value as a study file would say it, without tuples, constraints, enums and NumPy's numbers."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, Constraint):
        return str(value)
    if isinstance(value, Direction):
        return value.value
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    return value


def words_of(paths: Collection[str]) -> dict[str, str]:
    """Return what the keys of the study file among `paths` are called as arguments."""
    return {path: word for word, path in KEY_PATHS.items() if path in paths}


def parse_override(text: str) -> tuple[str, Any]:
    """Return the key path and value of `key.path=value`; a value is TOML, or else text as it is.

    >>> parse_override("budget.trials=8"), parse_override("metric=f1")
    (('budget.trials', 8), ('metric', 'f1'))
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigurationError(f"--set {text!r} has no value", hint="write --set key.path=value")
    try:
        return key.strip(), tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        return key.strip(), value.strip()


def overridden(content: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a study file with values by key path, such as `budget.trials`, in the place of its own."""
    return _merged(_without_displaced(content, overrides), overrides)


def _merged(content: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    merged = {key: dict(value) if isinstance(value, Mapping) else value for key, value in content.items()}
    for path, value in overrides.items():
        *sections, key = path.split(".")
        target: Any = merged
        for section in sections:
            inner = target.get(section)
            # `sampler = "tpe"` is short for a section: an option set beside it keeps the name.
            target[section] = dict(inner) if isinstance(inner, Mapping) else {"name": inner} if inner else {}
            target = target[section]
        target[key] = _replaced(target.get(key), value)
    return merged


def _replaced(section: Any, value: Any) -> Any:
    """Return `value`; but a section stays with its options where `value` is the name it has already."""
    return section if isinstance(section, Mapping) and section.get("name") == value else value


def _without_displaced(content: Mapping[str, Any], overrides: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the content without the metrics, and the budget's unit, that the overrides give others in place of."""
    displaced = {"metrics": ("metric", "direction"), "metric": ("metrics", "directions")}
    gone = {key for given, keys in displaced.items() if given in overrides for key in keys}
    if overrides.get("metric", content.get("metric")) != content.get("metric"):
        gone.add("direction")  # it was that of another metric
    kept = {key: value for key, value in content.items() if key not in gone}
    given = [key for key in UNIT_KEYS if f"budget.{key}" in overrides]
    # A longer amount leaves the unit, which it is counted in.
    others = set(UNIT_KEYS) - ({UNIT} if given == [AMOUNT] else set())
    if isinstance(kept.get("budget"), Mapping) and given:
        kept["budget"] = {key: value for key, value in kept["budget"].items() if key not in others}
    return kept
