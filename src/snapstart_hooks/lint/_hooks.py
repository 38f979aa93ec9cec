"""Recognises the calls and decorators that declare hooks, by the path of what is called."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Final

__all__ = ("AFTER", "BEFORE", "Registration", "declares", "is_handler", "makes_anew", "nothing_done")

BEFORE: Final = "before_snapshot"
AFTER: Final = "after_restore"

_PHASES: Final = {"before_snapshot": BEFORE, "before_checkpoint": BEFORE, "after_restore": AFTER}
_EVENTS: Final = frozenset(("event", "_event", "evt", "events", "_"))
_CONTEXTS: Final = frozenset(("context", "_context", "ctx", "_ctx", "lambda_context", "_", "__"))


@dataclass(frozen=True, slots=True)
class Registration:
    """A hook that a file declares.

    Attributes:
        name: The source of the callable that is registered.
        phase: ``"before_snapshot"`` or ``"after_restore"``.
        node: The decorated function, or the call that registers.
        target: The path of the callable; a path of the file itself begins with a dot.
        aws: Whether the hook is registered with AWS's package.
        within: The path of the function that contains the registration; ``""`` for none.
    """

    name: str
    phase: str
    node: ast.expr | ast.stmt
    target: str
    aws: bool
    within: str


def declares(path: str) -> tuple[str, bool] | None:
    """Return the phase for which a call of this path registers hooks, and whether it is one of AWS's package."""
    module, _, name = path.partition(".")
    aws = module == "snapshot_restore_py"
    if module == "snapstart_hooks":
        name = name.removeprefix("default_registry.").removeprefix("Registry().").removesuffix(".call")
    elif not aws:
        return None
    phase = _PHASES.get(name.removesuffix("()").removeprefix("register_"))
    return (phase, aws) if phase is not None else None


def makes_anew(path: str, call: ast.Call) -> bool:
    """Return whether a call of this path lets its first argument be called after each restore."""
    eager = any(one.arg == "eager" and ast.unparse(one.value) == "True" for one in call.keywords)
    return eager and path == "snapstart_hooks.resources.PerRestore"


def is_handler(code: ast.AST) -> bool:
    """Return whether a function looks like a Lambda handler."""
    if not isinstance(code, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return False
    names = [one.arg for one in (*code.args.posonlyargs, *code.args.args) if one.arg not in {"self", "cls"}]
    return code.name == "lambda_handler" or (len(names) > 1 and names[0] in _EVENTS and names[1] in _CONTEXTS)


def nothing_done(hook: ast.AST, *, awaited: bool) -> str:
    """Return the reason why a hook does nothing; ``""`` if it does something.

    Args:
        hook: The function of the hook.
        awaited: Whether the hook is awaited where it is async.
    """
    if isinstance(hook, ast.Lambda):
        return "calls nothing" if isinstance(hook.body, (ast.Name, ast.Attribute)) else ""
    if awaited:
        return ""
    if isinstance(hook, ast.AsyncFunctionDef):
        return "is async, and the runtime does not await hooks of snapshot_restore_py"
    own = list(ast.iter_child_nodes(hook))
    for part in own:
        if not isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            own += ast.iter_child_nodes(part)
    return "is a generator" if any(isinstance(part, (ast.Yield, ast.YieldFrom)) for part in own) else ""
