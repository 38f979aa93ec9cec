"""Wrong uses of registries, hooks, reports and observers: each is an error for every type checker.

The statement below a line `# wrong: why` is the wrong use. `test_typing.py` compares.
"""

from __future__ import annotations

from typing_extensions import override

from snapstart_hooks import Hook, HookObserver, HookResult, Phase, PhaseReport, Registry


def open_pool(url: str) -> int:
    return len(url)


hooks = Registry()


# wrong: the decorator of a registry is as strict as that of the module
@hooks.after_restore
def reconnect(client: str) -> None: ...


# wrong: as are its options
@hooks.before_snapshot(priority="high")
def close() -> None: ...


# wrong: and its call form
hooks.register_after_restore(open_pool, 5)

# wrong: in both phases
hooks.register_before_snapshot(open_pool)

# wrong: and the call form with options
hooks.after_restore(priority=5).call(open_pool)

# wrong: the decorators stay
hooks.after_restore = hooks.before_snapshot

# wrong: which providers may load is given by name
Registry(["acme-driver"])

# wrong: and is a collection of names
Registry(allow=5)

# wrong: a phase, not its name
hooks.plan("after_restore")

# wrong: some phase there must be
hooks.plan()

# wrong: a plan does not change
hooks.plan(Phase.AFTER_RESTORE).append(hooks.hooks[0])

# wrong: hooks are added by registering them
hooks.hooks = ()

# wrong: a hook, not its name
hooks.remove("orders.db")

# wrong: nor its function
hooks.remove(open_pool)

# wrong: an after_restore has no arguments
hooks.run_after_restore("now")


def change(hook: Hook, result: HookResult, report: PhaseReport) -> None:
    # wrong: a hook keeps its priority
    hook.priority = 5
    # wrong: and its name
    hook.name = "orders.db"
    # wrong: a result is what happened
    result.error = None
    # wrong: so is a duration
    result.duration = 0.0
    # wrong: and a report
    report.results = ()
    # wrong: a report has no such figure
    report.elapsed
    # wrong: nor has a result
    result.seconds
    # wrong: an error may be missing
    result.error.__traceback__
    # wrong: so may a provider
    hook.provider.name
    # wrong: an outcome is no flag
    failed: bool = result.outcome
    print(failed)


class Partial:
    def hook_started(self, hook: Hook) -> None: ...


class WrongParameter:
    def phase_started(self, phase: Phase, hooks: list[Hook]) -> None: ...
    def hook_started(self, hook: Hook) -> None: ...
    def hook_finished(self, result: HookResult) -> None: ...
    def phase_finished(self, report: PhaseReport) -> None: ...


class TooMany:
    def phase_started(self, phase: Phase, hooks: object) -> None: ...
    def hook_started(self, hook: Hook, registry: Registry) -> None: ...
    def hook_finished(self, result: HookResult) -> None: ...
    def phase_finished(self, report: PhaseReport) -> None: ...


# wrong: without the base class all four methods are needed
hooks.add_observer(Partial())

# wrong: it is given a sequence, not a list
hooks.add_observer(WrongParameter())

# wrong: it is given the hook only
hooks.add_observer(TooMany())

# wrong: a function is not an observer
hooks.add_observer(print)

# wrong: an object, not its class
hooks.add_observer(Partial)


class Misreading(HookObserver):
    # wrong: it is given the result
    @override
    def hook_finished(self, result: Hook, /) -> None: ...


# wrong: what ends the observing needs no argument
hooks.add_observer(Misreading())(hooks)

# wrong: there is no such phase
Phase.AFTER_SNAPSHOT
