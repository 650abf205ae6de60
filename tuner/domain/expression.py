"""Conditions on configurations, written as text: `model.depth * model.width <= 4096`.

The text may come from a file of another author, so it is data: a parsed tree of the few node types below is evaluated
here, and nothing is ever compiled or called.
"""

import ast
import operator
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, final

from tuner.domain.config import Config
from tuner.domain.config_path import full_path, values_by_path

_LONGEST = 1_000
"""Characters of an expression."""

_MOST_NODES = 200
_DEEPEST = 20

_LARGEST_EXPONENT = 64
_LARGEST_BASE = 2**64

_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_ORDER: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_IDENTITY: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda value, values: value in values,
    ast.NotIn: lambda value, values: value not in values,
}
_SIGNS: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}

_ALLOWED = "an expression has parameters, numbers, text, comparisons, + - * / // % **, and, or, not, in"
_COMPUTED = (
    "only numbers are computed with, text is only compared by ==, != and `in`, and nothing is divided by 0; test what "
    "cannot be computed with first, as in: depth == 0 or width / depth <= 8"
)


class _NotApplicable(Exception):  # noqa: N818 - not an error
    """A parameter that is not active was computed with."""


@final
@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed condition; called with a configuration, it says whether that meets it.

    A parameter that is not active is None. A condition that orders or computes with None does not apply, and is met.
    """

    text: str
    paths: Mapping[str, str] = field(compare=False)
    """The parameters as the text has them, and their full paths."""
    tree: ast.expr = field(compare=False, repr=False)

    @staticmethod
    def parse(text: str, paths: Collection[str]) -> "Expression":
        """Return the condition that `text` says about configurations with these paths.

        Raises `ValueError` with every mistake in it, a line each.

        >>> Expression.parse("depth * width <= 8", ["depth", "width"])(Config({"depth": 2, "width": 4}))
        True
        """
        tree = _parsed(text)
        found: dict[str, str] = {}
        problems: list[str] = []
        for name in dict.fromkeys(_names(tree)):
            try:
                found[name] = full_path(name, paths)
            except ValueError as error:
                problems.append(f"{name!r} {error}")
        if problems:
            raise ValueError("\n".join(problems))
        return Expression(text, found, tree)

    def __call__(self, config: Config) -> bool:
        """Return whether `config` meets the condition.

        Raises `TypeError` or `ArithmeticError` where it cannot be computed.
        """
        values = values_by_path(config)
        named = {name: values.get(path) for name, path in self.paths.items()}
        try:
            return bool(_value(self.tree, named))
        except _NotApplicable:
            return True

    @property
    def hint(self) -> str:
        """What a person can do where it cannot be computed."""
        return f"the rule is {self.text!r}: {_COMPUTED}"

    def __str__(self) -> str:
        return self.text


def _parsed(text: str) -> ast.expr:
    """Return the tree of an expression; raises `ValueError` for one that is too large or has anything else in it."""
    if len(text) > _LONGEST:
        raise ValueError(f"has {len(text)} characters, and no more than {_LONGEST} are read")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"is not an expression ({getattr(error, 'msg', error)}); {_ALLOWED}") from None
    if len([*ast.walk(tree)]) > _MOST_NODES or _depth(tree) > _DEEPEST:
        raise ValueError(f"is too large: no more than {_MOST_NODES} parts, nested {_DEEPEST} deep, are read")
    _refuse_others(tree)
    return tree


def _depth(node: ast.AST) -> int:
    return 1 + max((_depth(child) for child in ast.iter_child_nodes(node)), default=0)


def _refuse_others(node: ast.expr) -> None:
    """Raise `ValueError` where the tree has anything but what `_value` evaluates."""
    match node:
        case ast.Constant(value=value) if isinstance(value, bool | int | float | str | None):
            return
        case ast.Name() | ast.Attribute() if _path(node) is not None:
            return
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.UAdd(), operand=operand):
            inner = [operand]
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            inner = [left, right]
        case ast.BoolOp(values=values):
            inner = values
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            pairs = zip(ops, comparators, strict=True)
            if any(isinstance(op, ast.In | ast.NotIn) and not _is_list(other) for op, other in pairs):
                raise ValueError("has no list behind `in`; write it as: optimizer in ['sgd', 'adam']")
            inner = [left, *comparators]
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            inner = elements
        case _:
            raise ValueError(f"has {ast.unparse(node)!r} in it, which is not evaluated; {_ALLOWED}")
    for each in inner:
        _refuse_others(each)


def _is_list(node: ast.expr) -> bool:
    return isinstance(node, ast.List | ast.Tuple)


def _path(node: ast.expr) -> str | None:
    """Return the dotted name that a node is; None where it is none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _path(node.value)) is not None:
        return f"{before}.{node.attr}"
    return None


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.expr) and (path := _path(node)) is not None:
        yield path
        return
    for child in ast.iter_child_nodes(node):
        yield from _names(child)


def _value(node: ast.expr, named: Mapping[str, Any]) -> Any:
    if (path := _path(node)) is not None:
        return named[path]
    match node:
        case ast.Constant(value=value):
            return value
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return tuple(_value(each, named) for each in elements)
        case ast.Compare():
            return _compared(node, named)
        case ast.BoolOp(op=op, values=values):
            return (all if isinstance(op, ast.And) else any)(_value(each, named) for each in values)
        case _:
            return _operated(node, named)


def _operated(node: ast.expr, named: Mapping[str, Any]) -> Any:
    """Return the value of an operator with its one or two operands."""
    if isinstance(node, ast.BinOp):
        return _computed(node.op, *_numbers(_value(node.left, named), _value(node.right, named)))
    assert isinstance(node, ast.UnaryOp)  # nothing else is left by `_refuse_others`
    operand = _value(node.operand, named)
    return not operand if isinstance(node.op, ast.Not) else _SIGNS[type(node.op)](*_numbers(operand))


def _compared(node: ast.Compare, named: Mapping[str, Any]) -> bool:
    left = _value(node.left, named)
    for op, comparator in zip(node.ops, node.comparators, strict=True):
        right = _value(comparator, named)
        if order := _ORDER.get(type(op)):
            if left is None or right is None:
                raise _NotApplicable
            is_met = order(left, right)
        else:
            is_met = _IDENTITY[type(op)](left, right)
        if not is_met:
            return False
        left = right
    return True


def _numbers(*values: Any) -> tuple[Any, ...]:
    """Return the values; raises `TypeError` for what is not a number: text could be multiplied to any size."""
    if any(value is None for value in values):
        raise _NotApplicable
    for value in values:
        if not isinstance(value, int | float):
            raise TypeError(f"{value!r} is not a number")
    return values


def _computed(op: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(op, ast.Pow) and (abs(right) > _LARGEST_EXPONENT or abs(left) > _LARGEST_BASE):
        raise OverflowError(f"{left} ** {right} is too large")
    return _ARITHMETIC[type(op)](left, right)
