"""A configuration: the nested, read-only mapping that one trial is trained with."""

from collections.abc import Mapping
from typing import Any, NoReturn, final

Scalar = bool | int | float | str | None
"""What a parameter's value can be."""


@final
class Config(dict[str, Any]):
    """A dict that cannot be changed, nested all the way down.

    A dict and not just a mapping, so that `json.dumps(config)` and `Model(**config["architecture"])` work.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__({key: _freeze(value) for key, value in values.items()})

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a config is read-only; build a new one with dict(config)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type["Config"], tuple[dict[str, Any]]]:
        return Config, (dict(self),)


def _freeze(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Config(value)
    if isinstance(value, list | tuple):
        return tuple(_freeze(item) for item in value)
    return value
