"""Runs callbacks that libraries registered for a fork after a restore, if the application chooses them.

A library without hooks for SnapStart may handle forks: it seeds its generators and drops its connections in a callback
of `os.register_at_fork`.  A restore is not a fork, so that callback is not called.

**This is dangerous.**  Such a callback may assume what is true in the child of a fork, but not after a restore: that
all other threads are gone (so it replaces locks that a thread holds, and starts a second worker), and that a parent
process goes on using the sockets and files.  Read what a callback does before you choose it.
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
    """Records the callbacks that are registered for the child of a fork, from its creation on.

    Create one before the libraries are imported::

        from snapstart_hooks.integrations.at_fork import AtFork

        at_fork = AtFork()
        import their_library

        at_fork.on_restore("their_library.generator:*")

    Attributes:
        callbacks: The name of each callback, ``module:qualified.name``, and the callback.
    """

    def __init__(self) -> None:
        self.callbacks: Final[list[tuple[str, Callable[[], object]]]] = []
        self._register = os.register_at_fork
        self._stopped = False
        self._notes = self._note
        setattr(os, "register_at_fork", self._notes)  # noqa: B010 - its signature there is another one

    def stop(self) -> None:
        """Stop recording."""
        self._stopped = True
        if os.register_at_fork == self._notes:
            setattr(os, "register_at_fork", self._register)  # noqa: B010 - likewise

    def on_restore(
        self, pattern: str, *, priority: int = Priority.ENTROPY, registry: Registry | None = None
    ) -> tuple[str, ...]:
        """Register the callbacks with a matching name as after_restore hooks.

        Args:
            pattern: A pattern of `fnmatch`: ``"their_library.generator:*"``.
            priority: The priority of the hooks.  Default: they run first after a restore.
            registry: The registry for the hooks; ``None`` for the default registry.

        Returns:
            The names of the callbacks.

        Raises:
            LookupError: No name matches; the message has all names.
        """
        chosen = [(name, callback) for name, callback in self.callbacks if fnmatchcase(name, pattern)]
        if not chosen:
            known = ", ".join(dict.fromkeys(name for name, _ in self.callbacks)) or "nothing"
            msg = f"No callback matches {pattern!r}. Recorded until now: {known}. Create AtFork before the import."
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
        if after_in_child is not None and not self._stopped:
            self.callbacks.append((_named(after_in_child), after_in_child))


def _named(callback: object) -> str:
    kind = type(callback)
    try:
        module: object = getattr(callback, "__module__", None) or kind.__module__
        return f"{module}:{getattr(callback, '__qualname__', kind.__qualname__)}"
    except Exception:  # noqa: BLE001 - whatever `__getattr__` does
        return f"{kind.__module__}:{kind.__qualname__}"
