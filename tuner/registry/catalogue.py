"""Members by name: the name you type is the file you open.

A member is a module of a package whose name does not start with an underscore; what it offers is the one name in its
`__all__`. Adding a member is adding a file. Listing and describing members imports none of them.

Installed packages add members by entry point, in the catalogue's `group`. Their metadata is only read for a name that
is not a shipped one, and for clashes, since reading it takes longer than a query may take.
"""

import ast
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from tuner.domain.errors import UnknownNameError, nearest
from tuner.registry import entry_points

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


@final
class Catalogue:
    """The members of one package; `kind` is the word for one of them in messages.

    `group` is the entry points' group that installed packages add members by; "" for none. `modules` are the members'
    modules by name, where they are not the files of the package's folder.
    """

    def __init__(self, package: str, kind: str, *, group: str = "", modules: Mapping[str, str] | None = None) -> None:
        self.package = package
        self.kind = kind
        self.group = group
        self._modules = modules
        self._loaded: dict[str, Any] = {}

    @cached_property
    def _folder(self) -> Path:
        spec = find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise UnknownNameError(f"there is no package {self.package!r} of {self.kind}s")
        return Path(next(iter(spec.submodule_search_locations)))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the members that ship, in alphabetical order."""
        if self._modules is not None:
            return tuple(sorted(self._modules))
        return tuple(sorted(path.stem for path in self._folder.glob("*.py") if not path.stem.startswith("_")))

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def check(self, name: str) -> None:
        """Raise `UnknownNameError` with the nearest name where there is no such member."""
        if name not in self.names and name not in (others := self._offered()):
            known = (*self.names, *sorted(others.keys() - set(self.names)))
            hint = "; ".join([f"known: {', '.join(known)}", *chain.from_iterable(map(self.clashes, self.names))])
            raise UnknownNameError(f"unknown {self.kind} {name!r}{nearest(name, known)}", hint=hint)

    def clashes(self, name: str) -> Iterator[str]:
        """Yield a sentence for each package that offers this name although a member that ships has it."""
        for entry in self._offered().get(name, ()) if name in self.names else ():
            yield (
                f"{self.kind} {name}: the one that ships with tuner is used, not that of the package "
                f"{entry_points.distribution(entry)}"
            )

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self.check(name)
            if name not in self.names:
                return entry_points.load(self._offered()[name], self.kind)
            self._loaded[name] = self._shipped(name)
        return self._loaded[name]

    def _shipped(self, name: str) -> Any:
        module = import_module(f"{self.package}.{name}" if self._modules is None else self._modules[name])
        (exported,) = module.__all__
        return getattr(module, exported)

    def _offered(self) -> "dict[str, tuple[EntryPoint, ...]]":
        return entry_points.offered(self.group) if self.group else {}

    def summary(self, name: str) -> str:
        """Return the first line of what the member's file says about itself, without importing it."""
        return (ast.get_docstring(self._parsed(name)) or "").partition("\n")[0]

    def fields(self, name: str) -> dict[str, str]:
        """Return the fields, and their types' names, of the dataclass the member exports, without importing it."""
        tree = self._parsed(name)
        exported = next(value for target, value in _assignments(tree) if target == "__all__")
        (class_name,) = ast.literal_eval(exported)
        found = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == class_name)
        body = next(found).body
        annotated = (node for node in body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name))
        fields = {ast.unparse(node.target): ast.unparse(node.annotation) for node in annotated}
        return {field: kind for field, kind in fields.items() if not kind.startswith("ClassVar")}

    def _parsed(self, name: str) -> ast.Module:
        self.check(name)
        return ast.parse((self._folder / f"{name}.py").read_text())


def _assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
