"""Conditions whose outcome is known: type checking, main programs, platforms, Python versions.

The code runs on AWS Lambda: Linux, imported, Python 3.11 or later.
"""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from snapstart_hooks.lint._values import Frame

__all__ = ("truth",)

_PATHS: Final = {
    "typing.TYPE_CHECKING": False,
    "typing_extensions.TYPE_CHECKING": False,
    "six.PY2": False,
    "six.PY3": True,
    "future.utils.PY2": False,
    "future.utils.PY3": True,
}
_TEXTS: Final = {"__name__": None, "sys.platform": "linux", "os.name": "posix", "platform.system()": "Linux"}
_OLDEST: Final = (3, 11)
_NEWEST: Final = (3, 99)
_COMPARE: Final[dict[type[ast.cmpop], Callable[[tuple[int, ...], tuple[int, ...]], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def truth(test: ast.expr, frame: Frame) -> bool | None:
    """Whether `test` holds; ``None`` if that is not known."""
    known: bool | None = None
    if isinstance(test, ast.Constant):
        known = bool(test.value)
    elif isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = truth(test.operand, frame)
        known = None if inner is None else not inner
    elif isinstance(test, ast.BoolOp):
        known = _combined(test, frame)
    elif isinstance(test, ast.Compare) and len(test.ops) == 1:
        known = _compared(test.left, test.ops[0], test.comparators[0], frame)
    elif isinstance(test, (ast.Name, ast.Attribute)):
        known = _named(test, frame)
    elif isinstance(test, ast.Call) and test.args and _path(test, frame) == "sys.platform.startswith()":
        prefix = test.args[0]
        known = isinstance(prefix, ast.Constant) and "linux".startswith(str(prefix.value))
    return known


def _named(test: ast.Name | ast.Attribute, frame: Frame) -> bool | None:
    if isinstance(test, ast.Name):
        if test.id == "TYPE_CHECKING":
            return False
        value = frame.lookup(test.id)
        if value is not None and isinstance(value.const, bool) and frame.decides:
            return value.const
    return _PATHS.get(_path(test, frame))


def _combined(test: ast.BoolOp, frame: Frame) -> bool | None:
    decides = isinstance(test.op, ast.Or)  # one True decides an `or`, one False an `and`
    values = [truth(value, frame) for value in test.values]
    if decides in values:
        return decides
    return None if None in values else not decides


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr, frame: Frame) -> bool | None:
    path = _path(left, frame)
    if path in _TEXTS and isinstance(right, ast.Constant) and isinstance(op, (ast.Eq, ast.NotEq)):
        return (_TEXTS[path] == right.value) is isinstance(op, ast.Eq)
    if path in _TEXTS and isinstance(op, (ast.In, ast.NotIn)) and isinstance(right, (ast.Tuple, ast.List, ast.Set)):
        known = [one.value for one in right.elts if isinstance(one, ast.Constant)]
        if len(known) == len(right.elts):
            return (_TEXTS[path] in known) is isinstance(op, ast.In)
    compare = _COMPARE.get(type(op))
    wanted = _version(right)
    if compare is None or wanted is None:
        return None
    if path == "sys.version_info":
        width = None
    elif path == "sys.version_info.major" or (path == "sys.version_info[]" and _is_zero(left)):
        width = 1
    elif path == "sys.version_info[]" and isinstance(left, ast.Subscript) and isinstance(left.slice, ast.Slice):
        width = len(wanted)
    else:
        return None
    outcomes = {compare(version[:width], wanted) for version in (_OLDEST, _NEWEST)}
    return outcomes.pop() if len(outcomes) == 1 else None


def _version(node: ast.expr) -> tuple[int, ...] | None:
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    numbers = [part.value for part in parts if isinstance(part, ast.Constant) and type(part.value) is int]
    return tuple(numbers) if len(numbers) == len(parts) and numbers else None


def _is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and node.slice.value == 0


def _path(node: ast.expr, frame: Frame) -> str:
    """The import path of names, attributes, calls and subscripts; ``""`` if there is none."""
    if isinstance(node, ast.Name):
        if node.id == "__name__":
            return "__name__"
        value = frame.lookup(node.id)
        return value.paths[0] if value is not None and value.paths else ""
    if isinstance(node, ast.Attribute):
        base, suffix = node.value, f".{node.attr}"
    elif isinstance(node, ast.Call):
        base, suffix = node.func, "()"
    elif isinstance(node, ast.Subscript):
        base, suffix = node.value, "[]"
    else:
        return ""
    path = _path(base, frame)
    return path + suffix if path else ""
