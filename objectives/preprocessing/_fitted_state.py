"""State of a fitted transformer as plain values, which can be stored without pickle."""

from collections.abc import Mapping
from typing import Any

import numpy as np


def learned(transformer: Any) -> dict[str, Any]:
    """Return all that fitting has given a transformer: arrays, numbers, text, and a dict for one inside of it."""
    chosen = transformer.get_params() if hasattr(transformer, "get_params") else {}
    return {name: _plain(value) for name, value in vars(transformer).items() if name not in chosen}


def teach(transformer: Any, state: Mapping[str, Any]) -> None:
    """Give a fresh transformer what another one of its kind had learned.

    Raises `ValueError` where that cannot be its state. No name in `state` is looked up anywhere but in it.
    """
    for name, value in state.items():
        if hasattr(type(transformer), name):
            raise ValueError(f"{name!r} is nothing that a {type(transformer).__name__} learns")
        if isinstance(value, Mapping) and "dtype" not in value:
            teach(getattr(transformer, name), value)
        else:
            setattr(transformer, name, np.dtype(value["dtype"]) if isinstance(value, Mapping) else value)


def _plain(value: Any) -> Any:
    if hasattr(value, "transform"):
        return learned(value)
    return {"dtype": value.str} if isinstance(value, np.dtype) else value
