"""The moments in the life of a function that others may want to use."""

from __future__ import annotations

__all__ = ("Occasions",)


class Occasions:
    """Is told how far the runtime has come.  Does nothing; override what you need."""

    def initialized(self) -> None:
        """The handler is loaded; the before_snapshot hooks are next."""

    def snapshot(self) -> None:
        """The before_snapshot hooks have run; when this returns, the function is restored."""

    def ready(self) -> None:
        """The after_restore hooks have run; the first event is next."""
