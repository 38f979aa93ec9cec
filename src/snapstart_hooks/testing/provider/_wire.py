"""What the check asks of `_probe`, and what that tells: one JSON document a line."""

from __future__ import annotations

from typing import Literal, TypeAlias, TypedDict

__all__ = (
    "Application",
    "CostMessage",
    "DiscoveredMessage",
    "DoingMessage",
    "FaultMessage",
    "FoundMessage",
    "HookRecord",
    "ProbeMessage",
    "Question",
    "RefusalRecord",
    "ResultRecord",
    "RoundMessage",
)


class Application(TypedDict):
    """What uses the library.

    Attributes:
        module: What is imported, before discovery.
        file: Where that is, if it cannot be imported by name.
        init: What in it is called then; empty for nothing.
    """

    module: str
    file: str | None
    init: str


class Question(TypedDict):
    """What is asked.

    Attributes:
        path: ``sys.path``.
        distribution: Whose providers.
        application: What is imported first.
        rounds: How many times both phases run.
    """

    path: list[str]
    distribution: str
    application: Application | None
    rounds: int


class DoingMessage(TypedDict):
    """What is about to happen; if it is the last message, that ended the process."""

    type: Literal["doing"]
    what: str


class FaultMessage(TypedDict):
    """What was done raised."""

    type: Literal["fault"]
    what: str
    message: str


class DeclaredRecord(TypedDict):
    """An entry point, not loaded yet.

    Attributes:
        name: The provider's name.
        value: The object reference that it gives.
        package: What has to be imported before discovery loads it; empty if it always does.
    """

    name: str
    value: str
    package: str


class FoundMessage(TypedDict):
    """What discovery finds without importing anything."""

    type: Literal["found"]
    declared: list[DeclaredRecord]
    skipped: list[str]


class CostMessage(TypedDict):
    """What importing a package, or then loading a provider, took and did.

    Attributes:
        what: The name of the package, or of the provider.
        error: Why it cannot be; empty if it can.
        names: The names of the contract that a provider has.
        seconds: Of wall time.
        modules: Those that were imported by it.
        foreign: Of these, those that are not Python's own.
        threads: Those that it started.
        opened: What it opened and did not close.
        did: What it did with others: connections, look-ups of names, processes.
    """

    type: Literal["cost"]
    what: str
    error: str
    names: list[str]
    seconds: float
    modules: list[str]
    foreign: list[str]
    threads: list[str]
    opened: list[str]
    did: list[str]


class RefusalRecord(TypedDict):
    """Why discovery refuses a provider, in its own words."""

    provider: str
    message: str


class DiscoveredMessage(TypedDict):
    """What discovery makes of it.

    Attributes:
        registries: The providers that are a `Registry`.
        errors: Those that it refuses.
        warnings: What it warns of.
    """

    type: Literal["discovered"]
    registries: list[str]
    errors: list[RefusalRecord]
    warnings: list[str]


class HookRecord(TypedDict):
    """A hook and its options."""

    name: str
    provider: str
    phase: str
    location: str
    priority: int
    after: list[str]
    timeout: float | None
    required: bool
    concurrent: bool
    is_async: bool


class ResultRecord(TypedDict):
    """What one hook did."""

    hook: HookRecord
    outcome: str
    error: str


class RoundMessage(TypedDict):
    """Both phases have run once more.

    Attributes:
        results: Of all hooks, in the order in which they ran.
        threads: Those that run now.
        opened: What is open now.
    """

    type: Literal["round"]
    results: list[ResultRecord]
    threads: list[str]
    opened: list[str]


ProbeMessage: TypeAlias = DoingMessage | FaultMessage | FoundMessage | CostMessage | DiscoveredMessage | RoundMessage
