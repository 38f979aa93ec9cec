"""``snapstart-hooks plan HANDLER``: what would run, in which order, and whose it is."""

from __future__ import annotations

import dataclasses
import difflib
import json
import logging
import sys
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

from snapstart_hooks import Phase
from snapstart_hooks.cli import _errors, _outcome, _terminal
from snapstart_hooks.cli._arguments import ENVIRONMENT, add_function, directory, need_runtime
from snapstart_hooks.cli._connection import Connection, advice
from snapstart_hooks.cli._process import function_output
from snapstart_hooks.errors import DiscoveryError, ProviderError, SnapstartHooksError
from snapstart_hooks.testing import Instrument, run_in_process
from snapstart_hooks.testing._core import UNUSED, Settings, batches, default_registry, normalise
from snapstart_hooks.testing._outcome import ended_by_itself

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from snapstart_hooks import Hook

__all__ = ("DESCRIPTION", "EPILOG", "add_arguments", "run")

DESCRIPTION: Final = """\
Import a function as Lambda does, find the hooks that it and all installed libraries
declare, and show in which order they would run. Nothing of a hook is run.
"""
EPILOG: Final = f"""\
examples:
  snapstart-hooks plan app.lambda_handler
  snapstart-hooks plan app.lambda_handler --path build --phase after_restore
  snapstart-hooks plan app.lambda_handler --json | jq '.phases.after_restore[].name'

{_errors.table(_errors.OK, _errors.USAGE, _errors.INIT, _errors.BEFORE_SNAPSHOT)}\
       (a library's hooks cannot be used, or `after` forms a cycle)

{ENVIRONMENT}"""

_WHEN: Final = {
    Phase.BEFORE_SNAPSHOT: "once, when a version is published",
    Phase.AFTER_RESTORE: "in every restored environment, before its first invocation",
}


class _Options(Protocol):
    """What `add_arguments` makes argparse give."""

    handler: str
    path: str
    phase: str | None
    json: bool


class _Planned(NamedTuple):
    """A hook and its place in the plan.

    Attributes:
        place: From 1 on.
        hook: The hook.
        required: Whether its failure fails the phase, after what the environment says.
        overlaps: The places of the hooks that run at the same time.
        unmatched: Names in its ``after`` that nothing installed bears, each with the nearest that something does.
    """

    place: int
    hook: Hook
    required: bool
    overlaps: list[int]
    unmatched: dict[str, str | None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Give a parser the arguments."""
    add_function(parser)
    parser.add_argument("--phase", choices=[phase.value for phase in Phase], help="show this phase only")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Print the plan; return the exit code."""
    options = cast("_Options", args)
    root = directory(options.path)
    console = None if options.json else _terminal.console()
    need_runtime()
    connection, look = Connection(), _Look([Phase(options.phase)] if options.phase else list(Phase))
    with function_output():
        outcome = run_in_process(
            options.handler, (), hooks=False, task_root=root, capture=False, instruments=[connection, look]
        )
    if look.fault is not None:
        raise look.fault
    error = outcome.error or (None if look.done else ended_by_itself(outcome.exit_code))
    if console is None:
        document: dict[str, object] = {
            "handler": options.handler,
            "path": str(root),
            "ok": error is None and not look.errors,
            "connected": connection.made,
            "init_error": None if error is None else dataclasses.asdict(error),
            "phases": {
                phase.value: [_document(each, connected=connection.made) for each in hooks]
                for phase, hooks in look.phases.items()
            },
            "skipped": list(default_registry.skipped),
            "warnings": list(default_registry.warnings),
            "errors": [
                {"type": type(each).__qualname__, "message": str(each), "provider": _provider(each)}
                for each in look.errors
            ],
        }
        print(json.dumps(document, indent=2))
    elif error is not None:
        console.print(f"{options.handler} cannot be loaded", style="bold", markup=False)
        _outcome.show_failure(error, console)
    else:
        _show(look, root, console, connected=connection.made)
        if not connection.made:
            console.print(advice(options.handler), style="yellow", markup=False)
    if error is not None:
        return _errors.INIT
    return _errors.BEFORE_SNAPSHOT if look.errors else _errors.OK


class _Look(Instrument):
    """Makes the plan when the handler is loaded, where the function is: in its folder, with its environment."""

    def __init__(self, phases: Sequence[Phase]) -> None:
        self._wanted: Final = phases
        self.done = False
        self.phases: Final[dict[Phase, list[_Planned]]] = {}
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
        settings, odd = Settings(), unmatched(default_registry.hooks)
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
                        odd.get(hook, {}),
                    )
                    for place, hook in zip(places, batch, strict=True)
                ]
            self.phases[phase] = planned


def _provider(error: Exception) -> str | None:
    return error.provider if isinstance(error, ProviderError) else None


def _document(planned: _Planned, *, connected: bool) -> dict[str, object]:
    """A hook as JSON holds it; ``runs`` tells whether it would on Lambda."""
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


def _show(look: _Look, root: Path, console: Console, *, connected: bool) -> None:
    from rich.text import Text

    for phase, hooks in look.phases.items():
        title = f"  {_terminal.count(len(hooks), 'hook')}, {_WHEN[phase]}"
        console.print(Text.assemble((phase.value, "bold"), title))
        if hooks:
            console.print(_table(hooks, root, connected=connected))
        console.print()
    for title, lines in (
        ("left out", _folded(default_registry.skipped)),
        ("warnings", default_registry.warnings),
        ("errors", [str(each) for each in look.errors]),
    ):
        if lines:
            console.print(Text(title, style="bold red" if title == "errors" else "bold"))
            for line in lines:
                console.print(Text(f"- {line}"))
            console.print()
    if look.errors:
        console.print(Text("Publishing a version would fail.", style="red"))
    if broken := [provider for each in look.errors if (provider := _provider(each))]:
        console.print(Text(f"Until that is mended, SNAPSTART_HOOKS_DISABLE={','.join(broken)} leaves it out."))


def _folded(skipped: Sequence[str]) -> list[str]:
    """What was left out, with one line for all integrations of ours that are for the same reason."""
    lines: list[str] = []
    ours: dict[str, list[str]] = {}
    for line in skipped:
        name, _, reason = line.partition(": ")
        distribution, _, integration = name.partition(":")
        if distribution == "snapstart-hooks":
            # Which modules of a library somebody would have to import is in the JSON document.
            reason = "not imported, so there is nothing to reset" if reason.endswith(UNUSED) else reason
            ours.setdefault(reason, []).append(integration)
        else:
            lines.append(line)
    return lines + [f"snapstart-hooks: {', '.join(names)}: {reason}" for reason, names in ours.items()]


def _table(hooks: Sequence[_Planned], root: Path, *, connected: bool) -> Table:
    table = _terminal.columns("right", "left", "right", "left")
    for each in hooks:
        told = _options(each)
        if each.hook.provider and not connected:
            told.insert(0, "would not run on Lambda")
        table.add_row(str(each.place), _name(each.hook, root), _terminal.priority(each.hook.priority), ", ".join(told))
    return table


def _name(hook: Hook, root: Path) -> Text:
    from rich.text import Text

    provider = hook.provider
    whose = provider.name if provider else "application"
    if provider and provider.distribution:
        whose = f"{provider.distribution} {provider.version or '(unknown version)'}"
    where = _terminal.short_place(hook.location, root)
    return Text.assemble((hook.name, "bold"), "\n", (f"{whose}, {where}", "dim"))


def _options(planned: _Planned) -> list[str]:
    """What is not the default."""
    hook = planned.hook
    told: list[str] = []
    for name in hook.after:
        near = planned.unmatched.get(name)
        what = f", did you mean {near}?" if near else ""
        told.append(f"after {name} (not installed{what})" if name in planned.unmatched else f"after {name}")
    if hook.timeout is not None:
        told.append(f"timeout {hook.timeout:g} s")
    if not planned.required:
        told.append("optional")
    if hook.is_async:
        told.append("async")
    if planned.overlaps:
        told.append(f"overlaps {', '.join(map(str, planned.overlaps))}")
    elif hook.concurrent:
        told.append("concurrent")
    return told


def unmatched(hooks: Sequence[Hook]) -> dict[Hook, dict[str, str | None]]:
    """For each hook the names in its ``after`` that no hook of either phase bears, each with the nearest that one does.

    That is no error, for what it waits for may not be installed; but it may be misspelt.
    """
    known = sorted({name for hook in hooks for name in hook.names})
    found: dict[Hook, dict[str, str | None]] = {}
    for hook in hooks:
        for name in hook.after:
            if normalise(name) not in known:
                found.setdefault(hook, {})[name] = next(
                    iter(difflib.get_close_matches(normalise(name), known, 1)), None
                )
    return found
