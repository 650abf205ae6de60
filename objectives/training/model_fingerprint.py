"""Traits of a model: all but the values of its tensors. Models with equal traits can share one forward pass.

A trait is a digest of everything that a layer was given: its class, the shapes and flags of its tensors, its
attributes, its hooks with the numbers that they close over, what its class keeps, and the plain globals that its code
reads. Two values have one digest where they have equal contents, whatever their `__eq__` and `repr` return.
"""

import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor, nn

from tuner.objectives.training.value_digest import PLAIN, Digester, IncomparableError, in_slots, is_library

Place = tuple[str, str]
"""A layer by its name, and what of it."""

_CLASS = "its class"
_COLUMN = "a number of its own"

_OF_EVERY_MODULE = frozenset(vars(nn.Module()))
_HOOKS = frozenset(name for name in _OF_EVERY_MODULE if name.endswith("_hooks"))


def traits_of(model: nn.Module, columns: Collection[Place] = ()) -> Mapping[Place, str]:
    """Return the digest of everything that models have to have in common, by place; of `columns` it is their kind.

    Raises `IncomparableError` with the place of a value that cannot be looked into.
    """
    reader = Digester(model)
    found: dict[Place, str] = {}
    for name, layer in model.named_modules():
        if isinstance(layer, torch.jit.ScriptModule):
            raise IncomparableError(
                f"{layer_in_words(name)} is compiled by torch.jit, which cannot be run for many at once"
            )
        for what, value in _parts(layer, reader, frozenset(key for each, key in columns if each == name)):
            try:
                found[name, what] = value()
            except IncomparableError as error:
                raise IncomparableError(f"{in_words((name, what))} {error}") from error
    return found


def digest_of(traits: Mapping[Any, str]) -> str:
    """Return one digest of all traits: models with the same one can share a forward pass."""
    text = "\n".join(f"{place}: {digest}" for place, digest in traits.items())
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def difference(traits: Mapping[Place, str], others: Mapping[Place, str]) -> str | None:
    """Return the first place, in words, where two models differ; None where they do not."""
    places = dict.fromkeys([*traits, *others])
    return next((in_words(place) for place in places if traits.get(place) != others.get(place)), None)


def in_words(place: Place) -> str:
    """Return a place as part of a sentence."""
    name, what = place
    return f"{layer_in_words(name)} has {what}"


def layer_in_words(name: str) -> str:
    """Return what a layer is called in a sentence."""
    return f"layer {name!r}" if name else "the model"


@contextmanager
def plain_globals_kept(module: str) -> Iterator[None]:
    """Leave the numbers and texts in classes of models, and among the globals of this module, as they were.

    A model that is built to be looked at must not change what others, in training, compute with.
    """
    owners: list[Any] = [kind for kind in _kinds_of_model(nn.Module) if not is_library(kind)]
    owners += [sys.modules[name] for name in {module, *(kind.__module__ for kind in owners)} if name in sys.modules]
    before: list[dict[str, Any]] = [
        {key: value for key, value in vars(owner).items() if isinstance(value, PLAIN)} for owner in owners
    ]
    try:
        yield
    finally:
        for owner, values in zip(owners, before, strict=True):
            now = vars(owner)
            for key, value in values.items():
                if key in now and now[key] is not value and isinstance(now[key], PLAIN):
                    setattr(owner, key, value)


def _kinds_of_model(kind: type) -> Iterator[type]:
    inner: type
    for inner in kind.__subclasses__():
        yield inner
        yield from _kinds_of_model(inner)


def _parts(layer: nn.Module, reader: "Digester", columns: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Yield the comparable parts of a layer, with functions that return the digests."""
    knowing = reader.knows_cohorts(layer)
    yield _CLASS, lambda: reader.digest(type(layer))
    for kind in ("parameter", "buffer"):
        tensors: Mapping[str, Tensor | None] = getattr(layer, f"_{kind}s")
        for key, tensor in tensors.items():
            yield (
                f"a {kind} {key!r}",
                lambda tensor=tensor, kind=kind, key=key: reader.tensor_slot(tensor, kind, key, layer),
            )
    yield "its layers", lambda: repr([key for key, _ in layer.named_children()])
    for hooks in sorted(_HOOKS):
        known = vars(layer).get(hooks)
        if known:
            yield f"a hook in {hooks}", lambda known=known: reader.digest(list(known.values()))
    if knowing:  # what it computes with under vmap are its tensors
        return
    for key, value in _attributes(layer):
        yield f"an attribute {key!r}", lambda value=value, key=key: _COLUMN if key in columns else reader.digest(value)


def _attributes(layer: nn.Module) -> Iterator[tuple[str, Any]]:
    for key, value in vars(layer).items():
        if key not in _OF_EVERY_MODULE:
            yield key, value
    yield from in_slots(layer).items()
