"""What a check of a library's hooks found."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

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
    """What is wrong with the hooks that a library ships.

    Attributes:
        code: What kind it is, in a few words joined by hyphens.
        subject: The provider, hook or distribution that it is about.
        message: What was seen.
        remedy: What to do about it; empty if the message says it.
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
    """What loading something takes and does, measured in an interpreter of its own.

    Attributes:
        seconds: Of wall time.
        modules: Those that it imports beyond what is there already, such as those of the Lambda runtime.
        foreign: Of these, those that are not of Python's standard library.
        threads: Those that it starts.
        opened: Files and sockets that it opens and does not close.
        did: What it does with others: connections, look-ups of names, processes.
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
        name: Its name in reports, edges and settings.
        phase: ``before_snapshot`` or ``after_restore``.
        location: ``file:line``.
        priority: Its place in the restore order.
        after: What comes back before it.
        timeout: Seconds; ``None`` for no limit of its own.
        required: Whether its failure fails the phase.
        concurrent: Whether it may overlap neighbours.
        is_async: Whether a call gives a coroutine.
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
    """One entry point of the group ``snapstart.hooks``.

    Attributes:
        name: ``<distribution>:<entry point>``.
        value: The object reference that it gives.
        package: Whose import by the function makes discovery load it; ``None`` if it is always loaded.
        registry: Whether it is a `Registry`.
        names: What it has of the names that mean something, such as ``after_restore`` and ``instances``.
        refusal: Why discovery refuses it, in its words; ``None`` if it does not.
        cost: What loading it costs; ``None`` if that is not known.
        package_cost: What importing `package` before costs: with `cost`, what is spared where nobody imports that.
        hooks: Its hooks, as they ran.
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
    """What a type checker says of the providers.

    Attributes:
        checker: Its name and version; empty if none was asked.
        errors: What it reports.
        notes: Why it was not asked, or cannot see what it should.
    """

    checker: str
    errors: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ClonesCompared:
    """An application that uses the library, restored in clones twice.

    Attributes:
        without_hooks: Without the library's hooks.
        with_hooks: With them.
    """

    without_hooks: HazardReport
    with_hooks: HazardReport

    @property
    def cured(self) -> tuple[Hazard, ...]:
        """Hazards that are there only without the hooks."""
        kept = {(hazard.code, hazard.subject) for hazard in self.with_hooks.open}
        return tuple(hazard for hazard in self.without_hooks.open if (hazard.code, hazard.subject) not in kept)

    @property
    def caused(self) -> tuple[Hazard, ...]:
        """Hazards that are there only with them."""
        known = {(hazard.code, hazard.subject) for hazard in self.without_hooks.open}
        return tuple(hazard for hazard in self.with_hooks.open if (hazard.code, hazard.subject) not in known)

    @property
    def left(self) -> tuple[Hazard, ...]:
        """Hazards that are there either way."""
        caused = self.caused
        return tuple(hazard for hazard in self.with_hooks.open if hazard not in caused)


@dataclass(frozen=True)
class ProviderReport:
    """What a check found.

    Attributes:
        distribution: The distribution's name as installed.
        version: Its version.
        providers: What it declares.
        skipped: What discovery leaves out of it, and why.
        warnings: What discovery warns of, in its words.
        rounds: How many times both phases were run through.
        types: What a type checker says.
        clones: What clones of an application show; ``None`` if none was given.
        problems: All that is wrong, errors first.
        notes: What else there is to say.
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
        """The problems that are as grave as this, or graver."""
        return tuple(each for each in self.problems if fail_on == "warning" or each.severity == "error")

    def check(self, fail_on: Literal["error", "warning"] = "error") -> None:
        """See that there is no problem.

        Args:
            fail_on: The least severity that counts.

        Raises:
            ProviderCheckFailed: There is one; it tells the whole report.
        """
        if self.failing(fail_on):
            raise ProviderCheckFailed(str(self))

    def to_dict(self) -> dict[str, object]:
        """The same as JSON can hold it."""
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
        """For people: what it is, hook by hook, and what is wrong with it."""
        from snapstart_hooks.testing.provider._text import text

        return text(self)
