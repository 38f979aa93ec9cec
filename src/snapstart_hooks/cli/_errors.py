"""The exit codes, and the error with which a subcommand ends."""

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
    "PROBLEMS",
    "READER_LEFT",
    "USAGE",
    "CommandError",
    "exit_codes",
)

OK: Final = 0
INVOCATION: Final = 1
PROBLEMS: Final = 1  # of the subcommands that run no function
USAGE: Final = 2
INIT: Final = 3
HAZARDS: Final = 4
BEFORE_SNAPSHOT: Final = 64  # these two are the Lambda runtime's own
AFTER_RESTORE: Final = 65
INTERRUPTED: Final = 130  # these two are the shells': 128 and the number of a signal
READER_LEFT: Final = 141

EXIT_CODES: Final = {
    OK: "no error",
    INVOCATION: "an invocation failed",
    USAGE: "an argument or an event is wrong, or a package is missing",
    INIT: "the handler cannot be loaded",
    HAZARDS: "the clones show a hazard of severity error that is not accepted, or the audit finds something",
    BEFORE_SNAPSHOT: "a before_snapshot hook fails: no version can be published",
    AFTER_RESTORE: "an after_restore hook fails: no clone can be restored",
    INTERRUPTED: "the command was interrupted",
    READER_LEFT: "the program that reads standard output has closed it",
}


class CommandError(Exception):
    """Ends a subcommand; the message says what happened, and what to do.

    Attributes:
        exit_code: The exit code of the process.
    """

    def __init__(self, message: str, exit_code: int = USAGE) -> None:
        super().__init__(message)
        self.exit_code: Final = exit_code


def exit_codes(*codes: int | tuple[int, str]) -> str:
    """Write the part of a help text that explains exit codes.

    Args:
        codes: Each code; with a text where it means something else than in `EXIT_CODES`.
    """
    rows = (code if isinstance(code, tuple) else (code, EXIT_CODES[code]) for code in codes)
    return "exit codes:\n" + "".join(f"  {code:<4} {meaning}\n" for code, meaning in rows)
