"""An exported model, loaded: nothing in its folder is executed, and nothing that it names is imported.

What it is made of is looked for among the members that ship with tuner; a person's own objective has to be given.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, final

from tuner.domain.config import Config
from tuner.domain.errors import ConfigurationError, ModelError
from tuner.domain.model import Model, SavedModel
from tuner.domain.objective import Objective
from tuner.execution.objectives import OBJECTIVES
from tuner.models.export import LIBRARIES, PREPARATION, PREPARATION_CODEC, WEIGHTS, WEIGHTS_CODEC
from tuner.models.manifest import NAME, Manifest, digest, read_manifest
from tuner.registry.import_path import resolve


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A model, what its folder says of it, and what a person should know before relying on it."""

    model: Model
    manifest: Manifest
    notes: tuple[str, ...]


def load(folder: Path, objective: str | Callable[..., Any] | None = None) -> Loaded:
    """Return the exported model in `folder`; `objective` is the class, or its name, of a model that is a person's own.

    Raises `ConfigurationError` where there is none, and `ModelError` with the file that is missing or damaged.
    """
    folder = folder.expanduser()
    if not os.path.lexists(folder / NAME):
        raise ConfigurationError(f"there is no exported model in {folder}", hint="tuner export NAME DIR writes one")
    manifest = read_manifest(folder)
    kind = _objective(folder, manifest, objective)
    saved = SavedModel(
        config=Config(manifest.config),
        settings=Config(manifest.settings),
        seed=manifest.seed,
        description=manifest.description,
        weights=_tensors(folder, manifest, WEIGHTS, WEIGHTS_CODEC),
        preparation=_tensors(folder, manifest, PREPARATION, PREPARATION_CODEC),
    )
    return Loaded(model=_restored(folder, kind, saved), manifest=manifest, notes=tuple(_notes(manifest)))


def _objective(folder: Path, manifest: Manifest, given: str | Callable[..., Any] | None) -> type[Objective]:
    name = manifest.objective
    if given is None and ":" in name:
        raise ConfigurationError(
            f"the model in {folder} is of an objective of your own, {name!r}, and an export holds no code",
            hint="give its class: tuner predict DIR FILE --objective module:Class, or "
            "tuner.load_model(DIR, objective=Class) in Python",
        )
    found: Any = OBJECTIVES[name] if given is None else given
    if isinstance(found, str):
        found = resolve(found, OBJECTIVES, Path.cwd())
    if not (isinstance(found, type) and issubclass(found, Objective)):
        raise ConfigurationError(f"{given!r} is not a class that inherits Objective, so it makes no models")
    return found


def _tensors(folder: Path, manifest: Manifest, name: str, codec: str) -> Any:
    path = folder / name
    try:
        if digest(path) != manifest.files.get(name):
            raise ModelError(f"{path} is damaged, or was changed: it is not what was exported", hint=_HINT)
        return import_module(codec).load(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror or error}", hint=_HINT) from error
    except ValueError as error:
        raise ModelError(f"{path} cannot be read: {error}", hint=_HINT) from error


def _restored(folder: Path, kind: type[Objective], saved: SavedModel) -> Model:
    try:
        return kind.restore(saved)
    except NotImplementedError:
        raise ConfigurationError(f"{kind.__name__} does not say how its models are put back (`restore`)") from None
    except (
        ConfigurationError,
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        RecursionError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        # What the parts of a model make of a description that is none.
        raise ModelError(
            f"{folder / NAME} does not describe a model that {kind.__name__} could have made: {error}",
            hint="was it exported with another version, or is it another class's?",
        ) from error


def _notes(manifest: Manifest) -> Iterator[str]:
    for library in LIBRARIES:
        then, now = manifest.versions.get(library), version(library)
        if then != now:
            yield f"exported with {library} {then}, and this is {now}: answers may differ from the study's"


_HINT = "copy or export it again"
