"""The report of a check of a library's hooks."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from snapstart_hooks._compat import override
from snapstart_hooks.errors import SnapstartHooksError

if TYPE_CHECKING:
    from snapstart_hooks.testing.hazards import Hazard, HazardReport

__all__ = (
    "ClonesCompared",
    "LoadCost",
    "ProviderCheckFailed",
    "ProviderHook",
    "ProviderProblem",
    "ProviderReport",
    "ShippedProvider",
    "TypesChecked",
)


class ProviderCheckFailed(SnapstartHooksError, AssertionError):
    """The hooks that a library ships have problems (see `ProviderReport.check`)."""


@dataclass(frozen=True)
class ProviderProblem:
    """A problem of the hooks that a library ships.

    Attributes:
        code: The kind of problem, in a few words joined by hyphens.
        subject: The provider, hook or distribution with the problem.
        message: What the check observed.
        remedy: What to do; empty if the message says it.
        severity: An ``error`` breaks functions of its users, or is silently without effect; a ``warning`` costs them.
    """

    code: str
    subject: str
    message: str
    remedy: str
    severity: Literal["error", "warning"] = "error"

    @override
    def __str__(self) -> str:
        remedy = f"\n    {self.remedy}" if self.remedy else ""
        return f"{self.severity} {self.code}: {self.subject}: {self.message}{remedy}"


@dataclass(frozen=True)
class LoadCost:
    """The cost of loading a module, measured in an interpreter of its own.

    Attributes:
        seconds: The wall time.
        modules: The modules that it imports, without those that are imported already, such as by the Lambda runtime.
        foreign: The ones of these that are not in Python's standard library.
        threads: The threads that it starts.
        opened: The files and sockets that it opens and does not close.
        did: Its other effects: connections, look-ups of names, processes.
    """

    seconds: float
    modules: tuple[str, ...]
    foreign: tuple[str, ...]
    threads: tuple[str, ...]
    opened: tuple[str, ...]
    did: tuple[str, ...]


@dataclass(frozen=True)
class ProviderHook:
    """A hook that ran, with its options.

    Attributes:
        name: The name in reports, edges and settings.
        phase: ``before_snapshot`` or ``after_restore``.
        location: ``file:line``.
        priority: The place in the restore order.
        after: The names of the hooks and providers that come back before this one.
        timeout: The time limit in seconds; ``None`` if there is none.
        required: Whether a failure fails the phase.
        concurrent: Whether the hook may overlap others of equal priority.
        is_async: Whether a call returns a coroutine.
    """

    name: str
    phase: str
    location: str
    priority: int
    after: tuple[str, ...]
    timeout: float | None
    required: bool
    concurrent: bool
    is_async: bool


@dataclass(frozen=True)
class ShippedProvider:
    """A provider, declared by an entry point of the group ``snapstart.hooks``.

    Attributes:
        name: ``<distribution>:<entry point>``.
        value: The object reference of the entry point.
        package: The package that a function must import for the provider to be loaded; ``None`` if it always is.
        registry: Whether the provider is a `Registry`.
        names: The names of the contract that the provider has, such as ``after_restore`` and ``instances``.
        refusal: The error of discovery that refuses the provider; ``None`` if there is none.
        cost: The cost of loading the provider; ``None`` if it is not known.
        package_cost: The cost of importing `package` before, which a function that does not import it saves, too.
        hooks: The hooks that ran.
    """

    name: str
    value: str
    package: str | None
    registry: bool
    names: tuple[str, ...]
    refusal: str | None
    cost: LoadCost | None
    package_cost: LoadCost | None
    hooks: tuple[ProviderHook, ...]


@dataclass(frozen=True)
class TypesChecked:
    """The result of a type checker for the providers.

    Attributes:
        checker: The name and version of the checker; empty if none ran.
        errors: The errors that it reports.
        notes: The reasons why it did not run, or cannot check a provider.
    """

    checker: str
    errors: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ClonesCompared:
    """An application that uses the library, restored in clones twice.

    Attributes:
        without_hooks: The report without the library's hooks.
        with_hooks: The report with the hooks.
    """

    without_hooks: HazardReport
    with_hooks: HazardReport

    @property
    def cured(self) -> tuple[Hazard, ...]:
        """The hazards that exist only without the hooks."""
        remaining = {(hazard.code, hazard.subject) for hazard in self.with_hooks.open}
        return tuple(hazard for hazard in self.without_hooks.open if (hazard.code, hazard.subject) not in remaining)

    @property
    def caused(self) -> tuple[Hazard, ...]:
        """The hazards that exist only with the hooks."""
        known = {(hazard.code, hazard.subject) for hazard in self.without_hooks.open}
        return tuple(hazard for hazard in self.with_hooks.open if (hazard.code, hazard.subject) not in known)

    @property
    def left(self) -> tuple[Hazard, ...]:
        """The hazards that exist without the hooks and with them."""
        caused = self.caused
        return tuple(hazard for hazard in self.with_hooks.open if hazard not in caused)


@dataclass(frozen=True)
class ProviderReport:
    """The report of a check.

    Attributes:
        distribution: The name of the installed distribution.
        version: The version of the distribution.
        providers: The providers that the distribution declares.
        skipped: The providers that discovery leaves out, each with the reason.
        warnings: The warnings of discovery.
        rounds: How many times both phases ran.
        types: The result of a type checker.
        clones: The comparison of an application's clones; ``None`` without an application.
        problems: All problems, errors first.
        notes: Further remarks.
    """

    distribution: str
    version: str
    providers: tuple[ShippedProvider, ...]
    skipped: tuple[str, ...]
    warnings: tuple[str, ...]
    rounds: int
    types: TypesChecked
    clones: ClonesCompared | None
    problems: tuple[ProviderProblem, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether no problem is an error."""
        return not self.failing("error")

    def failing(self, fail_on: Literal["error", "warning"]) -> tuple[ProviderProblem, ...]:
        """Return the problems of a severity or a higher one.

        Args:
            fail_on: The lowest severity.
        """
        return tuple(each for each in self.problems if fail_on == "warning" or each.severity == "error")

    def check(self, fail_on: Literal["error", "warning"] = "error") -> None:
        """Raise an error if there is a problem.

        Args:
            fail_on: The lowest severity that counts.

        Raises:
            ProviderCheckFailed: There is a problem; the message is the whole report.
        """
        if self.failing(fail_on):
            raise ProviderCheckFailed(str(self))

    def to_dict(self) -> dict[str, object]:
        """Return the report for JSON."""
        document: dict[str, object] = {
            name: value
            for name, value in dataclasses.asdict(dataclasses.replace(self, clones=None)).items()
            if name != "clones"
        }
        compared = self.clones
        document["ok"] = self.ok
        document["clones"] = compared and {
            "without": [hazard.to_dict() for hazard in compared.without_hooks.hazards],
            "with": [hazard.to_dict() for hazard in compared.with_hooks.hazards],
            "cured": [f"{hazard.code}:{hazard.subject}" for hazard in compared.cured],
            "caused": [f"{hazard.code}:{hazard.subject}" for hazard in compared.caused],
            "left": [f"{hazard.code}:{hazard.subject}" for hazard in compared.left],
            "backend": compared.with_hooks.run.backend,
        }
        return document

    @override
    def __str__(self) -> str:
        """Return the report as text: the providers, their hooks, and all problems."""
        from snapstart_hooks.testing.provider._text import text

        return text(self)
