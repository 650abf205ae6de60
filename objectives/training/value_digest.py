"""Digests of values: two values have one digest where they are made of the same things, whatever their `repr` says."""

import enum
import functools
import sys
import threading
import types
import weakref
from collections import deque
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from hashlib import blake2b
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from tuner.objectives.architectures._layers import Batchable

PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), range)


_IN_WORDS = (torch.dtype, torch.device, torch.Size, torch.layout, torch.memory_format, np.dtype, Path)


_BY_TYPE = (RemovableHandle, weakref.ReferenceType, threading.local)
"""What points elsewhere and is counted anew in every model."""


_LIBRARIES = frozenset({"torch", "numpy", "tuner"})


_MOST_OF_A_GLOBAL = 1000


class IncomparableError(Exception):
    """A value that cannot be compared with another, so models that hold it cannot be batched."""


def is_library(value: type | types.FunctionType) -> bool:
    """Whether a class or function comes with Python, torch, NumPy or the tuner: its name says all."""
    package = (value.__module__ or "").partition(".")[0]
    return package in _LIBRARIES or package in sys.stdlib_module_names


@final
class Digester:
    """Digests values; those it has met before it knows."""

    def __init__(self, model: nn.Module) -> None:
        self._known: dict[int, str] = {}
        self._kept: list[Any] = []  # an id is a value's as long as it lives
        self._open: set[int] = set()
        self._layers = {id(layer): name for name, layer in model.named_modules()}
        self._tensors: dict[int, str] = {}
        for name, tensor in (*model.named_parameters(), *model.named_buffers()):
            self._tensors.setdefault(id(tensor), name)
        self._batchable = {
            id(inner) for layer in model.modules() if isinstance(layer, Batchable) for inner in layer.modules()
        }

    def knows_cohorts(self, layer: nn.Module) -> bool:
        """Whether the layer is made for cohorts, or part of one that is."""
        return id(layer) in self._batchable

    def tensor_slot(self, tensor: Tensor | None, kind: str, key: str, layer: nn.Module) -> str:
        """Return the digest of a registered tensor without its values."""
        if tensor is None:
            return "None"
        lasting = key not in vars(layer)["_non_persistent_buffers_set"]
        flags = (kind, str(tensor.dtype), tuple(tensor.shape), tensor.requires_grad, lasting, self._tensors[id(tensor)])
        return self._mixed("tensor", repr(flags), self.digest(type(tensor)), self.digest(dict(vars(tensor))))

    def digest(self, value: Any) -> str:
        """Return the digest of any value; raises `IncomparableError` where it cannot be looked into."""
        if isinstance(value, PLAIN) and type(value) in PLAIN:
            return f"{type(value).__name__} {value!r}"
        if id(value) in self._known:
            return self._known[id(value)]
        if id(value) in self._open:
            return f"the {type(value).__name__} that it is in"
        self._open.add(id(value))
        try:
            found = self._of(value)
        finally:
            self._open.discard(id(value))
        self._known[id(value)] = found
        self._kept.append(value)
        return found

    def _of(self, value: Any) -> str:  # noqa: C901, PLR0911, PLR0912 - one line for each kind of value
        if isinstance(value, Tensor):
            return self._tensor(value)
        if isinstance(value, nn.Module) and id(value) in self._layers:
            return f"layer {self._layers[id(value)]!r}"
        if isinstance(value, _IN_WORDS):
            return f"{type(value).__name__} {value}"
        if isinstance(value, _BY_TYPE):
            return type(value).__name__
        if isinstance(value, torch.Generator):
            return self._mixed("generator", value.get_state().numpy().tobytes().hex())
        if isinstance(value, np.ndarray | np.generic):
            return self._array(np.asarray(value))
        if isinstance(value, enum.Enum):
            return f"{self.digest(type(value))} {value.name}"
        if isinstance(value, types.ModuleType):
            return f"module {value.__name__}"
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, types.MethodType):
            return self._mixed("method", self.digest(value.__func__), self.digest(value.__self__))
        if isinstance(value, types.CodeType):
            return self._code(value)
        if isinstance(value, property):
            return self._mixed("property", *map(self.digest, (value.fget, value.fset, value.fdel)))
        if isinstance(value, staticmethod | classmethod):
            return self._mixed(type(value).__name__, self.digest(value.__func__))
        return self._container(value) or self._object(value)

    def _container(self, value: Any) -> str | None:
        kind = self.digest(type(value)) if type(value).__module__ != "builtins" else type(value).__name__
        if isinstance(value, list | tuple | deque):
            return self._mixed(kind, *map(self.digest, value), self._beside(value))
        if isinstance(value, AbstractSet):
            return self._mixed(kind, *sorted(map(self.digest, value)), self._beside(value))
        if isinstance(value, Mapping):
            items = (self.digest(each) for item in value.items() for each in item)
            return self._mixed(kind, *items, self._beside(value))
        return None

    def _beside(self, value: Any) -> str:
        """Return the digest of what a container keeps beside its items."""
        return self.digest(dict(vars(value))) if getattr(value, "__dict__", None) else ""

    def _object(self, value: Any) -> str:
        """Return the digest of an object: of its class and what it keeps, or of what would make it again."""
        kind = type(value)
        kept = {**(vars(value) if hasattr(value, "__dict__") else {}), **in_slots(value)}
        try:
            made_of = value.__reduce_ex__(4)  # what a copy is made of, where that is more than what Python sees
        except Exception as error:
            if not kept:
                raise IncomparableError(f"of type {kind.__name__}, which cannot be compared") from error
            return self._mixed("object", self.digest(kind), self.digest(kept))
        if isinstance(made_of, str):
            return f"{kind.__name__} {made_of}"
        function, arguments, *rest = made_of
        parts = [list(each) if isinstance(each, Iterator) else each for each in rest]
        return self._mixed("object", *map(self.digest, (kind, kept, function, arguments, parts)))

    def _tensor(self, tensor: Tensor) -> str:
        if id(tensor) in self._tensors:
            return f"tensor {self._tensors[id(tensor)]!r}"
        try:
            content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        except (RuntimeError, TypeError, NotImplementedError) as error:
            raise IncomparableError("that is a tensor of a kind which cannot be compared") from error
        flags = (str(tensor.dtype), tuple(tensor.shape), tensor.requires_grad)
        return self._mixed("values", repr(flags), blake2b(content, digest_size=16).hexdigest())

    def _array(self, array: np.ndarray[Any, Any]) -> str:
        if array.dtype.hasobject:
            return self._mixed("array", *map(self.digest, array.reshape(-1).tolist()))
        content = blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16).hexdigest()
        return self._mixed("array", str(array.dtype), repr(array.shape), content)

    def _class(self, kind: type) -> str:
        name = f"{kind.__module__}.{kind.__qualname__}"
        if is_library(kind) and _is_importable(kind):
            return f"class {name}"
        own = [(key, each) for key, each in vars(kind).items() if not _is_of_every_class(key, each)]
        keys = (self._mixed(key, self._leniently(each)) for key, each in own)
        return self._mixed("class", name, *map(self.digest, kind.__bases__), *keys)

    def _leniently(self, value: Any) -> str:
        """Return the digest of what a class keeps: where it cannot be looked into, it is the same in every model."""
        try:
            return self.digest(value)
        except IncomparableError:
            return type(value).__name__

    def _function(self, function: types.FunctionType) -> str:
        known = is_library(function)
        if known and _is_importable(function):
            return f"function {function.__module__}.{function.__qualname__}"
        closure = [_content(cell) for cell in function.__closure__ or ()]
        names = frozenset() if known else _names(function.__code__)
        read = {name: function.__globals__[name] for name in sorted(names) if name in function.__globals__}
        plain = {name: each for name, each in read.items() if _is_worth_comparing(each)}
        kept = (function.__defaults__, function.__kwdefaults__, closure, dict(vars(function)), plain)
        return self._mixed("function", self.digest(function.__code__), *map(self.digest, kept))

    def _code(self, code: types.CodeType) -> str:
        # Not the file and its lines: a function can be defined in two places.
        constants = (self.digest(each) for each in code.co_consts)
        return self._mixed("code", code.co_code.hex(), repr(code.co_names), repr(code.co_varnames), *constants)

    @staticmethod
    def _mixed(*parts: str) -> str:
        return blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def in_slots(value: Any) -> dict[str, Any]:
    """Return the attributes that an object keeps in `__slots__`."""
    given = [vars(base).get("__slots__", ()) for base in type(value).__mro__]
    names = [name for each in given for name in ((each,) if isinstance(each, str) else each)]
    known = [name for name in names if name not in {"__dict__", "__weakref__"} and hasattr(value, name)]
    return {name: getattr(value, name) for name in known}


def _is_of_every_class(key: str, value: Any) -> bool:
    """Whether Python itself adds this entry to the dict of every class."""
    descriptors = types.GetSetDescriptorType | types.MemberDescriptorType
    return isinstance(value, descriptors) or key in {
        "__module__",
        "__dict__",
        "__weakref__",
        "__doc__",
        "__annotations__",
        "__firstlineno__",
        "__static_attributes__",
        "__abstractmethods__",
        "__slotnames__",
        "_abc_impl",
        "__parameters__",
        "__orig_bases__",
    }


def _is_importable(value: types.FunctionType | type) -> bool:
    found: Any = sys.modules.get(value.__module__)
    for part in value.__qualname__.split("."):
        found = getattr(found, part, None)
    return found is value


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing was put into it yet
        return "empty"


@functools.lru_cache(maxsize=4096)
def _names(code: types.CodeType) -> frozenset[str]:
    """Return the names that a function's code, and that of functions inside of it, may read from its globals."""
    inner = (each for each in code.co_consts if isinstance(each, types.CodeType))
    return frozenset(code.co_names).union(*map(_names, inner))


def _is_worth_comparing(value: Any) -> bool:
    """Whether a global is something that a person may set: a number, text, a small list of them, their own code."""
    if isinstance(value, PLAIN):
        return True
    if isinstance(value, list | tuple | dict | set | frozenset):
        items = [*value, *value.values()] if isinstance(value, dict) else value
        return len(value) <= _MOST_OF_A_GLOBAL and all(isinstance(each, PLAIN) for each in items)
    return isinstance(value, types.FunctionType | type) and not is_library(value)
