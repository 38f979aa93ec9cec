"""The ``SNAPSTART_HOOKS_*`` environment variables, read once and understood or refused.

Read before the snapshot: the values are those of the published version.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final

from ._foreign import shown
from ._hook import normalise
from .errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ("INITIALIZATION_TYPE", "INIT_LIMIT", "RESTORE_LIMIT", "Names", "Settings")

INITIALIZATION_TYPE: Final = "AWS_LAMBDA_INITIALIZATION_TYPE"

RESTORE_LIMIT: Final = 10.0
"""Seconds in which the runtime must load and all after_restore hooks complete
(https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html)."""

INIT_LIMIT: Final = 130.0
"""Seconds that initialisation and before_snapshot hooks have at least (same page): the
limit is this or the function's timeout, whichever is higher, and nobody tells us that."""


class Names:
    """Names in a setting, separated by commas; compared in the one spelling.

    Attributes:
        given: Each, as given.
        everything: Whether ``*`` is among them.
    """

    __slots__ = ("_text", "everything", "given")

    def __init__(self, given: Iterable[str] = ()) -> None:
        self.given: Final = tuple(given)
        self.everything: Final = "*" in self.given
        # One text, because the name of an entry point may have commas in it.
        self._text: Final = f",{','.join(map(normalise, self.given))},"

    @classmethod
    def of(cls, text: str) -> Names:
        """What a variable says."""
        return cls(name for part in text.split(",") if (name := part.strip()))

    def named(self, names: Iterable[str]) -> bool:
        """Whether one of `names`, in the one spelling, is given; ``*`` is not asked for."""
        return any(f",{name}," in self._text for name in names)

    def unknown(self, known: Iterable[str]) -> list[str]:
        """Those given that are none of `known`, in the one spelling: what is misspelt should not pass unseen."""
        parts = {part for name in known if f",{name}," in self._text for part in name.split(",")}
        return sorted({name for name in self.given if name != "*" and normalise(name) not in parts})


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
        audit: ``warn`` or ``error`` if what the snapshot should not contain is looked for, ``off`` if not even
            connections are; else ``""``.
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
        self.disable: Final = Names.of(env.get("SNAPSTART_HOOKS_DISABLE", ""))
        allow = env.get("SNAPSTART_HOOKS_ALLOW")
        self.allow: Final = None if allow is None else Names.of(allow)
        self.optional: Final = Names.of(env.get("SNAPSTART_HOOKS_OPTIONAL", ""))
        self.required: Final = Names.of(env.get("SNAPSTART_HOOKS_REQUIRED", ""))
        if both := {*map(normalise, self.optional.given)}.intersection(map(normalise, self.required.given)):
            msg = f"SNAPSTART_HOOKS_OPTIONAL and SNAPSTART_HOOKS_REQUIRED both name {', '.join(sorted(both))}"
            raise SettingsError(msg)
        snapstart = env.get(INITIALIZATION_TYPE) == "snap-start"
        self.budget: Final = _seconds(env, "SNAPSTART_HOOKS_BUDGET", RESTORE_LIMIT - 1 if snapstart else None)
        self.init_budget: Final = _seconds(env, "SNAPSTART_HOOKS_INIT_BUDGET", None)
        self.rollback: Final = _switch(env, "SNAPSTART_HOOKS_ROLLBACK", default=INITIALIZATION_TYPE not in env)
        self.audit: Final = _choice(env, "SNAPSTART_HOOKS_AUDIT", ("warn", "error", "off"))
        self.emf: Final = env.get("SNAPSTART_HOOKS_EMF", "").strip()
        self.otel: Final = _switch(env, "SNAPSTART_HOOKS_OTEL", default=False)

    def requires(self, required: bool, names: Iterable[str]) -> bool:  # noqa: FBT001 - the hook's own word
        """Whether a hook of these `names` must succeed; the environment overrides its own word.

        A name beats ``*``.
        """
        if self.required.named(names):
            return True
        if self.optional.named(names):
            return False
        return self.required.everything or (required and not self.optional.everything)


def _seconds(env: Mapping[str, str], variable: str, default: float | None) -> float | None:
    value = env.get(variable, "").strip()
    if not value:
        return default
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= threading.TIMEOUT_MAX:
        msg = (
            f"{variable}={shown(value)}: give a number of seconds up to {threading.TIMEOUT_MAX:.0f}, or 0 for no limit"
        )
        raise SettingsError(msg)
    return seconds or None


def _switch(env: Mapping[str, str], variable: str, *, default: bool) -> bool:
    value = env.get(variable, "").strip().lower()
    if not value:
        return default
    if value not in {"0", "1", "false", "true", "no", "yes", "off", "on"}:
        msg = f"{variable}={shown(env[variable])}: give 1 or 0"
        raise SettingsError(msg)
    return value in {"1", "true", "yes", "on"}


def _choice(env: Mapping[str, str], variable: str, choices: tuple[str, ...]) -> str:
    value = env.get(variable, "").strip().lower()
    if value and value not in choices:
        msg = f"{variable}={shown(env[variable])}: give {', '.join(choices[:-1])} or {choices[-1]}"
        raise SettingsError(msg)
    return value
