"""What of all that was seen is a problem, and what to do about it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from snapstart_hooks.testing.provider._model import ProviderProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from snapstart_hooks.testing.provider._ask import Answer
    from snapstart_hooks.testing.provider._model import ClonesCompared, LoadCost, ShippedProvider, TypesChecked
    from snapstart_hooks.testing.provider._wire import RoundMessage

__all__ = ("of_clones", "of_loading", "of_rounds", "of_types")


def of_loading(
    distribution: str, providers: Sequence[ShippedProvider], warnings: Sequence[str], skipped: Sequence[str]
) -> Iterator[ProviderProblem]:
    """What is wrong before any hook runs."""
    if not providers:
        yield ProviderProblem(
            "no-provider",
            distribution,
            "it declares no entry point in the group snapstart.hooks, so no hook of it runs anywhere",
            'In pyproject.toml: [project.entry-points."snapstart.hooks"]. Then install it again: '
            "entry points are read from the installed metadata.",
        )
    for text in warnings:
        yield ProviderProblem("discovery-warns", distribution, text, "")
    for text in skipped:
        yield ProviderProblem("left-out", distribution, text, "Uninstall what is not wanted.")
    for provider in providers:
        if provider.refusal is not None:
            where = f" where {provider.package} is imported; elsewhere nobody notices" if provider.package else ""
            yield ProviderProblem("refused", provider.name, provider.refusal, f"Publishing a version fails{where}.")
        elif provider.cost is not None:
            yield from _cost(provider, provider.cost)


def _cost(provider: ShippedProvider, cost: LoadCost) -> Iterator[ProviderProblem]:
    module = provider.value.partition("[")[0].partition(":")[0].strip()
    others = [name for name in cost.foreign if name != module]
    if provider.package is None and others:
        yield ProviderProblem(
            "always-loaded",
            provider.name,
            f"{module!r} is a top-level module, so every function loads it where the distribution is installed, used "
            f"or not: {len(cost.modules)} modules in {cost.seconds * 1e3:.0f} ms, {_some(others)} among them",
            "Name a module inside of the package: then it is loaded only if the package is. Or import in the hooks.",
            "warning",
        )
    for what, found, advice in (
        ("loading it starts", cost.threads, "Start it when it is needed: it would be in every snapshot."),
        ("loading it leaves open", cost.opened, "Open it when it is needed: it would be in every snapshot."),
        ("while it is loaded, it", cost.did, "Do that when it is needed: every function that publishes loads this."),
    ):
        if found:
            yield ProviderProblem("acts-when-loaded", provider.name, f"{what} {', '.join(found)}", advice, "warning")


def of_rounds(distribution: str, rounds: Sequence[RoundMessage], answer: Answer) -> Iterator[ProviderProblem]:
    """What is wrong with hooks that run several times."""
    for message in answer.messages:
        if message["type"] == "fault":
            yield ProviderProblem("failed", distribution, f"{message['what']} raised {message['message']}", "")
    if answer.ended:
        yield ProviderProblem(
            "ended",
            distribution,
            answer.ended,
            "Neither loading a provider nor a hook may end the process: publishing, or every restore, would fail.",
        )
    yield from _failures(rounds)
    yield from _growth(distribution, "threads", [message["threads"] for message in rounds])
    yield from _growth(distribution, "open files and sockets", [message["opened"] for message in rounds])


def _failures(rounds: Sequence[RoundMessage]) -> Iterator[ProviderProblem]:
    """Hooks that did not end well, each as it failed first."""
    seen: set[tuple[str, str]] = set()
    for number, message in enumerate(rounds, 1):
        for result in message["results"]:
            hook = result["hook"]
            key = hook["name"], hook["phase"]
            if result["outcome"] == "ok" or key in seen:
                continue
            seen.add(key)
            yield ProviderProblem(
                "hook-fails" if number == 1 else "not-repeatable",
                hook["name"],
                f"{hook['phase']} ({hook['location']}) {result['outcome']}: {result['error']}",
                "" if number == 1 else f"This was time {number}. Hooks run again: Lambda takes new snapshots later.",
                "error" if hook["required"] else "warning",
            )


def _growth(distribution: str, what: str, rounds: Sequence[Sequence[str]]) -> Iterator[ProviderProblem]:
    """What there is more of each time."""
    counts = [len(names) for names in rounds]
    if len(counts) > _TWO and all(one < other for one, other in itertools.pairwise(counts)):
        new = list(rounds[-1])
        for name in rounds[0]:
            if name in new:
                new.remove(name)
        yield ProviderProblem(
            "grows",
            distribution,
            f"each time that both phases have run there are more {what}: {', '.join(map(str, counts))}; "
            f"new are {_some(new)}",
            "End in before_snapshot what after_restore begins.",
        )


def of_types(types: TypesChecked, distribution: str) -> Iterator[ProviderProblem]:
    """What a type checker reports."""
    for error in types.errors:
        yield ProviderProblem("types", distribution, error, "")


def of_clones(
    compared: ClonesCompared, distribution: str, providers: Sequence[ShippedProvider]
) -> Iterator[ProviderProblem]:
    """What clones of an application show."""
    run = compared.with_hooks.run
    for failure in dict.fromkeys(run.failures):
        also = "" if compared.without_hooks.run.ok else " (without the hooks it fails, too)"
        yield ProviderProblem("application-fails", distribution, f"{failure}{also}", "")
    ours = {provider.name for provider in providers}
    reports = [run.snapshot.before_report, *(clone.after_report for clone in run.clones)]
    ran = {hook["provider"] for report in reports if report is not None for hook in report["hooks"]}
    if run.clones and not ran & ours:
        yield ProviderProblem(
            "did-not-run",
            distribution,
            "none of its hooks ran in the clones",
            "Let the application import the library. If it is a function, let its module import snapstart_hooks, too.",
        )
    for hazard in compared.caused:
        yield ProviderProblem(
            "hazard-caused",
            hazard.subject,
            f"{hazard.code}, only with the hooks: {hazard.evidence}",
            hazard.remedy,
            hazard.severity,
        )
    for hazard in compared.left:
        yield ProviderProblem(
            "hazard-left",
            hazard.subject,
            f"{hazard.code}, with the hooks too: {hazard.evidence}",
            hazard.remedy,
            hazard.severity,
        )


def _some(names: Sequence[str], limit: int = 5) -> str:
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


_TWO: Final = 2
"""Growing once may be what is made ready for all further times."""
