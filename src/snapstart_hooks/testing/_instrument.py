"""What an instrument is."""

from __future__ import annotations

from typing import Protocol

__all__ = ("Instrument",)


class Instrument(Protocol):
    """Watches a function from inside its process.

    Any object or class, named as ``module:attribute`` in ``clones(instruments=...)``, with
    any of these methods.  It is loaded before the handler, with the hooks of
    `snapstart_hooks` not active: its module must not import that.  What a method returns,
    if not ``None`` and if JSON can hold it, is among the outcome's ``observations``.  What
    it raises is there too, and changes nothing.
    """

    def initialized(self) -> object:
        """The handler is loaded; before_snapshot hooks are next."""
        return None

    def snapshot(self) -> object:
        """before_snapshot hooks have run; the snapshot is next.  The last occasion before it."""
        return None

    def restored(self) -> object:
        """In a clone: it was resumed; after_restore hooks are next."""
        return None

    def ready(self) -> object:
        """In a clone: after_restore hooks have run; the first event is next."""
        return None

    def asked(self) -> object:
        """In a clone: an event is about to be given to the handler."""
        return None

    def answered(self) -> object:
        """In a clone: that was answered; seen is what is returned the last time."""
        return None

    def finished(self) -> object:
        """In a clone: all events are answered, or an after_restore hook failed."""
        return None
