"""``snapstart-hooks plan HANDLER``: which hooks would run, in which order, and which library declares them."""

from __future__ import annotations

import dataclasses
import difflib
import json
import logging
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

from snapstart_hooks import Phase
from snapstart_hooks._compat import override
from snapstart_hooks.cli import _errors, _outcome, _terminal
from snapstart_hooks.cli._arguments import ENVIRONMENT, FunctionOptions, add_function, prepare
from snapstart_hooks.cli._connection import Connection, advice
from snapstart_hooks.cli._process import run_function
from snapstart_hooks.errors import DiscoveryError, ProviderError, SnapstartHooksError
from snapstart_hooks.testing import Instrument
from snapstart_hooks.testing._core import UNUSED, Settings, batches, default_registry, normalise, remedies
from snapstart_hooks.testing._outcome import ended_by_itself

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from snapstart_hooks import Hook
    from snapstart_hooks.cli._console import Cell, ReportConsole

__all__ = ("DESCRIPTION", "EPILOG", "add_arguments", "run", "unmatched")

DESCRIPTION: Final = """\
Import a function as Lambda does, find the hooks that the function and all installed
libraries declare, and show in which order they would run. No hook is run.
"""
EPILOG: Final = f"""\
examples:
  snapstart-hooks plan app.lambda_handler
  snapstart-hooks plan app.lambda_handler --path build --layer layer --phase after_restore
  snapstart-hooks plan app.lambda_handler --json | jq '.phases.after_restore[].name'

{
    _errors.exit_codes(
        _errors.OK,
        _errors.USAGE,
        _errors.INIT,
        (
            _errors.BEFORE_SNAPSHOT,
            "no version can be published: hooks of a library cannot be used, or `after` forms a cycle",
        ),
    )
}
{ENVIRONMENT}"""

_WHEN: Final = {
    Phase.BEFORE_SNAPSHOT: "once, when a version is published",
    Phase.AFTER_RESTORE: "in every restored environment, before its first invocation",
}


class _Options(FunctionOptions, Protocol):
    """The arguments that `add_arguments` adds."""

    phase: str | None


class _Planned(NamedTuple):
    """A hook and its place in the plan.

    Attributes:
        place: The hook's place, from 1.
        hook: The hook.
        required: Whether a failure of the hook fails the phase; settings of the environment are applied.
        overlaps: The places of the hooks that run at the same time.
        unmatched: The names in the hook's ``after`` that no hook has, each with the most similar name of a hook.
    """

    place: int
    hook: Hook
    required: bool
    overlaps: list[int]
    unmatched: dict[str, str | None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand to a parser."""
    add_function(parser)
    parser.add_argument("--phase", choices=[phase.value for phase in Phase], help="show only this phase")


def run(args: argparse.Namespace) -> int:
    """Print the plan; return the exit code."""
    options = cast("_Options", args)
    root, console = prepare(options)
    connection = Connection()
    planner = _Planner([Phase(options.phase)] if options.phase else list(Phase))
    outcome = run_function(options.handler, root, [connection, planner], hooks=False)
    if planner.bug is not None:
        raise planner.bug
    error = outcome.error or (None if planner.done else ended_by_itself(outcome.exit_code))
    if console is None:
        document: dict[str, object] = {
            "handler": options.handler,
            "path": str(root),
            "ok": error is None and not planner.errors,
            "connected": connection.made,
            "init_error": None if error is None else dataclasses.asdict(error),
            "phases": {
                phase.value: [_document(each, connected=connection.made) for each in hooks]
                for phase, hooks in planner.phases.items()
            },
            "skipped": list(default_registry.skipped),
            "warnings": list(default_registry.warnings),
            "errors": [
                {"type": type(each).__qualname__, "message": str(each), "provider": _provider(each)}
                for each in planner.errors
            ],
        }
        print(json.dumps(document, indent=2))
    elif error is not None:
        console.say((f"{options.handler} cannot be loaded", "bold"))
        _outcome.show_failure(error, console)
    else:
        _show(planner, root, console, connected=connection.made)
        if not connection.made:
            console.say((advice(options.handler), "yellow"))
    if error is not None:
        return _errors.INIT
    return _errors.BEFORE_SNAPSHOT if planner.errors else _errors.OK


class _Planner(Instrument):
    """Makes the plan when the handler is loaded, in the function's folder and with its environment.

    Attributes:
        done: Whether the handler was loaded.
        phases: The plan of each phase.
        errors: The reasons for which a version could not be published.
        bug: Any other exception, which the caller raises where no runtime catches it.
    """

    def __init__(self, phases: Sequence[Phase]) -> None:
        self._wanted: Final = phases
        self.done = False
        self.phases: Final[dict[Phase, list[_Planned]]] = {}
        self.errors: Final[list[Exception]] = []
        self.bug: Exception | None = None

    @override
    def initialized(self) -> None:
        self.done = True
        log = logging.getLogger("snapstart_hooks")
        level = log.level
        log.setLevel(logging.WARNING)  # the report has what is left out
        try:
            self._attempt(default_registry.discover)  # if some fail, the hooks of all others are included
            self._attempt(self._plan)
        except Exception as error:  # noqa: BLE001 - raised where no runtime is around
            self.bug = error
        finally:
            log.setLevel(level)

    def _attempt(self, step: Callable[[], object]) -> None:
        try:
            step()
        except DiscoveryError as group:
            self.errors.extend(group.exceptions)
        except SnapstartHooksError as error:
            self.errors.append(error)

    def _plan(self) -> None:
        settings, missing = Settings(), unmatched(default_registry.hooks)
        for phase in self._wanted:
            planned: list[_Planned] = []
            for batch in batches(default_registry.plan(phase)):
                places = range(len(planned) + 1, len(planned) + len(batch) + 1)
                planned += [
                    _Planned(
                        place,
                        hook,
                        settings.requires(hook.required, hook.names),
                        [other for other in places if other != place],
                        missing.get(hook, {}),
                    )
                    for place, hook in zip(places, batch, strict=True)
                ]
            self.phases[phase] = planned


def _provider(error: Exception) -> str | None:
    return error.provider if isinstance(error, ProviderError) else None


def _document(planned: _Planned, *, connected: bool) -> dict[str, object]:
    """Return a hook for the JSON document; ``runs`` is whether the hook would run on Lambda."""
    hook, provider = planned.hook, planned.hook.provider
    return {
        "place": planned.place,
        "name": hook.name,
        "provider": provider.name if provider else None,
        "distribution": (provider.distribution or None) if provider else None,
        "version": provider.version if provider else None,
        "location": hook.location,
        "priority": hook.priority,
        "after": list(hook.after),
        "unmatched": planned.unmatched,
        "timeout": hook.timeout,
        "required": planned.required,
        "concurrent": hook.concurrent,
        "is_async": hook.is_async,
        "overlaps": planned.overlaps,
        "runs": connected or provider is None,
    }


def _show(planner: _Planner, root: Path, console: ReportConsole, *, connected: bool) -> None:
    for phase, hooks in planner.phases.items():
        console.say((phase.value, "bold"), f"  {_terminal.count(len(hooks), 'hook')}, {_WHEN[phase]}")
        console.table([_row(each, root, connected=connected) for each in hooks], "rlrl")
        console.say()
    for title, style, lines in (
        ("left out", "bold", _folded(default_registry.skipped)),
        ("warnings", "bold", default_registry.warnings),
        ("errors", "bold red", [str(each) for each in planner.errors]),
    ):
        if lines:
            console.say((title, style))
            for line in lines:
                console.say(f"- {line}")
            console.say()
    if planner.errors:
        console.say(("Publishing a version would fail.", "red"))
    for remedy in remedies([each for each in planner.errors if isinstance(each, ProviderError)]):
        console.say(remedy)


def _folded(skipped: Sequence[str]) -> list[str]:
    """Fold what was left out: one line for all integrations of this package that have the same reason."""
    lines: list[str] = []
    integrations: dict[str, list[str]] = {}
    for line in skipped:
        name, _, reason = line.partition(": ")
        distribution, _, integration = name.partition(":")
        if distribution == "snapstart-hooks":
            # The JSON document has the modules that the function would have to import.
            reason = "not imported, so there is nothing to reset" if reason.endswith(UNUSED) else reason
            integrations.setdefault(reason, []).append(integration)
        else:
            lines.append(line)
    return lines + [f"snapstart-hooks: {', '.join(names)}: {reason}" for reason, names in integrations.items()]


def _row(planned: _Planned, root: Path, *, connected: bool) -> Sequence[Cell]:
    from rich.text import Text

    hook, provider = planned.hook, planned.hook.provider
    declared_by = provider.name if provider else "application"
    if provider and provider.distribution:
        declared_by = f"{provider.distribution} {provider.version or '(unknown version)'}"
    where = _terminal.short_location(hook.location, root)
    options = ["would not run on Lambda"] if provider and not connected else []
    return (
        str(planned.place),
        Text.assemble((hook.name, "bold"), "\n", (f"{declared_by}, {where}", "dim")),
        _terminal.priority(hook.priority),
        ", ".join([*options, *_options(planned)]),
    )


def _options(planned: _Planned) -> list[str]:
    """Describe the options that are not the default."""
    hook = planned.hook
    options: list[str] = []
    for name in hook.after:
        similar = planned.unmatched.get(name)
        hint = f", did you mean {similar}?" if similar else ""
        options.append(f"after {name} (not installed{hint})" if name in planned.unmatched else f"after {name}")
    if hook.timeout is not None:
        options.append(f"timeout {hook.timeout:g} s")
    if not planned.required:
        options.append("optional")
    if hook.is_async:
        options.append("async")
    if planned.overlaps:
        options.append(f"overlaps {', '.join(map(str, planned.overlaps))}")
    elif hook.concurrent:
        options.append("concurrent")
    return options


def unmatched(hooks: Sequence[Hook]) -> dict[Hook, dict[str, str | None]]:
    """Find the names in ``after`` that no hook of either phase has, each with the most similar name of a hook.

    Such a name is no error, for its library may not be installed; but the name may be misspelt.
    """
    known = sorted({name for hook in hooks for name in hook.names})
    found: dict[Hook, dict[str, str | None]] = {}
    for hook in hooks:
        for name in hook.after:
            if normalise(name) not in known:
                similar = difflib.get_close_matches(normalise(name), known, 1)
                found.setdefault(hook, {})[name] = similar[0] if similar else None
    return found
