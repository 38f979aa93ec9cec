"""Environment variables that a SnapStart function does not have.

Credentials come from the container credentials endpoint, and a snapshot belongs to
no log stream.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from snapstart_hooks.lint._catalogue import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from snapstart_hooks.lint._values import Arguments, Value

__all__ = ("CREDENTIAL", "Read", "asked_for", "called", "subscript", "tested", "words")

CREDENTIAL: Final = Source("")
"""What was read from a credential variable: reported where it is read, not where it is used."""

_KEYS: Final = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
_LOGS: Final = frozenset({"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_LOG_GROUP_NAME"})
_ENVIRON: Final = frozenset({"os.environ", "os.environb", "os.environ.copy()"})
_GETTERS: Final = frozenset({"os.getenv", "os.environ.get"})


def words() -> frozenset[str]:
    """A file whose text has none of these words reads none of the variables."""
    return _KEYS | _LOGS


@dataclass(frozen=True, slots=True)
class Read:
    """A variable that is read.

    Attributes:
        name: The variable.
        code: The rule that this breaks.
        credential: Whether it is one of the credentials.
    """

    name: str
    code: str
    credential: bool


def _read(name: object, *, required: bool) -> Read | None:
    if not isinstance(name, str):
        return None
    if name in _KEYS:
        return Read(name, "SSH401" if required else "SSH402", credential=True)
    if name in _LOGS:
        return Read(name, "SSH403" if required else "SSH404", credential=False)
    return None


def subscript(value: Value, index: Value) -> Read | None:
    """``os.environ[name]``."""
    return _read(index.const, required=True) if not _ENVIRON.isdisjoint(value.paths) else None


def called(paths: Iterable[str], given: Arguments) -> Read | None:
    """``os.environ.get(name)`` and ``os.getenv(name)``."""
    if _GETTERS.isdisjoint(paths) or not given.values:
        return None
    return _read(given.values[0].const, required=False)


def asked_for(name: Value, container: Value) -> list[str]:
    """The variable in ``name in os.environ``."""
    return [name.const] if isinstance(name.const, str) and not _ENVIRON.isdisjoint(container.paths) else []


def tested(tree: ast.Module) -> set[str]:
    """The variables that a condition asks for: ``if os.environ.get(name)``, ``a if os.getenv(name) else b``."""
    conditions = [node.test for node in ast.walk(tree) if isinstance(node, (ast.If, ast.IfExp, ast.While))]
    found: set[str] = set()
    for call in (operand for condition in conditions for operand in _operands(condition)):
        if isinstance(call, ast.Call) and call.args and ast.unparse(call.func).endswith(("environ.get", "getenv")):
            name = call.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                found.add(name.value)
    return found


def _operands(condition: ast.expr) -> Iterator[ast.expr]:
    if isinstance(condition, ast.BoolOp):
        for value in condition.values:
            yield from _operands(value)
    elif isinstance(condition, ast.UnaryOp):
        yield from _operands(condition.operand)
    else:
        yield condition
