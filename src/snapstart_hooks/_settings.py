"""The ``SNAPSTART_HOOKS_*`` environment variables, read once and understood or refused.

Read before the snapshot: the values are those of the published version.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Final

from ._foreign import printable, shown
from ._hook import normalise
from .errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

INITIALIZATION_TYPE: Final = "AWS_LAMBDA_INITIALIZATION_TYPE"

RESTORE_LIMIT: Final = 10.0
"""Seconds in which the runtime must load and all after_restore hooks complete
(https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html)."""


class Names:
    """Names in a setting, separated by commas; compared in the one spelling.

    Attributes:
        given: Each, as given.
        everything: Whether ``*`` is among them.
    """

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
    """What the environment says about hooks."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """Read `environ`, by default the process's.

        Raises:
            SettingsError: A variable cannot be understood, or two contradict each other.
        """
        env = os.environ if environ is None else environ
        snapstart = env.get(INITIALIZATION_TYPE) == "snap-start"
        # Distributions or providers that are not loaded; and the only ones that may be, `None` if any may.
        self.disable: Final = Names.of(env.get("SNAPSTART_HOOKS_DISABLE", ""))
        self.allow: Final = Names.of(env["SNAPSTART_HOOKS_ALLOW"]) if "SNAPSTART_HOOKS_ALLOW" in env else None
        # Object references of providers that no metadata declares.
        self.providers: Final = Names.of(env.get("SNAPSTART_HOOKS_PROVIDERS", ""))
        # Hooks, providers or distributions whose failure fails nothing; and whose does, whatever their code says.
        self.optional: Final = Names.of(env.get("SNAPSTART_HOOKS_OPTIONAL", ""))
        self.required: Final = Names.of(env.get("SNAPSTART_HOOKS_REQUIRED", ""))
        # Seconds for each phase; `None` for no limit.
        self.budget: Final = _seconds(env, "SNAPSTART_HOOKS_BUDGET", RESTORE_LIMIT - 1 if snapstart else None)
        self.init_budget: Final = _seconds(env, "SNAPSTART_HOOKS_INIT_BUDGET", None)
        # Whether after_restore hooks run when before_snapshot failed.
        self.rollback: Final = _switch(env, "SNAPSTART_HOOKS_ROLLBACK", default=INITIALIZATION_TYPE not in env)
        # What is done if the snapshot contains what it should not; nothing if it is empty.
        self.audit: Final = _choice(env, "SNAPSTART_HOOKS_AUDIT", ("warn", "error", "off"), "warn, error or off")
        # The CloudWatch namespace for metrics, or empty; and whether phases become OpenTelemetry spans.
        self.emf: Final = env.get("SNAPSTART_HOOKS_EMF", "").strip()
        self.otel: Final = _switch(env, "SNAPSTART_HOOKS_OTEL", default=False)
        if both := {*map(normalise, self.optional.given)}.intersection(map(normalise, self.required.given)):
            msg = (
                f"SNAPSTART_HOOKS_OPTIONAL and SNAPSTART_HOOKS_REQUIRED both name {printable(', '.join(sorted(both)))}"
            )
            raise SettingsError(msg)

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
    try:
        seconds = float(value) if value else default or 0.0
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= threading.TIMEOUT_MAX:
        wanted = f"a number of seconds up to {threading.TIMEOUT_MAX:.0f}, or 0 for no limit"
        raise _refusal(variable, value, wanted)
    return seconds or None


def _switch(env: Mapping[str, str], variable: str, *, default: bool) -> bool:
    value = _choice(env, variable, ("0", "1", "false", "true", "no", "yes", "off", "on"), "1 or 0")
    return value in {"1", "true", "yes", "on"} if value else default


def _choice(env: Mapping[str, str], variable: str, choices: tuple[str, ...], wanted: str) -> str:
    value = env.get(variable, "").strip().lower()
    if value and value not in choices:
        raise _refusal(variable, env[variable], wanted)
    return value


def _refusal(variable: str, value: str, wanted: str) -> SettingsError:
    return SettingsError(f"{variable}={shown(value)}: give {wanted}")
