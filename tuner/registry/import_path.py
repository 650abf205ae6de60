"""Objects by what people call them: a shipped name, or `package.module:name` of their own."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from tuner.domain.errors import ConfigurationError, UnknownNameError, nearest
from tuner.domain.objective import SHARES_PROCESS, share_process
from tuner.registry.catalogue import Catalogue
from tuner.registry.entry_points import exclude

Port = TypeVar("Port")


def resolve(reference: str, catalogue: Catalogue, folder: Path) -> Any:
    """Return what `reference` names: a member of `catalogue`, or a `package.module:name`.

    Modules are looked for in `folder` and on the Python path. Code that is named explicitly is code the user trusts:
    its module is imported. Raises `ConfigurationError` when there is no such thing or its import fails.
    """
    if ":" not in reference:
        return _member(reference, catalogue)
    module_name, _, attribute = reference.partition(":")
    module = _module(module_name, catalogue.kind, folder)
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise _no_such_name(reference, attribute, catalogue.kind, list(vars(module))) from None


def resolve_class(reference: str, catalogue: Catalogue, port: type[Port], folder: Path) -> type[Port]:
    """Return the class that `reference` names, as `resolve` finds it.

    Raises `ConfigurationError` where it is something else than a complete class that inherits `port`.
    """
    found = resolve(reference, catalogue, folder)
    if not (isinstance(found, type) and issubclass(found, port)):
        kind = "class" if isinstance(found, type) else type(found).__name__
        raise ConfigurationError(
            f"the {catalogue.kind} {reference!r} is a {kind} that does not inherit tuner.{port.__name__}",
            hint=f"define it as: class {reference.rpartition(':')[2]}(tuner.{port.__name__}): ...",
        )
    if missing := sorted(getattr(found, "__abstractmethods__", ())):
        raise ConfigurationError(f"the {catalogue.kind} {reference!r} does not define {' and '.join(missing)}")
    return found


def is_function(reference: str | Callable[..., Any], folder: Path) -> bool:
    """Return whether `reference` names a function, found out by reading its file instead of importing it.

    A training script imports torch, which takes longer than everything else before the first trial. False where reading
    cannot tell; raises `ConfigurationError` where there is no such module.
    """
    if not isinstance(reference, str):
        return not isinstance(reference, type)
    return _definition(reference, folder) is not None


def shares_process(reference: str | Callable[..., Any], folder: Path) -> bool:
    """Return whether the function is decorated with `share_process`."""
    if not isinstance(reference, str):
        return bool(getattr(reference, SHARES_PROCESS, False))
    definition = _definition(reference, folder)
    if definition is not None:
        return bool(definition.decorator_list)
    module_name, _, attribute = reference.partition(":")
    return bool(getattr(getattr(sys.modules.get(module_name), attribute, None), SHARES_PROCESS, False))


def _definition(reference: str, folder: Path) -> ast.FunctionDef | None:
    """Return where the function is defined, plainly, or with only the decorator `share_process`; None elsewhere."""
    module_name, colon, attribute = reference.partition(":")
    if not colon or module_name in sys.modules:
        return None
    with _import_errors(module_name, folder):
        spec = _find(module_name, folder)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    try:
        tree = ast.parse(Path(spec.origin).read_bytes())
    except (SyntaxError, ValueError):
        return None  # importing it says what is wrong with it
    named = [node for node in tree.body if attribute in _bound(node)]
    if len(named) != 1 or not isinstance(named[0], ast.FunctionDef):
        return None
    decorators = [ast.unparse(each).rpartition(".")[2] for each in named[0].decorator_list]
    return named[0] if decorators in ([], [share_process.__name__]) else None


def _bound(node: ast.stmt) -> frozenset[str]:
    """Return the names that a statement may bind, those inside of functions aside."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return frozenset({node.name})
    if isinstance(node, ast.Import | ast.ImportFrom):
        return frozenset((each.asname or each.name).partition(".")[0] for each in node.names)
    return frozenset(
        each.id if isinstance(each, ast.Name) else each.name
        for each in ast.walk(node)
        if (isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))
        or isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    )


def has_module(reference: object, folder: Path) -> bool:
    """Whether `reference` is a `package.module:name` whose module, or package, lies in `folder`."""
    return _local(reference, folder) is not None


def look_in(folder: Path) -> None:
    """Let modules be imported from `folder`: last, so that none shadows a module that other code imports."""
    exclude(folder)
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def clash(reference: object, folder: Path) -> str | None:
    """Return what is to be said where the module of `reference` has the name of one that is installed."""
    local = _local(reference, folder)
    other = None if local is None else _installed(local, folder)
    if local is None or other is None:
        return None
    return (
        f"{reference} is looked for in {folder}; all else that imports {local.name!r} gets the installed one, "
        f"{other}: another name for yours avoids confusion"
    )


def _local(reference: object, folder: Path) -> ModuleSpec | None:
    if not isinstance(reference, str) or ":" not in reference:
        return None
    return PathFinder.find_spec(reference.partition(":")[0].partition(".")[0], [str(folder)])


def _installed(local: ModuleSpec, folder: Path) -> str | None:
    """Return where the installed module is whose name a person's module has; None where there is none."""
    if local.origin is None:
        return None
    if local.name in sys.builtin_module_names:
        return "a part of Python itself"
    other = PathFinder.find_spec(local.name, [path for path in sys.path if Path(path or ".").absolute() != folder])
    return None if other is None or other.origin == local.origin else other.origin


def _refuse_needed(local: ModuleSpec, folder: Path) -> None:
    """Raise `ConfigurationError` where a module in `folder` would stand in for one that tuner itself may import."""
    other = _installed(local, folder)
    if other is not None and _is_needed(local.name):
        raise ConfigurationError(
            f"{local.origin} has the name of a module that is needed here: {local.name!r} is {other}",
            hint=f"call yours differently than {local.name}",
        )


def stand_ins(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the modules in `folder` that have the names of ones that are needed here, with where those are.

    They do no harm where the folder comes last on the path, and are imported in their place where it comes first.
    """
    for path in sorted(folder.iterdir()):
        local = PathFinder.find_spec(path.name.partition(".")[0], [str(folder)])
        is_it = (
            local is not None and local.origin is not None and path in (Path(local.origin), Path(local.origin).parent)
        )
        other = _installed(local, folder) if local is not None and is_it else None
        if local is not None and other is not None and _is_needed(local.name):
            yield path, other


@cache
def _is_needed(module: str) -> bool:
    """Whether a module is Python's own, or of `tuner` or a package that it depends on, however indirectly."""
    if module in sys.stdlib_module_names or module == "tuner":
        return True
    packages = {_package(name) for name in packages_distributions().get(module, ())}
    found: set[str] = set()
    latest = {"tuner"}
    while latest:
        found |= latest
        latest = {each for package in latest for each in _dependencies(package)} - found
    return bool(packages & found)


def _dependencies(package: str) -> set[str]:
    try:
        return {_package(re.split(r"[^\w.-]", each, maxsplit=1)[0]) for each in requires(package) or ()}
    except PackageNotFoundError:
        return set()  # an extra that is not installed


def _package(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _refuse_taken(name: str, kind: str, folder: Path) -> None:
    """Raise `ConfigurationError` where a file in `folder` is meant and another module has its name already."""
    local = PathFinder.find_spec(name, [str(folder)]) if "." not in name else None
    taken = getattr(sys.modules[name], "__file__", None) or "a part of Python itself"
    if local is None or local.origin is None or Path(taken).resolve() == Path(local.origin).resolve():
        return
    raise ConfigurationError(
        f"the {kind}'s module {name!r} has the name of one that is imported already: {taken}, not {local.origin}",
        hint=f"call yours differently than {name}.py",
    )


def _member(name: str, catalogue: Catalogue) -> Any:
    try:
        return catalogue[name]
    except UnknownNameError as error:
        raise UnknownNameError(error.message, f"{error.hint}; or name your own as package.module:name") from None


def _module(name: str, kind: str, folder: Path) -> ModuleType:
    look_in(folder)
    if name in sys.modules:
        _refuse_taken(name, kind, folder)
        return sys.modules[name]
    with _import_errors(name, folder):
        spec = _find(name, folder)
        if spec is not None:
            return _load(spec) if "." not in name else import_module(name)
    raise UnknownNameError(
        f"no module {name!r} for the {kind}", hint=f"it is looked for on the Python path and in {folder}"
    )


@contextmanager
def _import_errors(name: str, folder: Path) -> Iterator[None]:
    """Say that a module cannot be imported, and why, in words."""
    try:
        yield
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"importing {name!r} failed: {type(error).__name__}: {error}",
            hint=f"`python -c 'import {name}'` in {folder} shows the same",
        ) from error


def _find(name: str, folder: Path) -> ModuleSpec | None:
    """Return where the module is. A file in `folder` comes first: it is what the person sees."""
    top, _, rest = name.partition(".")
    local = PathFinder.find_spec(top, [str(folder)])
    if local is not None:
        _refuse_needed(local, folder)
    if local is not None and local.origin is not None and not rest:
        return local
    if local is not None and top not in sys.modules:
        _load(local)
    try:
        return find_spec(name)
    except (ImportError, ValueError):
        return None


def _load(spec: ModuleSpec) -> ModuleType:
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        if spec.loader is not None:
            spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(spec.name, None)
        raise
    return module


def _no_such_name(reference: str, attribute: str, kind: str, names: list[str]) -> UnknownNameError:
    known = [name for name in names if not name.startswith("_")]
    return UnknownNameError(f"the {kind} {reference!r} names nothing{nearest(attribute, known)}")
