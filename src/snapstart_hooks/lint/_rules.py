"""The rules: one row for each.  The page ``lint`` of the documentation has an anchor for each code."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

__all__ = ("RULES", "Kind", "Rule")


class Kind(enum.Enum):
    """When a finding is an error, and what repairs it."""

    VALUE = "an error if the value is kept; only another value repairs it"
    RESOURCE = "an error if the object is kept; closing, resetting or replacing it repairs it"
    EFFECT = "an error by itself; the object concerned must be closed or stopped"
    SITE = "an error wherever it stands"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that code can break.

    Attributes:
        code: The code that flake8 shows, such as ``"SSH101"``.
        kind: When a finding is an error, and what repairs it.
        title: What is wrong.
        remedy: What to do.
    """

    code: str
    kind: Kind
    title: str
    remedy: str


_VALUE, _RESOURCE, _EFFECT, _SITE = Kind
_AGAIN: Final = "create it where it is used, make it a PerRestore, or create it again in an after_restore hook"
_CACHE: Final = "fetch it where it is used, with @cached_until_restore, or again in an after_restore hook"
_REOPEN: Final = "make it a @resource, or close it in a before_snapshot hook and open it in an after_restore hook"
_SEED: Final = "seed it in an after_restore hook: PerRestore(random.seed, eager=True)"
_SDK: Final = "let the SDK find the credentials, and take the log's name from the handler's context"

_ROWS: Final = (
    ("SSH101", _VALUE, "id from before the snapshot, the same in every clone", _AGAIN),
    ("SSH102", _VALUE, "secret from before the snapshot, the same in every clone", _AGAIN),
    ("SSH103", _VALUE, "random value from before the snapshot, the same in every clone", _AGAIN),
    ("SSH104", _VALUE, "private key from before the snapshot, the same in every clone", _AGAIN),
    ("SSH105", _VALUE, "name of the host from before the snapshot, the same in every clone", _AGAIN),
    ("SSH106", _RESOURCE, "temporary file from before the snapshot, the same in every clone", _AGAIN),
    ("SSH201", _RESOURCE, "generator seeded before the snapshot", _SEED),
    ("SSH202", _SITE, "draw from a generator seeded before the snapshot", _SEED),
    ("SSH203", _EFFECT, "generator seeded with the time before the snapshot", _SEED),
    ("SSH301", _VALUE, "time from before the snapshot", _AGAIN),
    ("SSH302", _VALUE, "monotonic time from before the snapshot", _AGAIN),
    ("SSH401", _SITE, "environment variable that functions with SnapStart do not have", _SDK),
    ("SSH411", _RESOURCE, "client with access keys from before the snapshot", _SDK),
    ("SSH412", _VALUE, "secret or parameter fetched before the snapshot", _CACHE),
    ("SSH413", _VALUE, "temporary credentials from before the snapshot", _CACHE),
    ("SSH414", _VALUE, "response fetched before the snapshot", _CACHE),
    ("SSH501", _RESOURCE, "connection opened before the snapshot, dead in every clone", _REOPEN),
    ("SSH502", _RESOURCE, "client that connects before the snapshot, in the background", _REOPEN),
    (
        "SSH503",
        _EFFECT,
        "connection left in a pool, dead in every clone",
        "empty the pool in a before_snapshot hook, or make it a @resource",
    ),
    (
        "SSH601",
        _EFFECT,
        "thread started before the snapshot",
        "make it a @resource, or stop it in a before_snapshot hook",
    ),
    (
        "SSH602",
        _EFFECT,
        "process started before the snapshot",
        "make it a @resource, or start it in an after_restore hook",
    ),
    ("SSH603", _EFFECT, "telemetry collected before the snapshot", "flush it in a before_snapshot hook"),
    ("SSH801", _SITE, "hook registered in an invocation, when hooks have already run", "register it at module level"),
    (
        "SSH802",
        _SITE,
        "hook registered in a function that nothing calls",
        "register it at module level, or call the function",
    ),
    ("SSH803", _SITE, "hook that does nothing", "register a function that does the work when it is called"),
    ("SSH804", _SITE, "hook that closes its event loop", "make the hook async, and snapstart_hooks awaits it"),
    (
        "SSH805",
        _SITE,
        "name imported by value that a hook rebinds",
        "import the module, and use the name as its attribute",
    ),
)
RULES: Final = {row[0]: Rule(*row) for row in _ROWS}
"""All rules by their code."""
