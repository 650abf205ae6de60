"""Component registries and defaults: which catalogue each part of a configuration is chosen from.

Nothing here imports torch or scikit-learn until a member is built, so the driver can ask.
"""

import ast
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, final

from tuner.objectives._tasks import Task
from tuner.registry.catalogue import Catalogue

DATASETS = Catalogue("tuner.objectives.datasets", "dataset")

GRAPHS = Catalogue("tuner.objectives.graphs", "graph")

PARTS: Mapping[str, Catalogue] = MappingProxyType(
    {
        "architecture": Catalogue("tuner.objectives.architectures", "architecture"),
        "loss": Catalogue("tuner.objectives.losses", "loss"),
        "optimizer": Catalogue("tuner.objectives.optimizers", "optimizer"),
        "lr_schedule": Catalogue("tuner.objectives.lr_schedules", "lr_schedule"),
        "cleaning": Catalogue("tuner.objectives.preprocessing.cleaning", "cleaning"),
        "transformation": Catalogue("tuner.objectives.preprocessing.transformations", "transformation"),
        "scaling": Catalogue("tuner.objectives.preprocessing.scalings", "scaling"),
        "encoding": Catalogue("tuner.objectives.preprocessing.encodings", "encoding"),
        "number_encoding": Catalogue("tuner.objectives.preprocessing.number_encodings", "number encoding"),
    }
)
"""What a configuration can choose, by the key it is chosen under."""

ADAPTERS = Catalogue("tuner.objectives.adapters", "adapter")

PARAMETRISATIONS = Catalogue("tuner.objectives.parametrisations", "parametrisation")

PREPROCESSING = ("cleaning", "transformation", "scaling")
"""The kinds of preprocessing steps, in the order they are taken."""

SHORTHANDS: Mapping[str, str] = MappingProxyType({"preprocessing": "scaling"})
"""Keys that mean another one."""

BATCH_SIZE = "batch_size"
DEFAULT_BATCH_SIZE = 64

CLASS_WEIGHTS = "class_weights"
BALANCED = "balanced"
WEIGHTINGS = ("none", BALANCED)
"""Whether all examples weigh the same in training, or all classes do."""

_DEFAULTS = {
    "architecture": "mlp",
    "optimizer": "adamw",
    "lr_schedule": "constant",
    "cleaning": "median",
    "transformation": "none",
    "scaling": "standard",
    "encoding": "one_hot",
    "number_encoding": "plain",
}
_DEFAULT_LOSSES = {Task.CLASSIFICATION: "cross_entropy", Task.REGRESSION: "mean_squared_error"}


@final
@dataclass(frozen=True, slots=True)
class Part:
    """A chosen member and the values of its fields; those not given keep the member's defaults."""

    kind: str
    name: str
    fields: tuple[tuple[str, Hashable], ...] = ()

    def build(self) -> Any:
        """Return the member itself."""
        return PARTS[self.kind][self.name](**dict(self.fields))

    def without(self, field: str) -> "Part":
        """Return the part as it is whatever the value of this field."""
        return Part(self.kind, self.name, tuple((name, value) for name, value in self.fields if name != field))


def part(config: Mapping[str, Any], kind: str, task: Task) -> Part:
    """Return what `config` chose for `kind`, as a name or as a branch with fields."""
    default = _DEFAULT_LOSSES[task] if kind == "loss" else _DEFAULTS[kind]
    keys = (kind, *(short for short, long in SHORTHANDS.items() if long == kind))
    chosen = next((config[key] for key in keys if key in config), default)
    if not isinstance(chosen, Mapping):
        return Part(kind, chosen)
    fields = {field: value for field, value in chosen.items() if field != "name"}
    return Part(kind, chosen["name"], tuple(sorted(fields.items())))


@cache
def declared(kind: str, name: str, attribute: str) -> frozenset[str]:
    """Return the enum members in a class attribute of a member, without importing it.

    >>> sorted(declared("architecture", "cnn", "inputs"))
    ['IMAGE', 'SEQUENCE']
    """
    spec = find_spec(f"{PARTS[kind].package}.{name}")
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text())
    assigned = (node for node in ast.walk(tree) if isinstance(node, ast.Assign))
    value = next(node.value for node in assigned if ast.unparse(node.targets[0]) == attribute)
    return frozenset(node.attr for node in ast.walk(value) if isinstance(node, ast.Attribute))
