"""`Instrument`: the protocol of objects that watch a function."""

from __future__ import annotations

from typing import Protocol

__all__ = ("Instrument",)


class Instrument(Protocol):
    """Observes a function from inside its process.

    An instrument is any object or class, named as ``module:attribute`` in ``clones(instruments=...)``, with any of
    these methods.  It is loaded before the handler, while the hooks of `snapstart_hooks` are not active: its module
    must not import that package.  A return value that is not ``None`` and that JSON can hold is in the outcome's
    ``observations``.  An exception is there, too, and changes nothing.
    """

    def initialized(self) -> object:
        """Observe the function when the handler is loaded, before the before_snapshot hooks."""
        return None

    def snapshot(self) -> object:
        """Observe the function when the before_snapshot hooks have run, as the last step before the snapshot."""
        return None

    def restored(self) -> object:
        """Observe a clone when it is resumed, before the after_restore hooks."""
        return None

    def ready(self) -> object:
        """Observe a clone when the after_restore hooks have run, before the first event."""
        return None

    def asked(self) -> object:
        """Observe a clone when an event is about to be passed to the handler."""
        return None

    def answered(self) -> object:
        """Observe a clone when an event is answered; the outcome has the return value of the last call."""
        return None

    def finished(self) -> object:
        """Observe a clone when all events are answered, or an after_restore hook has failed."""
        return None
