"""The exit codes, and how a subcommand gives up."""

from __future__ import annotations

from typing import Final

__all__ = (
    "AFTER_RESTORE",
    "BEFORE_SNAPSHOT",
    "EXIT_CODES",
    "HAZARDS",
    "INIT",
    "INTERRUPTED",
    "INVOCATION",
    "OK",
    "READER_LEFT",
    "USAGE",
    "CommandError",
)

OK: Final = 0
INVOCATION: Final = 1
USAGE: Final = 2
INIT: Final = 3
HAZARDS: Final = 4
BEFORE_SNAPSHOT: Final = 64  # these two are the Lambda runtime's own
AFTER_RESTORE: Final = 65
INTERRUPTED: Final = 130  # these two are the shells': 128 and the number of a signal
READER_LEFT: Final = 141

EXIT_CODES: Final = {
    OK: "all is well",
    INVOCATION: "an invocation failed",
    USAGE: "the arguments or an event are wrong, or a package is missing",
    INIT: "the handler cannot be loaded",
    HAZARDS: "clones show hazards of severity error that nobody accepted, or the audit finds something",
    BEFORE_SNAPSHOT: "before_snapshot fails, and with it publishing a version",
    AFTER_RESTORE: "after_restore fails, and with it every restore",
    INTERRUPTED: "it was interrupted",
    READER_LEFT: "nobody reads the output any more",
}


class CommandError(Exception):
    """The subcommand cannot do what it was asked to; the message says why, and what to do.

    Attributes:
        exit_code: With what the process ends.
    """

    def __init__(self, message: str, exit_code: int = USAGE) -> None:
        super().__init__(message)
        self.exit_code: Final = exit_code


def table(*codes: int) -> str:
    """The part of a help text that says what these exit codes mean."""
    return "exit codes:\n" + "".join(f"  {code:<4} {EXIT_CODES[code]}\n" for code in codes)
