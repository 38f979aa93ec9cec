"""An error, as the runtime tells it to Lambda: for people, and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from rich.console import Console

    from snapstart_hooks.testing import Failure

__all__ = ("FailureDocument", "document", "show")


class FailureDocument(TypedDict):
    """An error.

    Attributes:
        kind: Its category, such as ``Runtime.AfterRestoreError``; empty for an error of an invocation.
        type: The name of the exception's class.
        message: The exception's text.
        stack: The lines of its stack trace.
    """

    kind: str
    type: str
    message: str
    stack: list[str]


def document(failure: Failure | None) -> FailureDocument | None:
    """The error as JSON holds it."""
    if failure is None:
        return None
    return {"kind": failure.kind, "type": failure.type, "message": failure.message, "stack": list(failure.stack)}


def show(failure: FailureDocument, console: Console) -> None:
    """Print the error: what it is, and then how it came to it."""
    from rich.text import Text

    kind = failure["kind"] if failure["kind"] not in {"", failure["type"]} else ""
    console.print(
        Text.assemble((failure["type"] or "error", "bold red"), ": ", failure["message"], (f"  {kind}", "dim"))
    )
    for line in failure["stack"]:
        console.print(Text(line.rstrip("\n"), style="dim"))
