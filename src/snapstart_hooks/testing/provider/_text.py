"""The report of a check as text, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sized

    from snapstart_hooks.testing.provider._model import LoadCost, ProviderHook, ProviderReport, ShippedProvider

__all__ = ("loaded", "options", "text")


def text(report: ProviderReport) -> str:
    """Return the whole report."""
    return "\n".join(_lines(report))


def _lines(report: ProviderReport) -> Iterator[str]:
    yield f"{report.distribution} {report.version}"
    for provider in report.providers:
        yield f"  {provider.name} = {provider.value}"
        yield f"    {loaded(provider)}"
        for hook in provider.hooks:
            yield f"    {hook.phase} {hook.name} ({hook.location}): {options(hook)}"
    if report.types.checker:
        yield f"  types: {_count(report.types.errors, 'error')} ({report.types.checker})"
    if report.clones is not None:
        compared = report.clones
        run = compared.with_hooks.run
        yield f"  application: {_count(run.clones, 'clone')}, backend {run.backend}"
        for word, hazards in (("cured", compared.cured), ("left", compared.left), ("caused", compared.caused)):
            yield from (f"  {word}: {hazard.code} {hazard.subject}" for hazard in hazards)
    for note in report.notes:
        yield f"  {note}"
    yield from (str(problem) for problem in report.problems)
    yield f"{_count(report.problems, 'problem')} found"


def loaded(provider: ShippedProvider) -> str:
    """Describe when a provider is loaded, and what that costs.

    Args:
        provider: The provider.
    """
    cost = "not known" if provider.cost is None else _cost(provider.cost)
    if provider.package is None:
        return f"always loaded: {cost}"
    more = f", after {_cost(provider.package_cost)} for {provider.package}" if provider.package_cost is not None else ""
    return f"loaded only if {provider.package} is imported: {cost}{more}"


def _cost(one: LoadCost) -> str:
    """Describe the time and the number of modules."""
    return f"{one.seconds * 1e3:.1f} ms, {_count(one.modules, 'module')}"


def options(hook: ProviderHook) -> str:
    """Describe the priority of a hook, and the options that are not the default.

    Args:
        hook: The hook.
    """
    described = [f"priority {hook.priority}", *(f"after {name}" for name in hook.after)]
    if hook.timeout is not None:
        described.append(f"timeout {hook.timeout:g} s")
    described += [
        word
        for word, applies in (
            ("optional", not hook.required),
            ("concurrent", hook.concurrent),
            ("async", hook.is_async),
        )
        if applies
    ]
    return ", ".join(described)


def _count(things: Sized, what: str) -> str:
    return f"{len(things) or 'no'} {what}{'s' * (len(things) != 1)}"
