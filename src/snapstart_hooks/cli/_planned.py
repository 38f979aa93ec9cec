"""The plan of a function, as a document."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final, TypedDict

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

from snapstart_hooks import Phase, default_registry
from snapstart_hooks._plan import batches
from snapstart_hooks._settings import Settings
from snapstart_hooks.cli import _failure
from snapstart_hooks.cli._connection import Connection
from snapstart_hooks.cli._process import function_output
from snapstart_hooks.errors import DiscoveryError, ProviderError, SnapstartHooksError
from snapstart_hooks.testing import Instrument, run_in_process
from snapstart_hooks.testing._outcome import ended_by_itself

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from snapstart_hooks import Hook

__all__ = ("ErrorDocument", "HookDocument", "PlanDocument", "planned")


class HookDocument(TypedDict):
    """A hook of the plan.

    Attributes:
        place: From 1 on.
        name: Its name.
        provider: ``distribution:entry point``; ``None`` for the application.
        distribution: As it is installed, and ``version`` likewise; ``None`` for the application.
        location: ``file:line``.
        priority: Its place in the restore order; lower comes back earlier.
        after: What comes back before it, by name.
        timeout: Seconds.
        required: After ``SNAPSTART_HOOKS_OPTIONAL`` and ``..._REQUIRED``.
        concurrent: Whether it may overlap neighbours.
        is_async: Whether a call gives a coroutine.
        overlaps: The places of the hooks that run at the same time.
    """

    place: int
    name: str
    provider: str | None
    distribution: str | None
    version: str | None
    location: str
    priority: int
    after: list[str]
    timeout: float | None
    required: bool
    concurrent: bool
    is_async: bool
    overlaps: list[int]


class ErrorDocument(TypedDict):
    """Something that publishing a version would fail with.

    Attributes:
        type: The name of the exception's class.
        message: The exception's text.
        provider: Whose hooks cannot be used, if it is about that.
    """

    type: str
    message: str
    provider: str | None


class PlanDocument(TypedDict):
    """What ``plan --json`` prints.

    Attributes:
        handler: As it was given.
        path: The folder of the function's code.
        ok: Whether the handler can be loaded, and publishing would get as far as to run hooks.
        connected: Whether the function imports `snapstart_hooks`.
        init_error: Why the handler cannot be loaded; there is no plan then.
        phases: The hooks of each phase in their order; none if there is an error in the order.
        skipped: What was left out, and why.
        errors: What publishing a version would fail with.
    """

    handler: str
    path: str
    ok: bool
    connected: bool
    init_error: _failure.FailureDocument | None
    phases: dict[str, list[HookDocument]]
    skipped: list[str]
    errors: list[ErrorDocument]


def planned(handler: str, root: Path, phases: Iterable[Phase]) -> PlanDocument:
    """Load a function through the Lambda runtime, up to its first hook, and make its plan."""
    connection, look = Connection(), _Look(phases)
    watching = [connection, look]
    with function_output():
        outcome = run_in_process(handler, (), hooks=False, task_root=root, capture=False, instruments=watching)
    if look.fault is not None:
        raise look.fault
    error = outcome.error
    if error is None and not look.done:
        error = ended_by_itself(outcome.exit_code)
    return {
        "handler": handler,
        "path": str(root),
        "ok": error is None and not look.errors,
        "connected": connection.made,
        "init_error": _failure.document(error),
        "phases": look.phases,
        "skipped": list(default_registry.skipped),
        "errors": [_error(each) for each in look.errors],
    }


class _Look(Instrument):
    """Makes the plan when the handler is loaded, where the function is: in its folder, with its environment."""

    def __init__(self, phases: Iterable[Phase]) -> None:
        self._wanted: Final = tuple(phases)
        self.done = False
        self.phases: Final[dict[str, list[HookDocument]]] = {}
        self.errors: Final[list[Exception]] = []
        self.fault: Exception | None = None

    @override
    def initialized(self) -> None:
        self.done = True
        ours = logging.getLogger("snapstart_hooks")
        level = ours.level
        ours.setLevel(logging.WARNING)  # what is left out is in the report
        try:
            self._attempt(default_registry.discover)  # where some fail, the hooks of all others are included
            self._attempt(self._plan)
        except Exception as error:  # noqa: BLE001 - raised where the runtime is not around
            self.fault = error
        finally:
            ours.setLevel(level)

    def _attempt(self, step: Callable[[], object]) -> None:
        try:
            step()
        except DiscoveryError as group:
            self.errors.extend(group.exceptions)
        except SnapstartHooksError as error:
            self.errors.append(error)

    def _plan(self) -> None:
        settings = Settings()
        for phase in self._wanted:
            self.phases[phase.value] = _documents(default_registry.plan(phase), settings)


def _documents(hooks: Sequence[Hook], settings: Settings) -> list[HookDocument]:
    documents: list[HookDocument] = []
    for batch in batches(hooks):
        places = range(len(documents) + 1, len(documents) + len(batch) + 1)
        for place, hook in zip(places, batch, strict=True):
            provider = hook.provider
            documents.append(
                {
                    "place": place,
                    "name": hook.name,
                    "provider": provider.name if provider else None,
                    "distribution": (provider.distribution or None) if provider else None,
                    "version": provider.version if provider else None,
                    "location": hook.location,
                    "priority": hook.priority,
                    "after": list(hook.after),
                    "timeout": hook.timeout,
                    "required": settings.requires(hook.required, hook.names),
                    "concurrent": hook.concurrent,
                    "is_async": hook.is_async,
                    "overlaps": [other for other in places if other != place],
                }
            )
    return documents


def _error(error: Exception) -> ErrorDocument:
    provider = error.provider if isinstance(error, ProviderError) else None
    return {"type": type(error).__qualname__, "message": str(error), "provider": provider}
