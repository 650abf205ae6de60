"""A configuration that records which values are read: two that agree in those build the same model."""

from collections.abc import Hashable, ItemsView, Iterator, KeysView, Mapping, ValuesView
from typing import Any, final

from tuner.domain.config import Config

Path = tuple[Any, ...]
"""The keys that lead to a value, or to a part of a configuration."""

_ABSENT = "nothing is there"


@final
class Watched(Config):  # type: ignore[misc]  # it is used as a Config
    """A `Config` that notes in `seen` the path of every value that is asked for, and of every part gone over."""

    __slots__ = ("_path", "_seen")

    def __init__(self, config: Config, seen: dict[Path, None], path: Path = ()) -> None:
        inner = {key: Watched(each, seen, (*path, key)) for key, each in config.items() if isinstance(each, Config)}
        dict.__init__(self, {**config, **inner})
        self._seen = seen
        self._path = path

    def __getitem__(self, key: str) -> Any:
        return self._noted(key, super().get(key)) if dict.__contains__(self, key) else self._missing(key)

    def get(self, key: str, default: Any = None) -> Any:
        return self._noted(key, super().get(key, default))

    def __contains__(self, key: object) -> bool:
        self._noted(key, None)
        return dict.__contains__(self, key)

    def __iter__(self) -> Iterator[str]:
        self._all()
        return super().__iter__()

    def __reversed__(self) -> Iterator[str]:
        self._all()
        return super().__reversed__()

    def keys(self) -> KeysView[str]:  # type: ignore[override]
        self._all()
        return Config(self._plain()).keys()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        self._all()
        return self._plain().values()

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        self._all()
        return self._plain().items()

    def copy(self) -> dict[str, Any]:
        self._all()
        return self._plain()

    def __len__(self) -> int:
        self._all()
        return super().__len__()

    def __repr__(self) -> str:
        self._all()
        return repr(self._plain())

    def __eq__(self, other: object) -> bool:
        self._all()
        return self._plain() == other

    __hash__ = None  # type: ignore[assignment]  # as of every dict

    def __or__(self, other: Any) -> Any:
        self._all()
        return self._plain() | other

    def __ror__(self, other: Any) -> Any:
        self._all()
        return other | self._plain()

    def __reduce__(self) -> tuple[type[Config], tuple[dict[str, Any]]]:
        self._all()
        return Config, (self._plain(),)

    def _noted(self, key: object, value: Any) -> Any:
        if not isinstance(value, Watched):  # what is read of a part, it notes itself
            self._seen[*self._path, key] = None
        return value

    def _missing(self, key: str) -> Any:
        self._seen[*self._path, key] = None
        raise KeyError(key)

    def _all(self) -> None:
        self._seen[self._path] = None

    def _plain(self) -> dict[str, Any]:
        pairs = zip(dict.__iter__(self), dict.values(self), strict=True)
        plain = {}
        for key, each in pairs:
            plain[key] = Config(each._plain()) if isinstance(each, Watched) else each  # noqa: SLF001 - its own
        return plain


def values_at(config: Config, paths: tuple[Path, ...]) -> Hashable:
    """Return the values of a configuration at these paths."""
    return tuple(hashable(_at(config, path)) for path in paths)


def hashable(value: Any) -> Hashable:
    """Return what equal values have in common, and others have not."""
    if isinstance(value, Mapping):
        return tuple((key, hashable(each)) for key, each in value.items())
    if isinstance(value, tuple):
        return tuple(map(hashable, value))
    return type(value), value


def _at(config: Any, path: Path) -> Any:
    for key in path:
        if not isinstance(config, Config) or key not in config:
            return _ABSENT
        config = config[key]
    return config
