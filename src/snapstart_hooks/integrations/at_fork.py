"""Offers what libraries do after a fork as hooks, chosen by the application one by one.

A library that knows nothing of SnapStart may know forks: it seeds its generators and forgets its connections in
a callback of `os.register_at_fork`.  A restore is no fork, so nobody calls that.

**This is dangerous.**  Such callbacks may assume what is true in the child of a fork, and not after a restore: that all
other threads are dead (so they make locks anew which somebody holds, and start a second worker beside the one that
lives), and that a parent goes on with the sockets and files.  Read what a callback does before it is chosen.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from snapstart_hooks import Priority, default_registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from snapstart_hooks import Registry

__all__ = ("AtFork",)


class AtFork:
    """Notes who registers what shall happen in the child of a fork, from when it is made.

    Make one before the libraries in question are imported::

        from snapstart_hooks.integrations.at_fork import AtFork

        at_fork = AtFork()
        import their_library

        at_fork.on_restore("their_library.generator:*")

    Attributes:
        callbacks: What was registered, by the name of the function, ``module:qualified.name``.
    """

    def __init__(self) -> None:
        self.callbacks: Final[list[tuple[str, Callable[[], object]]]] = []
        self._register = os.register_at_fork
        self._notes = self._note
        setattr(os, "register_at_fork", self._notes)  # noqa: B010 - its signature there is another one

    def stop(self) -> None:
        """Note nothing more."""
        if os.register_at_fork == self._notes:
            setattr(os, "register_at_fork", self._register)  # noqa: B010 - likewise

    def on_restore(
        self, pattern: str, *, priority: int = Priority.ENTROPY, registry: Registry | None = None
    ) -> tuple[str, ...]:
        """Have the callbacks whose names match called after each restore.

        Args:
            pattern: As `fnmatch` takes it: ``"their_library.generator:*"``.
            priority: Of the hooks; by default they come back first.
            registry: Where they go; the default registry if ``None``.

        Returns:
            The names.

        Raises:
            LookupError: None matches; the message has the names of all.
        """
        chosen = [(name, callback) for name, callback in self.callbacks if fnmatchcase(name, pattern)]
        if not chosen:
            known = ", ".join(dict.fromkeys(name for name, _ in self.callbacks)) or "nothing"
            msg = f"No callback matches {pattern!r}. Registered since this was made: {known}."
            raise LookupError(msg)
        hooks = default_registry if registry is None else registry
        for name, callback in chosen:
            hooks.after_restore(name=f"at-fork {name}", priority=priority)(callback)
        return tuple(name for name, _ in chosen)

    def _note(
        self,
        *,
        before: Callable[[], object] | None = None,
        after_in_child: Callable[[], object] | None = None,
        after_in_parent: Callable[[], object] | None = None,
    ) -> None:
        given = {"before": before, "after_in_child": after_in_child, "after_in_parent": after_in_parent}
        self._register(**{name: callback for name, callback in given.items() if callback is not None})
        if after_in_child is not None:
            module: object = getattr(after_in_child, "__module__", None) or type(after_in_child).__module__
            named: object = getattr(after_in_child, "__qualname__", type(after_in_child).__qualname__)
            self.callbacks.append((f"{module}:{named}", after_in_child))
