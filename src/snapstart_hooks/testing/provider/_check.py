"""`check_provider`: what a library's hooks are, what they cost, and whether they do what they are for."""

from __future__ import annotations

import difflib
import importlib.metadata
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, Unpack

from snapstart_hooks._hook import normalise
from snapstart_hooks.testing._clones import directory
from snapstart_hooks.testing._target import references
from snapstart_hooks.testing.hazards import find_hazards
from snapstart_hooks.testing.provider import _judge
from snapstart_hooks.testing.provider._ask import ask
from snapstart_hooks.testing.provider._model import (
    ClonesCompared,
    LoadCost,
    ProviderHook,
    ProviderReport,
    ShippedProvider,
    TypesChecked,
)
from snapstart_hooks.testing.provider._types import check_types

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from snapstart_hooks.testing._clones import CloneOptions
    from snapstart_hooks.testing._target import Subject
    from snapstart_hooks.testing.hazards import HazardReport
    from snapstart_hooks.testing.provider._ask import Answer
    from snapstart_hooks.testing.provider._types import Checkers
    from snapstart_hooks.testing.provider._wire import Application, CostMessage, Question, RoundMessage

__all__ = ("check_provider",)

_ROUNDS: Final = 3
"""How many times both phases run: an amount that grows in two rounds counts as growing."""
_STAND_IN: Final = "snapstart_hooks.runtime.handler.lambda_handler"
_INSTEAD_OF: Final = "SNAPSTART_HOOKS_HANDLER"
_DISABLE: Final = "SNAPSTART_HOOKS_DISABLE"
_OURS: Final = "snapstart-hooks"
_POLICY: Final[Mapping[str, None]] = {_DISABLE: None, "SNAPSTART_HOOKS_ALLOW": None}
"""The settings that disable hooks: those of this shell are not the function's, so they are unset."""


def check_provider(
    distribution: str,
    *,
    app: Subject | None = None,
    clones: int = 2,
    accept: Mapping[str, str] | None = None,
    types: Checkers = "auto",
    on_step: Callable[[str], None] | None = None,
    **options: Unpack[CloneOptions],
) -> ProviderReport:
    """Check the SnapStart hooks that an installed distribution ships.

    Interpreters of their own load the providers as discovery does: the report has what that imports, starts and opens,
    and what discovery refuses or warns of.  Both phases run three times; then a type checker runs, if one is installed;
    and an application is restored in clones, without the hooks and with them.

    Problems of the hooks are in the report; ``check_provider(...).check()`` raises an error for them.

    Args:
        distribution: The name of the distribution, as pip knows it.  It must be installed, at least as editable.
        app: A small application that uses the library, as for `clones`: a handler string, a
            function, or a `Target`.  It is also imported before the hooks run here.
        clones: The number of clones; a repeated value needs two, and with 0 the application is only imported.
        accept: Hazards that do no harm in the application, as for `find_hazards`.
        types: The type checker: ``auto`` is mypy, else pyright, if installed; ``no`` saves its time.
        on_step: A function that is called with the name of each step.
        **options: The options of `clones`; ``init_timeout`` also limits how long the hooks may take here.

    Raises:
        ValueError: No such distribution is installed, or an argument has a wrong value.
        TypeError: An argument has the wrong type.
        CloneUnsupported: Clones cannot be made here; the message says why.
        CloneError: The processes could not be run.
    """
    if clones < 0:
        msg = f"clones={clones} must not be below 0"
        raise ValueError(msg)
    root = directory(options.get("task_root"))
    path = [str(root), *(str(Path(entry).absolute()) for entry in sys.path)]
    name, version = _installed(distribution, path)
    report_step = on_step or _ignore_step
    report_step(f"loading {name} and running its hooks {_ROUNDS} times")
    question: Question = {
        "path": path,
        "distribution": name,
        "application": None if app is None else _application(app),
        "rounds": _ROUNDS,
    }
    answer = ask(question, _environment(options), root, options.get("init_timeout", 130.0))
    providers = _providers(answer)
    with ThreadPoolExecutor(1) as pool:
        checking = pool.submit(check_types, providers, path, types)
        compared = (
            None
            if app is None or not clones
            else _compare(name, app, clones, accept=accept, report_step=report_step, options=options)
        )
        if not checking.done() and types != "no":
            report_step("asking a type checker")
        checked = checking.result()
    return _report(name, version, answer, providers=providers, types=checked, compared=compared)


def _ignore_step(_step: str) -> None:
    """Ignore the name of a step."""


def _installed(distribution: str, path: list[str]) -> tuple[str, str]:
    """Its name and version.

    Raises:
        ValueError: It is not installed.
    """
    installed: dict[str, importlib.metadata.Distribution] = {}
    for each in importlib.metadata.distributions(path=path):
        if each.metadata["Name"]:  # damaged metadata has none
            installed.setdefault(normalise(each.metadata["Name"]), each)
    found = installed.get(normalise(distribution))
    if found is None:
        near = difflib.get_close_matches(normalise(distribution), installed, 1)
        meant = f" Did you mean {installed[near[0]].metadata['Name']!r}?" if near else ""
        msg = f"no distribution {distribution!r} is installed here.{meant} Install it first: pip install --editable ."
        raise ValueError(msg)
    return found.metadata["Name"], found.version


def _environment(options: CloneOptions) -> dict[str, str]:
    """As on Lambda, but that nobody waits there."""
    environment: dict[str, str | None] = {
        **os.environ,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
        **_POLICY,
        **(options.get("environment") or {}),
    }
    return {name: value for name, value in environment.items() if value is not None}


def _application(app: Subject) -> Application:
    """What of the application the library's hooks may find alive."""
    handler, init, probe = references(app)
    if probe is None:
        return {"module": handler.replace("/", ".").rpartition(".")[0], "file": None, "init": ""}
    made = init or probe
    return {"module": made["module"], "file": made["file"], "init": init["qualname"] if init else ""}


def _compare(
    distribution: str,
    app: Subject,
    clones: int,
    *,
    accept: Mapping[str, str] | None,
    report_step: Callable[[str], None],
    options: CloneOptions,
) -> ClonesCompared:
    """Restore the application without the hooks and with them."""
    environment: dict[str, str | None] = {**_POLICY, **(options.get("environment") or {})}
    subject = app
    if isinstance(app, str):
        # It need not import this package to have the hooks of libraries.
        subject, environment[_INSTEAD_OF] = _STAND_IN, app

    # What comes with this package may mend what the library's own hooks are asked to.
    left_out = {environment[_DISABLE] or "", *({_OURS} - {distribution})} - {""}

    def found(*disabled: str) -> HazardReport:
        names = ",".join(sorted({*left_out, *disabled}))
        chosen: CloneOptions = {
            "dead_connections": True,
            **options,
            "environment": {**environment, _DISABLE: names or None},
        }
        return find_hazards(clones, subject, accept=accept, **chosen)

    report_step("restoring the application in clones without the hooks")
    without = found(distribution)
    report_step("restoring the application in clones with the hooks")
    return ClonesCompared(without, found())


def _providers(answer: Answer) -> tuple[ShippedProvider, ...]:
    """Collect the messages of each provider."""
    costs = {message["what"]: message for message in answer.messages if message["type"] == "cost"}
    refusals: dict[str, str] = {}
    registries: list[str] = []
    hooks: dict[str, dict[tuple[str, str], ProviderHook]] = {}
    for message in answer.messages:
        if message["type"] == "discovered":
            registries = message["registries"]
            refusals = {error["provider"]: error["message"] for error in message["errors"]}
    for round_ in _rounds(answer):
        for result in round_["results"]:
            record = result["hook"]
            hooks.setdefault(record["provider"], {})[record["phase"], record["name"]] = ProviderHook(
                name=record["name"],
                phase=record["phase"],
                location=record["location"],
                priority=record["priority"],
                after=tuple(record["after"]),
                timeout=record["timeout"],
                required=record["required"],
                concurrent=record["concurrent"],
                is_async=record["is_async"],
            )
    return tuple(
        ShippedProvider(
            name=name,
            value=declared["value"],
            package=declared["package"] or None,
            registry=name in registries,
            names=tuple(costs[name]["names"]) if name in costs else (),
            refusal=refusals.get(name) or (costs[name]["error"] if name in costs else "") or None,
            cost=_cost(costs.get(name)),
            package_cost=_cost(costs.get(declared["package"])),
            hooks=tuple(hooks.get(name, {}).values()),
        )
        for message in answer.messages
        if message["type"] == "found"
        for declared in message["declared"]
        for name in (declared["name"],)
    )


def _rounds(answer: Answer) -> list[RoundMessage]:
    return [message for message in answer.messages if message["type"] == "round"]


def _cost(message: CostMessage | None) -> LoadCost | None:
    if message is None:
        return None
    return LoadCost(
        seconds=message["seconds"],
        modules=tuple(message["modules"]),
        foreign=tuple(message["foreign"]),
        threads=tuple(message["threads"]),
        opened=tuple(message["opened"]),
        did=tuple(message["did"]),
    )


def _report(
    distribution: str,
    version: str,
    answer: Answer,
    *,
    providers: tuple[ShippedProvider, ...],
    types: TypesChecked,
    compared: ClonesCompared | None,
) -> ProviderReport:
    skipped = [text for message in answer.messages if message["type"] == "found" for text in message["skipped"]]
    warnings = [text for message in answer.messages if message["type"] == "discovered" for text in message["warnings"]]
    rounds = _rounds(answer)
    problems = [
        *_judge.of_loading(distribution, providers, warnings, skipped),
        *_judge.of_rounds(distribution, rounds, answer),
        *_judge.of_types(types, distribution),
        *(_judge.of_clones(compared, distribution, providers) if compared is not None else ()),
    ]
    notes = [
        f"{provider.name}: its hooks are for each object that `instances` gives, and it gave none. "
        "Let an application make one"
        for provider in providers
        if "instances" in provider.names and not provider.hooks and provider.refusal is None
    ]
    notes += types.notes
    if compared is not None:
        notes += dict.fromkeys((*compared.without_hooks.notes, *compared.with_hooks.notes))
    return ProviderReport(
        distribution=distribution,
        version=version,
        providers=providers,
        skipped=tuple(skipped),
        warnings=tuple(warnings),
        rounds=len(rounds),
        types=types,
        clones=compared,
        problems=tuple(sorted(problems, key=lambda problem: problem.severity)),
        notes=tuple(notes),
    )
