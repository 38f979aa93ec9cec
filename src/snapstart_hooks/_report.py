"""The results of a phase: `PhaseReport`, `HookResult`, the log line, and the protocol of observers."""

from __future__ import annotations

import logging
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from ._compat import override
from ._foreign import cut, error_text, kind, printable, shortened, tried

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ._hook import Hook, Phase

logger: Final = logging.getLogger("snapstart_hooks")


class Outcome(StrEnum):
    """How a hook ended in a phase."""

    OK = "ok"
    FAILED = "failed"
    """The hook raised an exception."""
    TIMED_OUT = "timed out"
    """The hook exceeded its timeout or the budget of the phase, and was stopped or left running."""
    NOT_STARTED = "not started"
    """The phase ended before the hook was called."""


class HookResult:
    """Describes how one hook ended in one phase.

    Attributes:
        hook: The hook.
        outcome: How the hook ended.
        error: The exception, unless `outcome` is ``OK`` or ``NOT_STARTED``: then ``None``.
        duration_ns: The duration of the call in nanoseconds.
        required: Whether a failure fails the phase: as the hook says, unless ``SNAPSTART_HOOKS_OPTIONAL``
            or ``SNAPSTART_HOOKS_REQUIRED`` names it.
    """

    __slots__ = ("_duration_ns", "_error", "_outcome", "hook", "required")

    def __init__(
        self,
        hook: Hook,
        outcome: Outcome,
        duration_ns: int,
        error: BaseException | None = None,
        required: bool | None = None,  # noqa: FBT001 - as the attributes are listed
    ) -> None:
        self.hook: Final = hook
        self._outcome = outcome
        self._duration_ns = duration_ns
        self._error = error
        self.required: Final[bool] = hook.required if required is None else required

    # Not final: an `Attempt` is a result before it is known.

    @property
    def outcome(self) -> Outcome:
        """How the hook ended."""
        return self._outcome

    @property
    def error(self) -> BaseException | None:
        """The exception with which it ended."""
        return self._error

    @property
    def duration_ns(self) -> int:
        """The duration of the call in nanoseconds."""
        return self._duration_ns

    @property
    def duration(self) -> float:
        """The seconds for which the hook has run."""
        return self.duration_ns / 1e9

    @property
    def source(self) -> str:
        """The provider and location of the hook, as messages show them."""
        return self.hook.source

    def to_dict(self) -> dict[str, object]:
        """Return the same for JSON, with durations in milliseconds."""
        provider = self.hook.provider
        result: dict[str, object] = {
            "hook": self.hook.name,
            "provider": provider.name if provider else None,
            "version": provider.version if provider else None,
            "location": self.hook.location,
            "outcome": self.outcome.value,
            "required": self.required,
            "duration_ms": round(self.duration_ns / 1e6, 3),
        }
        if self.error is not None:
            result["error"] = error_text(self.error)
        return result

    @override
    def __str__(self) -> str:
        """How it ended and why, without its name."""
        return f"[{self.outcome.value}]" + (f" {error_text(self.error)}" if self.error is not None else "")

    @override
    def __repr__(self) -> str:
        return f"<HookResult {self.hook.name}: {self.outcome.value} in {milliseconds(self.duration_ns)}>"


class PhaseReport:
    """Contains the results of a phase.

    Attributes:
        phase: The phase.
        started: The time at which it began, in seconds since the epoch.
        duration_ns: Its duration in nanoseconds.
        results: One for each hook of the plan, in the order of the plan, then those that hooks registered while it ran.
        failed: The results whose outcome is not ``OK``, those of optional hooks included.
        rollback: The report of the after_restore hooks that ran because this phase
            failed; ``None`` if none did.
    """

    __slots__ = ("duration_ns", "failed", "phase", "results", "rollback", "started")

    def __init__(self, phase: Phase, started: float, duration_ns: int, results: Iterable[HookResult]) -> None:
        self.phase: Final = phase
        self.started: Final = started
        self.duration_ns: Final = duration_ns
        self.results: Final[tuple[HookResult, ...]] = tuple(results)
        failed = [result for result in self.results if result.outcome is not Outcome.OK]
        self.failed: Final[tuple[HookResult, ...]] = tuple(failed)
        self.rollback: PhaseReport | None = None

    @property
    def duration(self) -> float:
        """The seconds for which the phase has run."""
        return self.duration_ns / 1e9

    @property
    def ok(self) -> bool:
        """Whether the outcome of every required hook is ``OK``."""
        return not any(result.required for result in self.failed)

    def to_dict(self) -> dict[str, object]:
        """Return the same for JSON, with durations in milliseconds."""
        report: dict[str, object] = {
            "phase": self.phase.value,
            "ok": self.ok,
            "started": self.started,
            "duration_ms": round(self.duration_ns / 1e6, 3),
            "hooks": [result.to_dict() for result in self.results],
        }
        providers = (result.hook.provider for result in self.results)
        if loaded := {each.name: round(each.load_ns / 1e6, 3) for each in providers if each and each.load_ns}:
            report["loaded_ms"] = loaded
        if self.rollback is not None:
            report["rollback"] = self.rollback.to_dict()
        return report

    @override
    def __str__(self) -> str:
        """The log line: short when all is well, with every name when it is not."""
        count = len(self.results)
        line = f"{self.phase.value}: {count} hook{'s' * (count != 1)} in {milliseconds(self.duration_ns)}"
        if count > 1:
            slowest = max(self.results, key=lambda result: result.duration_ns)
            line += f", slowest {cut(slowest.hook.name, 200)} {milliseconds(slowest.duration_ns)}"
        failed = self.failed
        if failed:
            line += f"; {len(failed)} not ok: " + shortened(
                [f"{result.hook.name}{'' if result.required else ' (optional)'} {result}" for result in failed]
            )
        if self.rollback is not None:
            line += f"; rolled back: {self.rollback}"
        return line

    @override
    def __repr__(self) -> str:
        return f"<PhaseReport {self}>"


class HookObserver(Protocol):
    """Is called when phases and hooks start and finish.

    Subclass it and override the methods that you need.  Exceptions of an observer are logged,
    and change no result; its time counts against the budget of the phase.
    """

    def phase_started(self, phase: Phase, hooks: Sequence[Hook], /) -> None:
        """Handle that a phase starts.

        Args:
            phase: The phase.
            hooks: Its hooks, in the order in which it will run them.
        """
        return

    def hook_started(self, hook: Hook, /) -> None:
        """Handle that a hook is about to be called.

        Args:
            hook: The hook.
        """
        return

    def hook_finished(self, result: HookResult, /) -> None:
        """Handle that a hook has ended, successfully or not.

        Args:
            result: Its outcome, duration and error.
        """
        return

    def phase_finished(self, report: PhaseReport, /) -> None:
        """Handle that a phase has ended; only hooks that could not be stopped still run.

        Args:
            report: All results of the phase.
        """
        return


def milliseconds(nanoseconds: int) -> str:
    """``12.3 ms``: three digits that mean something."""
    value = nanoseconds / 1e6
    return f"{value:.0f} ms" if value >= 100 else f"{value:.3g} ms"  # noqa: PLR2004 - three digits


def tell(
    level: int, message: str, *, error: BaseException | None = None, fields: Mapping[str, object] | None = None
) -> None:
    """Log through ``snapstart_hooks``; whatever handlers, filters and streams do, it harms nobody.

    Control characters but line ends are escaped.  Lambda's JSON format has `fields` under ``snapstart_hooks``.
    """

    def say() -> None:
        if logger.isEnabledFor(level):
            text = "\n".join(map(printable, message.split("\n")))
            extra = {"snapstart_hooks": fields} if fields is not None else None
            logger.log(level, "%s", text, exc_info=error, extra=extra, stacklevel=4)

    _, broken = tried(say)
    if broken is not None:  # that is not what this process is for
        words = f"snapstart_hooks: logging raised {kind(broken)}: {printable(message)}\n"
        tried(lambda: (sys.__stderr__ or sys.stderr).write(words))


def is_told(level: int) -> bool:
    """Whether somebody wants to hear of that level; also if a logger cannot tell."""
    enabled, broken = tried(lambda: logger.isEnabledFor(level))
    return bool(enabled) or broken is not None


def log(report: PhaseReport) -> None:
    """Write the phase's one line; in Lambda's JSON format it carries the figures as fields.

    At the level DEBUG each failure is logged with its stack, too.
    """
    failed = report.failed
    fields: dict[str, object] = {
        "phase": report.phase.value,
        "ok": report.ok,
        "hooks": len(report.results),
        "duration_ms": round(report.duration_ns / 1e6, 3),
        "failed": [result.to_dict() for result in failed[:20]],
    }
    tell(logging.INFO if not failed else logging.WARNING if report.ok else logging.ERROR, str(report), fields=fields)
    for result in failed:
        tell(logging.DEBUG, f"{result.hook} {result}", error=result.error)
