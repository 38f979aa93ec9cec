"""The ``SNAPSTART_HOOKS_*`` environment variables, read once and understood or refused.

Read before the snapshot: the values are those of the published version.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from snapstart_hooks.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ("Settings",)

INITIALIZATION_TYPE: Final = "AWS_LAMBDA_INITIALIZATION_TYPE"

RESTORE_LIMIT: Final = 10.0
"""Seconds in which the runtime must load and all after_restore hooks complete
(https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html)."""

INIT_LIMIT: Final = 130.0
"""Seconds that initialisation and before_snapshot hooks have at least (same page): the
limit is this or the function's timeout, whichever is higher, and nobody tells us that."""


class Settings:
    """What the environment says about hooks.

    Attributes:
        disable: Distributions or providers that are not loaded; ``*`` is all.
        allow: The only ones that may be loaded; ``None`` if any may.
        optional: Hooks, providers or distributions whose failure fails nothing.
        required: Those whose failure does, whatever their code says.
        budget: Seconds for the after_restore phase; ``None`` for no limit.
        init_budget: Seconds for the before_snapshot phase; ``None`` for no limit.
        rollback: Whether after_restore hooks run when before_snapshot failed.
        emf: The CloudWatch namespace for metrics; ``""`` for none.
        audit: ``warn`` or ``error`` if what the snapshot should not contain is looked for; else ``""``.
        otel: Whether phases become OpenTelemetry spans.
    """

    __slots__ = (
        "allow",
        "audit",
        "budget",
        "disable",
        "emf",
        "init_budget",
        "optional",
        "otel",
        "required",
        "rollback",
    )

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """Read `environ`, by default the process's.

        Raises:
            SettingsError: A variable cannot be understood, or two contradict each other.
        """
        env = os.environ if environ is None else environ
        self.disable: Final = _names(env, "SNAPSTART_HOOKS_DISABLE") or frozenset()
        self.allow: Final = _names(env, "SNAPSTART_HOOKS_ALLOW")
        self.optional: Final = _names(env, "SNAPSTART_HOOKS_OPTIONAL") or frozenset()
        self.required: Final = _names(env, "SNAPSTART_HOOKS_REQUIRED") or frozenset()
        if both := self.optional & self.required:
            msg = f"SNAPSTART_HOOKS_OPTIONAL and SNAPSTART_HOOKS_REQUIRED both name {', '.join(sorted(both))}"
            raise SettingsError(msg)
        snapstart = env.get(INITIALIZATION_TYPE) == "snap-start"
        self.budget: Final = _seconds(env, "SNAPSTART_HOOKS_BUDGET", RESTORE_LIMIT - 1 if snapstart else None)
        self.init_budget: Final = _seconds(env, "SNAPSTART_HOOKS_INIT_BUDGET", None)
        self.rollback: Final = _switch(env, "SNAPSTART_HOOKS_ROLLBACK", default=INITIALIZATION_TYPE not in env)
        self.audit: Final = _choice(env, "SNAPSTART_HOOKS_AUDIT", ("warn", "error"))
        self.emf: Final = env.get("SNAPSTART_HOOKS_EMF", "").strip()
        self.otel: Final = _switch(env, "SNAPSTART_HOOKS_OTEL", default=False)

    def requires(self, required: bool, names: Collection[str]) -> bool:  # noqa: FBT001 - the hook's own word
        """Whether a hook of these `names` must succeed; the environment overrides its own word.

        A name beats ``*``.
        """
        if not self.required.isdisjoint(names):
            return True
        if not self.optional.isdisjoint(names):
            return False
        if "*" in self.required:
            return True
        return required and "*" not in self.optional


def _names(env: Mapping[str, str], variable: str) -> frozenset[str] | None:
    value = env.get(variable)
    if value is None:
        return None
    return frozenset(name for part in value.split(",") if (name := part.strip()))


def _seconds(env: Mapping[str, str], variable: str, default: float | None) -> float | None:
    value = env.get(variable, "").strip()
    if not value:
        return default
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        msg = f"{variable}={value!r}: give a number of seconds, or 0 for no limit"
        raise SettingsError(msg)
    return seconds or None


def _switch(env: Mapping[str, str], variable: str, *, default: bool) -> bool:
    value = env.get(variable, "").strip().lower()
    if not value:
        return default
    if value not in {"0", "1", "false", "true", "no", "yes", "off", "on"}:
        msg = f"{variable}={env[variable]!r}: give 1 or 0"
        raise SettingsError(msg)
    return value in {"1", "true", "yes", "on"}


def _choice(env: Mapping[str, str], variable: str, choices: tuple[str, ...]) -> str:
    value = env.get(variable, "").strip().lower()
    if value and value not in choices:
        msg = f"{variable}={env[variable]!r}: give {' or '.join(choices)}"
        raise SettingsError(msg)
    return value
